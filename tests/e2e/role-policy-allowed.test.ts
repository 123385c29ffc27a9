/**
 * All that somebody who has signed in may do: every action of the SDK's clients for S3, AWS IoT, Cognito and DynamoDB, and some of other services, on every
 * kind of resource, in every region, one's own and other people's. What comes out is the list in role-policy-allowed.json, no more and no less.
 *
 * Something new in the list opens the account to everybody who has an account in the app. Think twice; then write it there.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import * as cognito from "@aws-sdk/client-cognito-identity";
import * as userPools from "@aws-sdk/client-cognito-identity-provider";
import * as dynamo from "@aws-sdk/client-dynamodb";
import * as iot from "@aws-sdk/client-iot";
import * as iotData from "@aws-sdk/client-iot-data-plane";
import * as iotJobs from "@aws-sdk/client-iot-jobs-data-plane";
import * as s3 from "@aws-sdk/client-s3";
import { PhoneRole } from "../../sim/cloud/role-policy.ts";

const home = { region: "eu-west-1", accountId: "123456789012", bucket: "photos" };
const identityId = "eu-west-1:5e0f5b4c-6d2e-4f6a-9a57-3a1c6d3e9f00";
const somebody = "eu-west-1:00000000-6d2e-4f6a-9a57-3a1c6d3e9f00";
const regions = ["eu-west-1", "us-east-1", "us-west-2", "ap-southeast-2", "eu-central-1", "sa-east-1"];
const accounts = [home.accountId, "210987654321"];

/** Of a client of the SDK: its commands are the service's operations, and IAM's actions are named like them. */
const operations = (client: object) =>
  Object.keys(client).flatMap((name) => /^(\w+)Command$/.exec(name)?.[1].replace(/^\$$/, "") ?? []);

/** IAM has names of its own for these (Service Authorization Reference). */
const otherNames: Record<string, string[]> = {
  s3: [
    "ListBucket",
    "ListAllMyBuckets",
    "ListBucketVersions",
    "GetObjectVersion",
    "PutBucketPolicy",
    "BypassGovernanceRetention",
  ],
  iot: [
    "Connect",
    "Publish",
    "Receive",
    "Subscribe",
    "RetainPublish",
    "AttachPrincipalPolicy",
    "CreateProvisioningClaim",
    "AssumeRoleWithCertificate",
  ],
  iam: ["PassRole", "CreateUser", "AttachRolePolicy", "PutRolePolicy"],
  sts: ["AssumeRole", "AssumeRoleWithWebIdentity", "GetFederationToken"],
  lambda: ["InvokeFunction", "UpdateFunctionCode"],
  kms: ["Decrypt", "Encrypt"],
  logs: ["GetLogEvents", "PutLogEvents"],
  execute: ["Invoke"],
};
const clients: Record<string, object[]> = {
  s3: [s3],
  iot: [iot, iotData, iotJobs],
  "cognito-identity": [cognito],
  "cognito-idp": [userPools],
  dynamodb: [dynamo],
};

function actions(): string[] {
  const services = new Set([...Object.keys(clients), ...Object.keys(otherNames)]);
  return [...services].flatMap((service) =>
    [...new Set([...(clients[service] ?? []).flatMap(operations), ...(otherNames[service] ?? [])])].map(
      (name) => `${service}:${name}`,
    ),
  );
}

/** What stands in the list, and the resource of the request. */
type Resource = [name: string, resource: string];

const kinds = [
  "cert/a",
  "policy/devicelink-phone",
  "thing/camera-1",
  "thinggroup/all",
  "thingtype/t",
  "rule/r",
  "rolealias/a",
];
const more = [
  "job/j",
  "provisioningtemplate/t",
  "cacert/c",
  "authorizer/a",
  "domainconfiguration/d/x",
  "stream/s",
  "index/AWS_Things",
  "otaupdate/o",
];

