// biome-ignore-all lint/suspicious/noTemplateCurlyInString: policies have variables
/** How IAM and AWS IoT decide, statement by statement, and what the documents of the project come to. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { decide } from "../../sim/cloud/policy.ts";
import { checkPolicyDocument } from "../../sim/cloud/policy-document.ts";
import { PhoneRole } from "../../sim/cloud/role-policy.ts";

const sub = "us-east-1:5e0f5b4c-6d2e-4f6a-9a57-3a1c6d3e9f00";
const other = "us-east-1:00000000-6d2e-4f6a-9a57-3a1c6d3e9f00";

type Variables = Record<string, string | string[] | undefined>;

/** The decision on one statement for s3:GetObject of `arn:aws:s3:::b/k`. */
function judge(statement: object, variables: Variables = {}, effect = "Allow"): string {
  const document = JSON.stringify({
    Version: "2012-10-17",
    Statement: { Effect: effect, Action: "s3:GetObject", Resource: "*", ...statement },
  });
  return decide([document], { action: "s3:GetObject", resource: "arn:aws:s3:::b/k", variables });
}

test("actions and resources: wildcards, the opposite of a list, letters of either case in actions alone", () => {
  const allowed: object[] = [
    {},
    { Action: "s3:*" },
    { Action: "S3:getobject" },
    { Action: ["x:Y", "s3:Get?bject"] },
    { Action: undefined, NotAction: "s3:Put*" },
    { Resource: "arn:aws:s3:::b/*" },
    { Resource: "arn:*/k" },
    { Resource: undefined, NotResource: "arn:aws:s3:::b/other" },
  ];
  for (const statement of allowed) assert.equal(judge(statement), "allowed", JSON.stringify(statement));
  const denied: object[] = [
    { Action: "s3:Get" },
    { Action: "*:PutObject" },
    { Action: undefined, NotAction: ["s3:Get*"] },
    { Action: undefined },
    { Resource: "arn:aws:s3:::B/k" },
    { Resource: "arn:aws:s3:::b/k?" },
    { Resource: "arn:aws:s3:::${*}" },
    { Resource: undefined, NotResource: "arn:aws:s3:::b/*" },
  ];
  for (const statement of denied) assert.equal(judge(statement), "implicitDeny", JSON.stringify(statement));
});

test("a variable is its value and no pattern; one without a value fits nothing", () => {
  const statement = { Resource: "arn:aws:s3:::${who}/k" };
  assert.equal(judge(statement, { who: "b" }), "allowed");
  assert.equal(judge(statement, { who: "*" }), "implicitDeny");
  assert.equal(judge(statement, {}), "implicitDeny");
  assert.equal(judge(statement, { who: ["b"] }), "implicitDeny", "nor does one of several values");
  assert.equal(judge({ Resource: "arn:aws:s3:::${constructor}/k" }), "implicitDeny");
});

test("a statement that denies wins over all that allow", () => {
  const text = (Effect: string, Resource: string) => {
    return JSON.stringify({ Statement: [{ Effect, Action: "*", Resource }] });
  };
  const request = { action: "s3:GetObject", resource: "arn:aws:s3:::b/k", variables: {} };
  assert.equal(decide([text("Allow", "*"), text("Deny", "arn:aws:s3:::b/*")], request), "explicitDeny");
  assert.equal(decide([text("Deny", "arn:aws:s3:::c/*"), text("Allow", "*")], request), "allowed");
  assert.equal(decide([], request), "implicitDeny");
});

test("conditions", () => {
  const when = (Condition: object, variables: Variables) => judge({ Condition }, variables) === "allowed";
  const prefix = (value: string | undefined) => ({ "s3:prefix": value, me: "u" });
  assert.ok(when({ StringLike: { "s3:prefix": "users/${me}/*" } }, prefix("users/u/")));
  assert.ok(when({ StringLike: { "s3:prefix": ["x", "users/${me}/*"] } }, prefix("users/u/camera-1/")));
  for (const value of ["users/u", "users/v/", "", undefined])
    assert.ok(!when({ StringLike: { "s3:prefix": "users/${me}/*" } }, prefix(value)), String(value));
  assert.ok(when({ StringEquals: { "s3:prefix": "${me}" } }, prefix("u")));
  assert.ok(!when({ StringEquals: { "s3:prefix": "u*" } }, prefix("uv")), "no wildcards there");
  assert.ok(!when({ StringEquals: { "s3:prefix": "u", me: "v" } }, prefix("u")), "every key has to fit");
  assert.ok(when({ StringNotEquals: { "s3:prefix": ["v", "w"] } }, prefix("u")));
  assert.ok(!when({ StringNotEquals: { "s3:prefix": ["u", "w"] } }, prefix("u")));
  assert.ok(when({ StringNotLike: { "s3:prefix": "u*" } }, prefix(undefined)), "what is not there is not like it");
  assert.ok(when({ StringLikeIfExists: { "s3:prefix": "u*" } }, prefix(undefined)));
  assert.ok(!when({ StringLikeIfExists: { "s3:prefix": "u*" } }, prefix("v")));
  assert.ok(when({ Null: { "s3:prefix": "true" } }, prefix(undefined)));
  assert.ok(when({ Bool: { secure: "true" } }, { secure: "true" }));
});

