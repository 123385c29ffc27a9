/** The CloudFormation template of the grants: its syntax, its references, and that it allows no more than it has to. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { topicsOf } from "../../modules/cloud/topics.ts";
import { grantRuleSQL } from "../../sim/cloud/grants/rule.ts";
import { isAllowed } from "../../sim/cloud/policy.ts";
import { readTemplate } from "./cloudformation-yaml.ts";

interface Resource {
  Type: string;
  Properties: Record<string, unknown>;
  DeletionPolicy?: string;
  UpdateReplacePolicy?: string;
}

interface Statement {
  Sid?: string;
  Effect: string;
  Action: string | string[];
  Resource: unknown;
}

interface Template {
  AWSTemplateFormatVersion: string;
  Parameters: Record<string, { Type: string; MinValue?: number; MaxValue?: number; Default?: unknown }>;
  Resources: Record<string, Resource>;
  Outputs: Record<string, { Value: unknown }>;
}

const source = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), "utf8");

const template = readTemplate(await source("sim/cloud/grants/template.yaml")) as Template;
const { Parameters, Resources, Outputs } = template;

/** What Fn::GetAtt knows of the types that are used here (CloudFormation's resource reference, "Return values"). */
const attributes: Record<string, string[]> = {
  "AWS::S3::Bucket": ["Arn", "DomainName", "RegionalDomainName"],
  "AWS::S3::BucketPolicy": [],
  "AWS::DynamoDB::Table": ["Arn", "StreamArn", "TableId"],
  "AWS::Logs::LogGroup": ["Arn"],
  "AWS::IAM::Role": ["Arn", "RoleId"],
  "AWS::Lambda::Function": ["Arn"],
  "AWS::Lambda::EventInvokeConfig": [],
  "AWS::Lambda::Permission": [],
  "AWS::IoT::TopicRule": ["Arn"],
};
const pseudoParameters = ["AWS::AccountId", "AWS::Partition", "AWS::Region", "AWS::StackName"];

interface Reference {
  name: string;
  attribute?: string;
}

/** Every reference below a value. */
function referencesIn(value: unknown): Reference[] {
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(referencesIn);
  return Object.entries(value).flatMap(([key, inner]) => {
    if (key === "Ref") return [{ name: inner as string }];
    if (key === "Fn::GetAtt") return [{ name: inner[0], attribute: inner.slice(1).join(".") }];
    if (key !== "Fn::Sub") return referencesIn(inner);
    return [...(inner as string).matchAll(/\$\{([^}!]+)\}/g)].map(([, path]) => {
      const [name, ...rest] = path.split(".");
      return rest.length ? { name, attribute: rest.join(".") } : { name };
    });
  });
}

/** A statement's resources, with `{X}` where a reference to X stands. */
function targetsOf({ Resource: resource }: Statement): string[] {
  return [resource].flat().map((one) => {
    const { "Fn::Sub": text, "Fn::GetAtt": path } = one as { "Fn::Sub"?: string; "Fn::GetAtt"?: string[] };
    return text?.replaceAll("$", "") ?? `{${path?.join(".")}}`;
  });
}

const resourcesOf = (type: string) => Object.entries(Resources).filter(([, { Type }]) => Type === type);

test("what is no YAML, or not the same to every reader of it, is found", () => {
  const broken = {
    "a: 1\na: 2": /line 2: a is given twice/,
    "a:\n  b: 1\n c: 2": /line 3/,
    "a:\nb: 1": /line 2: a value is missing above/,
    "a: 1\n  b: 2": /line 2/,
    "a:\n  - b\n  c: 1": /line 3: no item of the list/,
    "a: !Nope b": /line 1: !Nope is not known/,
    "a\nb: 1": /line 1: no key/,
    "a: no": /quoted/,
    "a: 2012-10-17": /quoted/,
    "a: *b": /quoted/,
    "a: b: c": /quoted/,
    'a: "b': /quoted/,
    "a: b # c": /quoted/,
    "a:\n\tb: 1": /tabs/,
  };
  for (const [text, reason] of Object.entries(broken)) assert.throws(() => readTemplate(text), reason, text);
  assert.deepEqual(
    readTemplate('a:\n  # c\n  - b: !Ref x\n    c: "1"\n  - y:z\nd: >-\n  e\n  f\ng:h: !GetAtt i.j\nk: 5'),
    {
      a: [{ b: { Ref: "x" }, c: "1" }, "y:z"],
      d: "e f",
      "g:h": { "Fn::GetAtt": ["i", "j"] },
      k: 5,
    },
  );
});