/** MQTT's names: client ids, topics, filters. */
const mqtt = [
  `client/phone-${identityId}-1`,
  `client/phone-${somebody}-1`,
  "client/camera-1",
  ...["topic", "topicfilter"].flatMap((kind) =>
    [
      `users/${identityId}/cameras/request`,
      `users/${somebody}/cameras/request`,
      "device/camera-1/commands",
      "device/camera-1/answers",
      "device/camera-1/uploads/grant",
      "$aws/things/camera-1/shadow/get",
      "$aws/things/camera-1/shadow/get/accepted",
      "$aws/things/camera-1/shadow/name/camera-2/update",
      "$aws/things/camera-1/jobs/get",
      "$aws/events/presence/connected/camera-1",
      "$aws/rules/r",
      "other",
      "#",
    ].map((topic) => `${kind}/${topic}`),
  ),
];

function resources(region: string, accountId: string): Resource[] {
  const own = (name: string) => name.replaceAll(identityId, "OWN").replaceAll(somebody, "OTHER");
  const place = `${region === home.region ? "" : " in another region"}${accountId === home.accountId ? "" : " of another account"}`;
  const ofIoT = [...kinds, ...more, ...mqtt].map((name): Resource => {
    return [`${own(name)}${place}`, `arn:aws:iot:${region}:${accountId}:${name}`];
  });
  const ofOthers = [
    "dynamodb:%:table/t",
    "lambda:%:function:f",
    "cognito-identity:%:identitypool/p",
    "cognito-idp:%:userpool/p",
  ];
  const other = ofOthers.map(
    (text): Resource => [`${text}${place}`, `arn:aws:${text.replace("%", `${region}:${accountId}`)}`],
  );
  return [...ofIoT, ...other];
}

const global: Resource[] = [
  ["*", "*"],
  ["identity OWN", identityId],
  ["identity OTHER", somebody],
  ["s3 photos", "arn:aws:s3:::photos"],
  ["s3 photos/users/OWN/camera-1/a.jpg", `arn:aws:s3:::photos/users/${identityId}/camera-1/a.jpg`],
  ["s3 photos/users/OTHER/camera-1/a.jpg", `arn:aws:s3:::photos/users/${somebody}/camera-1/a.jpg`],
  ["s3 photos/a.jpg", "arn:aws:s3:::photos/a.jpg"],
  ["s3 other bucket", "arn:aws:s3:::code"],
  ["s3 other bucket/users/OWN/a.jpg", `arn:aws:s3:::code/users/${identityId}/a.jpg`],
  ["role", "arn:aws:iam::123456789012:role/devicelink-phone"],
];
/** In a list of a bucket: whose pictures. */
const prefixes = [undefined, "", "users/", `users/${identityId}/`, `users/${somebody}/`];

/** The actions that some statement allows on something: the others need not be looked at any further. */
function mentioned(document: string): string[] {
  const policy = JSON.parse(document);
  const widened = policy.Statement.filter(({ Effect }: { Effect: string }) => Effect === "Allow").map(
    ({ Condition: _, NotResource: __, ...statement }: Record<string, unknown>) => ({ ...statement, Resource: "*" }),
  );
  const role = new PhoneRole({ ...home, document: JSON.stringify({ ...policy, Statement: widened }) });
  const names = actions();
  assert.ok(names.length > 400, `${names.length} actions`);
  return names.filter((action) => role.isRoleAllowed({ action, resource: "*", identityId }));
}

/** Everything that is allowed, each with how far it goes. What an action that takes no resource would be allowed on is `anything`. */
function allowed(document: string): string[] {
  const role = new PhoneRole({ ...home, document });
  return mentioned(document)
    .flatMap((action) => regions.flatMap((region) => placesOf(role, action, region)))
    .filter((one, index, all) => all.indexOf(one) === index)
    .sort();
}