test("conditions on keys of several values", () => {
  const when = (operator: string, groups: string[] | undefined) =>
    judge({ Condition: { [operator]: { groups: ["a*", "b"] } } }, { groups }) === "allowed";
  assert.ok(when("ForAnyValue:StringLike", ["x", "ab"]));
  assert.ok(!when("ForAnyValue:StringLike", ["x", "y"]));
  assert.ok(!when("ForAnyValue:StringLike", []));
  assert.ok(!when("ForAnyValue:StringLike", undefined));
  assert.ok(when("ForAllValues:StringLike", ["ab", "b"]));
  assert.ok(!when("ForAllValues:StringLike", ["ab", "x"]));
  assert.ok(when("ForAllValues:StringLike", undefined), "all of none do");
  assert.ok(!when("ForAllValues:StringEquals", ["ab"]));
});

test("a condition that is not known here opens nothing, neither as an allowance nor as a denial", () => {
  const Condition = { IpAddress: { "aws:SourceIp": "10.0.0.0/8" } };
  assert.equal(judge({ Condition }, { "aws:SourceIp": "10.1.1.1" }), "implicitDeny");
  assert.equal(judge({ Condition }, { "aws:SourceIp": "10.1.1.1" }, "Deny"), "explicitDeny");
});

const role = new PhoneRole({ region: "us-east-1", accountId: "123456789012", bucket: "photos" });
const iot = (resource: string) => `arn:aws:iot:us-east-1:123456789012:${resource}`;
const may = (action: string, resource: string, context = {}) =>
  role.isRoleAllowed({ action, resource, identityId: sub, context });

test("the role: one's own pictures, and a list of nothing but them", () => {
  for (const action of ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]) {
    assert.ok(may(action, `arn:aws:s3:::photos/users/${sub}/camera-1/a.jpg`), action);
    for (const key of [
      `users/${other}/camera-1/a.jpg`,
      `users/${sub}`,
      "camera-1/a.jpg",
      "users/a.jpg",
      `x/users/${sub}/a`,
    ])
      assert.ok(!may(action, `arn:aws:s3:::photos/${key}`), `${action} ${key}`);
    assert.ok(!may(action, `arn:aws:s3:::others/users/${sub}/a`));
  }
  const list = (prefix?: string) => may("s3:ListBucket", "arn:aws:s3:::photos", { "s3:prefix": prefix });
  assert.ok(list(`users/${sub}/`) && list(`users/${sub}/camera-1/`));
  for (const prefix of [undefined, "", "users/", `users/${sub}`, `users/${other}/`, "*"])
    assert.ok(!list(prefix), prefix);
  assert.ok(!may("s3:PutBucketPolicy", "arn:aws:s3:::photos"));
});

test("the role: IoT's control plane gives the endpoint and the phone's policy, no certificates, nothing that belongs to a thing", () => {
  assert.ok(may("iot:DescribeEndpoint", "*"));
  for (const action of ["CreateCertificateFromCsr", "CreateKeysAndCertificate", "CreateProvisioningClaim"])
    assert.ok(!may(`iot:${action}`, "*"), action);
  assert.ok(may("iot:AttachPolicy", sub));
  const certificate = iot(`cert/${"a".repeat(64)}`);
  assert.ok(!may("iot:AttachPolicy", certificate), "a certificate would not be held by this role");
  assert.ok(!may("iot:AttachPolicy", iot("thinggroup/all")));
  for (const action of ["AttachThingPrincipal", "UpdateCertificate", "DescribeCertificate", "DetachPolicy"])
    assert.ok(!may(`iot:${action}`, certificate), action);
  for (const action of ["CreateThing", "AttachThingPrincipal", "DeleteThing", "ListThingPrincipals"])
    assert.ok(!may(`iot:${action}`, iot("thing/camera-1")), action);
  for (const action of ["CreatePolicy", "GetPolicy", "ListTargetsForPolicy"])
    assert.ok(!may(`iot:${action}`, iot("policy/devicelink-phone")), action);
  for (const action of ["ListAttachedPolicies", "DetachPolicy"]) assert.ok(!may(`iot:${action}`, sub), action);
  for (const action of ["ListPolicies", "ListCertificates", "ListThings"])
    assert.ok(!may(`iot:${action}`, "*"), action);
});

