// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates and policies have variables
/** The CloudFormation template: its syntax, its references, that it says what the local cloud does, and that it allows no more than it has to. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { topicsOf } from "../../modules/cloud/topics.ts";
import { userIndex } from "../../sim/cloud/bindings/dynamo-table.ts";
import { bindingRuleSQL } from "../../sim/cloud/bindings/rule.ts";
import { grantRuleSQL } from "../../sim/cloud/grants/rule.ts";
import { isAllowed } from "../../sim/cloud/policy.ts";
import { parseCloudSettings } from "../../sim/phone/cloud-settings.ts";
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

const template = readTemplate(await source("sim/cloud/template.yaml")) as Template;
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
  "AWS::IoT::Policy": ["Arn", "Id"],
  "AWS::IoT::ProvisioningTemplate": ["TemplateArn"],
  "AWS::Cognito::UserPool": ["Arn", "ProviderName", "ProviderURL", "UserPoolId"],
  "AWS::Cognito::UserPoolClient": ["ClientId", "ClientSecret", "Name"],
  "AWS::Cognito::IdentityPool": ["Id", "Name"],
  "AWS::Cognito::IdentityPoolRoleAttachment": ["Id"],
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
    if (typeof one === "string") return one;
    const { "Fn::Sub": text, "Fn::GetAtt": path } = one as { "Fn::Sub"?: string; "Fn::GetAtt"?: string[] };
    return text?.replaceAll("$", "") ?? `{${path?.join(".")}}`;
  });
}

const names = (type: string) => resourcesOf(type).map(([name]) => name);
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
    const allowed = ["Type", "Properties", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy"];
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

/** The two functions, with all that belongs to them. */
const functions = [
  { name: "Grant", folder: "grants", sql: grantRuleSQL },
  { name: "Binding", folder: "bindings", sql: bindingRuleSQL },
];

test("the rules that are deployed are those that run here, and they alone may call the functions", () => {
  assert.deepEqual(names("AWS::Lambda::Function"), ["GrantFunction", "BindingFunction", "HookFunction"]);
  assert.deepEqual(names("AWS::IoT::TopicRule"), ["GrantRule", "BindingRule"]);
  assert.deepEqual(names("AWS::Lambda::Permission"), ["GrantPermission", "BindingPermission", "HookPermission"]);
  for (const { name, folder, sql } of functions) {
    const payload = Resources[`${name}Rule`].Properties.TopicRulePayload as Record<string, unknown>;
    assert.deepEqual([payload.Sql, payload.RuleDisabled], [sql, false]);
    assert.deepEqual(payload.Actions, [{ Lambda: { FunctionArn: { "Fn::GetAtt": [`${name}Function`, "Arn"] } } }]);
    assert.deepEqual(Resources[`${name}Permission`].Properties, {
      Action: "lambda:InvokeFunction",
      FunctionName: { Ref: `${name}Function` },
      Principal: "iot.amazonaws.com",
      SourceAccount: { Ref: "AWS::AccountId" },
      SourceArn: { "Fn::GetAtt": [`${name}Rule`, "Arn"] },
    });
    const { Handler, Code, Role } = Resources[`${name}Function`].Properties;
    assert.deepEqual([Handler, Code], ["handler.handler", `../../.build/${folder}`]);
    assert.deepEqual(Role, { "Fn::GetAtt": [`${name}Role`, "Arn"] });
  }
});

test("the functions get the settings that they read, no others", async () => {
  for (const { name, folder } of [...functions, { name: "Hook", folder: "provisioning-hook" }]) {
    const { Variables } = Resources[`${name}Function`].Properties.Environment as { Variables: object };
    const handler = await source(`sim/cloud/${folder}/handler.ts`);
    const read = [...handler.matchAll(/functionSetting\("(\w+)"\)/g)].map(([, setting]) => setting);
    assert.ok(read.length > 0);
    assert.deepEqual(Object.keys(Variables).sort(), read.sort());
  }
  const { Type, MinValue, MaxValue, Default } = Parameters.GrantSeconds;
  assert.deepEqual([Type, MinValue, MaxValue, Default], ["Number", 60, 3600, 900]);
});