function placesOf(role: PhoneRole, action: string, region: string): string[] {
  const elsewhere = region === home.region ? "" : " in another region";
  const service = action.split(":")[0];
  const fits = ([, resource]: Resource) => !resource.startsWith("arn:") || resource.split(":")[2] === service;
  const candidates = [...accounts.flatMap((accountId) => resources(region, accountId)), ...global].filter(fits);
  const found = candidates.flatMap(([name, resource]) => {
    const ways = action.startsWith("s3:List") ? prefixes : [undefined];
    return ways.flatMap((prefix) => {
      const context = prefix === undefined ? {} : { "s3:prefix": prefix };
      if (!role.isRoleAllowed({ action, resource, identityId, region, context })) return [];
      const where =
        prefix === undefined ? "" : ` prefix ${prefix.replaceAll(identityId, "OWN").replaceAll(somebody, "OTHER")}`;
      return [`${action} on ${name}${where}`];
    });
  });
  if (found.length === candidates.length) return [`${action} on anything${elsewhere}`];
  // A bucket has one region, whichever is asked.
  return service === "s3" ? found : found.map((one) => (one.endsWith(elsewhere) ? one : one + elsewhere));
}

const document = readFile(new URL("../../sim/cloud/phone-role-policy.json", import.meta.url), "utf8");
const list = new URL("role-policy-allowed.json", import.meta.url);

test("people may do what is in role-policy-allowed.json, and nothing else, in any region", async () => {
  const expected = JSON.parse(await readFile(list, "utf8")) as string[];
  const found = allowed(await document);
  assert.deepEqual(
    found.filter((one) => !expected.includes(one)),
    [],
    "more is allowed than the list has: is that wanted?",
  );
  assert.deepEqual(
    expected.filter((one) => !found.includes(one)),
    [],
    "less is allowed than the list has: shorten it",
  );
  for (const one of found)
    assert.ok(!/ in another region| of another account|OTHER/.test(one) || isUnavoidable(one), one);
});

/** IAM cannot tell identities apart as targets of AttachPolicy (README.md of bindings/). */
const isUnavoidable = (one: string) => one === "iot:AttachPolicy on identity OTHER";

test("another region is closed by the condition and by the denial, each of which would do", async () => {
  const policy = JSON.parse(await document);
  type Statement = { Effect: string; Condition?: Record<string, object> };
  const hasRegion = ({ Condition }: Statement) => JSON.stringify(Condition ?? {}).includes("aws:RequestedRegion");
  const elsewhere = (change: (statements: Statement[]) => Statement[]) =>
    allowed(JSON.stringify({ ...policy, Statement: change(policy.Statement) })).filter((one) =>
      one.endsWith("another region"),
    );
  const withoutDenial = (all: Statement[]) => all.filter((one) => one.Effect === "Allow" || !hasRegion(one));
  const withoutCondition = (all: Statement[]) =>
    all.map((one) => (one.Effect === "Allow" && hasRegion(one) ? { ...one, Condition: undefined } : one));
  assert.deepEqual(elsewhere(withoutDenial), []);
  assert.deepEqual(elsewhere(withoutCondition), []);
  const open = elsewhere((all) => withoutCondition(withoutDenial(all)));
  assert.ok(open.includes("iot:DescribeEndpoint on anything in another region"), open.join());
});

test("a statement that allows too much is noticed", async () => {
  const text = await document;
  const expected = JSON.parse(await readFile(list, "utf8")) as string[];
  for (const extra of [
    { Effect: "Allow", Action: "iot:UpdateThingShadow", Resource: "arn:PARTITION:iot:REGION:ACCOUNT:*" },
    { Effect: "Allow", Action: "s3:ListBucket", Resource: "*" },
    { Effect: "Allow", Action: "dynamodb:GetItem", Resource: "*" },
    { Effect: "Allow", Action: "iot:Publish", Resource: "arn:PARTITION:iot:*:*:topic/device/*" },
    { Effect: "Allow", NotAction: "iam:*", Resource: "*" },
  ]) {
    const policy = JSON.parse(text);
    policy.Statement.push(extra);
    const found = allowed(JSON.stringify(policy));
    assert.ok(
      found.some((one) => !expected.includes(one)),
      JSON.stringify(extra),
    );
  }
});