test("it has the sections and attributes of a template", () => {
  assert.equal(template.AWSTemplateFormatVersion, "2010-09-09");
  const sections = ["AWSTemplateFormatVersion", "Description", "Parameters", "Resources", "Outputs"];
  assert.deepEqual(Object.keys(template), sections);
  for (const [name, resource] of Object.entries(Resources)) {
    assert.match(name, /^[A-Za-z0-9]{1,255}$/);
    assert.ok(attributes[resource.Type], `${name} is of a type that this test knows`);
    const allowed = ["Type", "Properties", "DeletionPolicy", "UpdateReplacePolicy"];
    for (const key of Object.keys(resource)) assert.ok(allowed.includes(key), `${name}.${key}`);
  }
});

test("every reference leads somewhere, and every parameter is used", () => {
  const references = referencesIn([Resources, Outputs]);
  for (const { name, attribute } of references) {
    if (attribute !== undefined) {
      assert.ok(attributes[Resources[name]?.Type]?.includes(attribute), `${name}.${attribute}`);
    } else assert.ok(name in Resources || name in Parameters || pseudoParameters.includes(name), name);
  }
  for (const name of Object.keys(Parameters))
    assert.ok(
      references.some((reference) => reference.name === name),
      name,
    );
});

test("no resource waits for itself", () => {
  const done = new Set<string>();
  const visit = (name: string, path: string[]) => {
    assert.ok(!path.includes(name), [...path, name].join(" -> "));
    if (done.has(name) || !Resources[name]) return;
    for (const reference of referencesIn(Resources[name])) visit(reference.name, [...path, name]);
    done.add(name);
  };
  for (const name of Object.keys(Resources)) visit(name, []);
  assert.equal(done.size, Object.keys(Resources).length);
});

test("the rule that is deployed is the one that runs here, and it alone may call the function", () => {
  const [[rule, { Properties }]] = resourcesOf("AWS::IoT::TopicRule");
  const payload = Properties.TopicRulePayload as Record<string, unknown>;
  assert.equal(payload.Sql, grantRuleSQL);
  assert.equal(payload.RuleDisabled, false);
  const [[name, { Properties: lambda }]] = resourcesOf("AWS::Lambda::Function");
  assert.deepEqual(payload.Actions, [{ Lambda: { FunctionArn: { "Fn::GetAtt": [name, "Arn"] } } }]);
  const [[, { Properties: permission }], ...others] = resourcesOf("AWS::Lambda::Permission");
  assert.deepEqual(others, []);
  assert.deepEqual(permission, {
    Action: "lambda:InvokeFunction",
    FunctionName: { Ref: name },
    Principal: "iot.amazonaws.com",
    SourceAccount: { Ref: "AWS::AccountId" },
    SourceArn: { "Fn::GetAtt": [rule, "Arn"] },
  });
  assert.equal(lambda.Handler, "handler.handler");
});

test("the function gets the settings that it reads, no others", async () => {
  const [[, { Properties }]] = resourcesOf("AWS::Lambda::Function");
  const { Variables } = Properties.Environment as { Variables: object };
  const read = [...(await source("sim/cloud/grants/handler.ts")).matchAll(/setting\("(\w+)"\)/g)].map(
    ([, name]) => name,
  );
  assert.ok(read.length > 0);
  assert.deepEqual(Object.keys(Variables).sort(), read.sort());
  const { Type, MinValue, MaxValue, Default } = Parameters.GrantSeconds;
  assert.deepEqual([Type, MinValue, MaxValue, Default], ["Number", 60, 3600, 900]);
});