/** What a role's own policies allow: actions, then what they are allowed on. */
function allowancesOf(role: string): string[][] {
  const { Properties } = Resources[role];
  assert.equal(Properties.ManagedPolicyArns, undefined);
  const policies = Properties.Policies as { PolicyDocument: { Statement: Statement[] } }[];
  const statements = policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
  assert.ok(statements.every(({ Effect }) => Effect === "Allow"));
  return statements.map((statement) => [[statement.Action].flat().join(), ...targetsOf(statement)]);
}

test("the functions' roles may do what they have to, each on what it is for", () => {
  const account = "arn:{AWS::Partition}:iot:{AWS::Region}:{AWS::AccountId}";
  assert.deepEqual(allowancesOf("GrantRole"), [
    ["dynamodb:GetItem", "{BindingTable.Arn}"],
    ["s3:PutObject", "{PhotoBucket.Arn}/users/*.jpg"],
    ["iot:Publish", `${account}:topic/device/*/uploads/grant`],
    ["logs:CreateLogStream,logs:PutLogEvents", "{GrantLog.Arn}"],
  ]);
  const versions = ["Create", "List", "Delete"].map((one) => `iot:${one}PolicyVersion${one === "List" ? "s" : ""}`);
  const attach = ["AttachPolicy", "DetachPolicy", "ListAttachedPolicies"];
  const belong = ["AttachThingPrincipal", "DetachThingPrincipal", "ListThingPrincipals", "ListPrincipalThings"];
  assert.deepEqual(allowancesOf("BindingRole"), [
    ["dynamodb:GetItem,dynamodb:UpdateItem,dynamodb:DeleteItem", "{BindingTable.Arn}"],
    ["dynamodb:Query", `{BindingTable.Arn}/index/${userIndex}`],
    ["iot:CreateThing,iot:DescribeThing", `${account}:thing/camera-*`],
    [
      [...["Create", "Delete"].map((one) => `iot:${one}Policy`), ...versions, "iot:ListTargetsForPolicy"].join(),
      `${account}:policy/devicelink-owner-*`,
    ],
    [[...attach, ...belong].map((action) => `iot:${action}`).join(), "*"],
    ["iot:CreateCertificateFromCsr", "*"],
    ["iot:DescribeCertificate,iot:UpdateCertificate", `${account}:cert/*`],
    ["iot:Publish", `${account}:topic/users/*/cameras/answer`],
    ["logs:CreateLogStream,logs:PutLogEvents", "{BindingLog.Arn}"],
  ]);
});

test("fleet provisioning asks the hook, which AWS IoT alone may call, for this template alone", () => {
  const { PreProvisioningHook, TemplateName } = Resources.FleetTemplate.Properties;
  assert.deepEqual(PreProvisioningHook, {
    PayloadVersion: "2020-04-01",
    TargetArn: { "Fn::GetAtt": ["HookFunction", "Arn"] },
  });
  assert.equal((Resources.FleetTemplate as { DependsOn?: string }).DependsOn, "HookPermission");
  const template = `arn:\${AWS::Partition}:iot:\${AWS::Region}:\${AWS::AccountId}:provisioningtemplate/${TemplateName}`;
  assert.deepEqual(Resources.HookPermission.Properties, {
    Action: "lambda:InvokeFunction",
    FunctionName: { Ref: "HookFunction" },
    Principal: "iot.amazonaws.com",
    SourceAccount: { Ref: "AWS::AccountId" },
    SourceArn: { "Fn::Sub": template },
  });
  const { Handler, Code, Role, Timeout } = Resources.HookFunction.Properties;
  assert.deepEqual([Handler, Code, Timeout], ["handler.handler", "../../.build/provisioning-hook", 5]);
  assert.deepEqual(Role, { "Fn::GetAtt": ["HookRole", "Arn"] });
  assert.deepEqual(allowancesOf("HookRole"), [
    ["iot:ListThingPrincipals", "arn:{AWS::Partition}:iot:{AWS::Region}:{AWS::AccountId}:thing/camera-*"],
    ["logs:CreateLogStream,logs:PutLogEvents", "{HookLog.Arn}"],
  ]);
});