test("the role: MQTT under one's own name and on one's own topics; those of cameras are left to the policies of the identity", () => {
  assert.ok(may("iot:Connect", iot(`client/phone-${sub}-1`)));
  for (const client of ["camera-1", `phone-${other}-1`, "phone-1"])
    assert.ok(!may("iot:Connect", iot(`client/${client}`)));
  const said = ["device/camera-1/commands", "$aws/things/camera-1/shadow/get", "$aws/things/camera-1/shadow/update"];
  const heard = [
    ...["answers", "telemetry", "photos"].map((name) => `device/camera-1/${name}`),
    ...["get/accepted", "update/delta"].map((name) => `$aws/things/camera-1/shadow/${name}`),
    "$aws/events/presence/connected/camera-1",
  ];
  for (const [action, kind, own, others] of [
    ["Publish", "topic", said, heard],
    ["Receive", "topic", heard, said],
    ["Subscribe", "topicfilter", heard, said],
  ] as const) {
    for (const topic of [`users/${sub}/cameras/request`, ...own])
      assert.ok(may(`iot:${action}`, iot(`${kind}/${topic}`)), `${action} ${topic}`);
    for (const topic of [
      ...others,
      `users/${other}/cameras/request`,
      "#",
      "+/+/commands",
      "users/+/cameras/request",
      "device/#",
      "device/camera-1/uploads/grant",
      "device/camera-1/uploads/request",
      "$aws/things/camera-1/jobs/get",
      "$aws/things/camera-1/shadow/name/camera-2/update",
      "$aws/things/camera-1/shadow/name/camera-2/update/accepted",
    ])
      assert.ok(!may(`iot:${action}`, iot(`${kind}/${topic}`)), `${action} ${topic}`);
  }
  assert.ok(!may("iot:DeleteThingShadow", iot("thing/camera-1")));
});

test("the role's refusals are in AWS's words", () => {
  const user = "User: arn:aws:sts::123456789012:assumed-role/devicelink-phone/CognitoIdentityCredentials";
  assert.equal(
    role.objection({ action: "iot:ListThings", resource: "*", identityId: sub }),
    `${user} is not authorized to perform: iot:ListThings on resource: * because no identity-based policy allows the iot:ListThings action`,
  );
  assert.equal(
    role.objection({ action: "iot:AttachPolicy", resource: iot("cert/a"), identityId: sub }),
    `${user} is not authorized to perform: iot:AttachPolicy on resource: ${iot("cert/a")} with an explicit deny in an identity-based policy`,
  );
  assert.equal(role.objection({ action: "iot:DescribeEndpoint", resource: "*", identityId: sub }), undefined);
});

/** With the longest names that there can be: a partition and region of AWS, and a camera's name of 31 characters. */
const longest = (text: string) =>
  text
    .replaceAll("arn:PARTITION:iot:REGION:ACCOUNT:", "arn:aws-us-gov:iot:us-gov-west-1:123456789012:")
    .replaceAll("arn:PARTITION:iot:REGION:ACCOUNT", "arn:aws:iot:ap-southeast-2:123456789012")
    .replaceAll("THING", `camera-${"x".repeat(24)}`);

test("the IoT policies of people fit AWS's 2,048 characters, and name no resource but their own", async () => {
  for (const [file, own] of [
    ["phone-policy.json", "${cognito-identity.amazonaws.com:sub}"],
    ["owner-policy.json", "THING"],
  ]) {
    const text = await readFile(new URL(`../../certs/${file}`, import.meta.url), "utf8");
    checkPolicyDocument(longest(text));
    const { Statement } = JSON.parse(text) as {
      Statement: { Effect: string; Action: string | string[]; Resource: string | string[] }[];
    };
    for (const { Effect, Action, Resource } of Statement) {
      assert.equal(Effect, "Allow");
      for (const action of [Action].flat()) assert.doesNotMatch(action, /[*?]/);
      for (const resource of [Resource].flat()) assert.ok(resource.includes(own), resource);
    }
  }
});