test("the function's role may do five things, each to what it is for", () => {
  const [[, { Properties }]] = resourcesOf("AWS::IAM::Role");
  const policies = Properties.Policies as { PolicyDocument: { Statement: Statement[] } }[];
  const statements = policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
  const allowed = statements.map((statement) => [[statement.Action].flat().join(), ...targetsOf(statement)]);
  assert.deepEqual(allowed, [
    ["dynamodb:GetItem", "{BindingTable.Arn}"],
    ["s3:PutObject", "{PhotoBucket.Arn}/*.jpg"],
    ["iot:Publish", "arn:{AWS::Partition}:iot:{AWS::Region}:{AWS::AccountId}:topic/device/*/uploads/grant"],
    ["logs:CreateLogStream,logs:PutLogEvents", "{GrantLog.Arn}"],
  ]);
  assert.equal(Properties.ManagedPolicyArns, undefined);
});

test("the bucket is closed to the public, and what the stack keeps outlives it", () => {
  const [[, bucket]] = resourcesOf("AWS::S3::Bucket");
  assert.deepEqual(bucket.Properties.PublicAccessBlockConfiguration, {
    BlockPublicAcls: true,
    BlockPublicPolicy: true,
    IgnorePublicAcls: true,
    RestrictPublicBuckets: true,
  });
  const [[, { Properties }]] = resourcesOf("AWS::S3::BucketPolicy");
  const { Statement: statements } = Properties.PolicyDocument as { Statement: Statement[] };
  assert.deepEqual(
    statements.map(({ Effect, Sid }) => `${Effect} ${Sid}`),
    ["Deny TLSOnly", "Deny NoURLOlderThanAnHour"],
  );
  const [[, table]] = resourcesOf("AWS::DynamoDB::Table");
  assert.deepEqual(table.Properties.KeySchema, [{ AttributeName: "thing", KeyType: "HASH" }]);
  for (const { DeletionPolicy, UpdateReplacePolicy } of [bucket, table])
    assert.deepEqual([DeletionPolicy, UpdateReplacePolicy], ["Retain", "Retain"]);
});

test("the camera's policy lets it ask and be answered, on its own two topics and in that direction only", async () => {
  const policy = (await source("certs/iot-policy.json")).replaceAll("PARTITION:iot:REGION:ACCOUNT", "aws:iot:r:1");
  const variables = { "iot:Connection.Thing.ThingName": "camera-1", "iot:Connection.Thing.IsAttached": "true" };
  const may = (action: string, kind: string, topic: string) =>
    isAllowed([policy], { action: `iot:${action}`, resource: `arn:aws:iot:r:1:${kind}/${topic}`, variables });
  const { uploadRequest, uploadGrant } = topicsOf("camera-1");
  assert.ok(may("Publish", "topic", uploadRequest));
  assert.ok(may("Subscribe", "topicfilter", uploadGrant));
  assert.ok(may("Receive", "topic", uploadGrant));
  assert.ok(!may("Publish", "topic", uploadGrant), "it cannot grant itself anything");
  assert.ok(!may("Subscribe", "topicfilter", uploadRequest));
  assert.ok(!may("Receive", "topic", uploadRequest));
  const others = topicsOf("camera-2");
  assert.ok(!may("Publish", "topic", others.uploadRequest));
  for (const filter of [
    others.uploadGrant,
    "device/+/uploads/grant",
    "device/camera-1/uploads/#",
    "device/camera-1/uploads/+",
  ])
    assert.ok(!may("Subscribe", "topicfilter", filter), filter);
  assert.ok(!may("Receive", "topic", others.uploadGrant));
});