test("the binding function's role allows every call of AWS IoT that its code makes", async () => {
  const files = ["camera-rights", "policy-store"].map((name) => source(`sim/cloud/bindings/${name}.ts`));
  const code = (await Promise.all(files)).join("");
  const called = [...code.matchAll(/new (\w+)Command\(|paginate(\w+)\(/g)].map(
    ([, send, page]) => `iot:${send ?? page}`,
  );
  const allowed = allowancesOf("BindingRole").flatMap(([actions]) => actions.split(","));
  for (const action of called) assert.ok(allowed.includes(action), action);
  const unused = allowed.filter((action) => /^iot:(?!Publish)/.test(action) && !called.includes(action));
  assert.deepEqual(unused, []);
});

test("the bucket is closed to the public, and what the stack keeps outlives it", async () => {
  const bucket = Resources.PhotoBucket;
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
  const table = Resources.BindingTable;
  assert.deepEqual(table.Properties.KeySchema, [{ AttributeName: "thing", KeyType: "HASH" }]);
  assert.deepEqual(table.Properties.GlobalSecondaryIndexes, [
    {
      IndexName: userIndex,
      KeySchema: [{ AttributeName: "user", KeyType: "HASH" }],
      Projection: { ProjectionType: "ALL" },
    },
  ]);
  for (const { DeletionPolicy, UpdateReplacePolicy } of [bucket, table, Resources.UserPool, Resources.IdentityPool])
    assert.deepEqual([DeletionPolicy, UpdateReplacePolicy], ["Retain", "Retain"]);
});

test("pages may use the bucket as they may use the local one", async () => {
  const { CORSRules } = JSON.parse(await source("sim/cloud/bucket-cors.json"));
  const [{ AllowedOrigins, ExposeHeaders, MaxAgeSeconds, ...rule }] = CORSRules;
  const { CorsRules } = Resources.PhotoBucket.Properties.CorsConfiguration as { CorsRules: object[] };
  assert.deepEqual(CorsRules, [
    { AllowedOrigins: { Ref: "PageOrigins" }, ...rule, ExposedHeaders: ExposeHeaders, MaxAge: MaxAgeSeconds },
  ]);
  assert.equal(Parameters.PageOrigins.Default, AllowedOrigins.join());
});

/** A policy document of the template as those of certs/ are written, with placeholders. */
function withPlaceholders(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withPlaceholders);
  if (typeof value !== "object" || value === null) return value;
  const { "Fn::Sub": text, Ref } = value as { "Fn::Sub"?: string; Ref?: string };
  if (Ref === "AWS::Region") return "REGION";
  if (text === undefined)
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withPlaceholders(inner)]));
  const names = {
    "AWS::Partition": "PARTITION",
    "AWS::Region": "REGION",
    "AWS::AccountId": "ACCOUNT",
    PhotoBucket: "BUCKET",
  };
  let result = text;
  for (const [name, placeholder] of Object.entries(names)) result = result.replaceAll(`\${${name}}`, placeholder);
  return result.replaceAll("${!", "${");
}

test("the policies of the template are those of the project, word for word", async () => {
  const [{ PolicyDocument: role }] = Resources.PhoneRole.Properties.Policies as { PolicyDocument: object }[];
  const documents: [unknown, string][] = [
    [role, "sim/cloud/phone-role-policy.json"],
    [Resources.CameraPolicy.Properties.PolicyDocument, "certs/iot-policy.json"],
    [Resources.PhonePolicy.Properties.PolicyDocument, "certs/phone-policy.json"],
    [Resources.RotationPolicy.Properties.PolicyDocument, "certs/rotation-policy.json"],
    [Resources.ClaimPolicy.Properties.PolicyDocument, "certs/claim-policy.json"],
  ];
  const { TemplateName } = Resources.FleetTemplate.Properties;
  for (const [document, path] of documents) {
    const expected = JSON.parse((await source(path)).replaceAll("/TEMPLATE/", `/${TemplateName}/`));
    assert.deepEqual(
      withPlaceholders(document),
      expected,
      `template.yaml differs from ${path}: write into it what has changed there`,
    );
  }
  assert.equal(Resources.CameraPolicy.Properties.PolicyName, "devicelink-camera");
  assert.equal(Resources.PhonePolicy.Properties.PolicyName, "devicelink-phone");
  assert.equal(Resources.PhoneRole.Properties.ManagedPolicyArns, undefined);
});

test("cameras provision themselves by the project's template, under policies that the stack has, once somebody has switched it on", async () => {
  const { TemplateBody, Enabled, ProvisioningRoleArn, TemplateType } = Resources.FleetTemplate.Properties;
  const body = JSON.parse(TemplateBody as string);
  assert.deepEqual(body, JSON.parse(await source("certs/provisioning-template.json")));
  const made = resourcesOf("AWS::IoT::Policy").map(([, { Properties }]) => Properties.PolicyName);
  const wanted = Object.values(body.Resources as Record<string, { Properties: { PolicyName?: string } }>);
  for (const { Properties } of wanted) if (Properties.PolicyName) assert.ok(made.includes(Properties.PolicyName));
  assert.deepEqual([Enabled, Parameters.FleetProvisioning.Default], [{ Ref: "FleetProvisioning" }, "false"]);
  assert.deepEqual([ProvisioningRoleArn, TemplateType], [{ "Fn::GetAtt": ["FleetRole", "Arn"] }, "FLEET_PROVISIONING"]);
  const { AssumeRolePolicyDocument, ManagedPolicyArns } = Resources.FleetRole.Properties;
  const { Statement: trust } = AssumeRolePolicyDocument as { Statement: object[] };
  assert.deepEqual(trust, [{ Effect: "Allow", Principal: { Service: "iot.amazonaws.com" }, Action: "sts:AssumeRole" }]);
  const registration = "arn:${AWS::Partition}:iam::aws:policy/service-role/AWSIoTThingsRegistration";
  assert.deepEqual(ManagedPolicyArns, [{ "Fn::Sub": registration }]);
});

test("people sign in with SRP and a refresh token, from a page that has no secret, and nobody without", () => {
  const client = Resources.UserPoolClient.Properties;
  assert.deepEqual([client.UserPoolId, client.GenerateSecret], [{ Ref: "UserPool" }, false]);
  assert.deepEqual(client.ExplicitAuthFlows, ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]);
  const pool = Resources.IdentityPool.Properties;
  assert.deepEqual([pool.AllowUnauthenticatedIdentities, pool.AllowClassicFlow], [false, false]);
  const [provider] = pool.CognitoIdentityProviders as object[];
  assert.deepEqual(provider, {
    ClientId: { Ref: "UserPoolClient" },
    ProviderName: { "Fn::GetAtt": ["UserPool", "ProviderName"] },
    ServerSideTokenCheck: true,
  });
  assert.deepEqual(Resources.IdentityPoolRoles.Properties, {
    IdentityPoolId: { Ref: "IdentityPool" },
    Roles: { authenticated: { "Fn::GetAtt": ["PhoneRole", "Arn"] } },
  });
  const { Statement: trust } = Resources.PhoneRole.Properties.AssumeRolePolicyDocument as { Statement: object[] };
  assert.deepEqual(trust, [
    {
      Effect: "Allow",
      Principal: { Federated: "cognito-identity.amazonaws.com" },
      Action: "sts:AssumeRoleWithWebIdentity",
      Condition: {
        StringEquals: { "cognito-identity.amazonaws.com:aud": { Ref: "IdentityPool" } },
        "ForAnyValue:StringLike": { "cognito-identity.amazonaws.com:amr": "authenticated" },
      },
    },
  ]);
});

test("the outputs are the settings of the page", () => {
  const values: Record<string, string> = {
    userPoolId: "eu-west-1_a1B2c3D4e",
    userPoolClientId: "1h57kf5cpq17m0eml12EXAMPLE",
    identityPoolId: "eu-west-1:01234567-89ab-cdef-0123-456789abcdef",
    region: "eu-west-1",
    bucket: "devicelink-photobucket-1a2b3c",
    name: "devicelink",
  };
  const settings = Object.fromEntries(Object.keys(Outputs).map((name) => [name, values[name]]));
  assert.deepEqual(parseCloudSettings(settings), values, "nothing is missing, and nothing is too much");
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
