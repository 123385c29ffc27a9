/** The binding function as it is deployed: bundled, in a Node of its own, with the AWS SDK's clients; its AWS IoT is the local one. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Cloud, startCloud } from "../../sim/cloud/cloud.ts";
import { LambdaRig } from "./lambda-rig.ts";

const identity = "us-east-1:5e0f5b4c-6d2e-4f6a-9a57-3a1c6d3e9f00";

let directory = "";
let cloud: Cloud;
let rig: LambdaRig;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "devicelink-bindings-"));
  cloud = await startCloud({ directory, out: join(directory, "out") });
  rig = await LambdaRig.open({ handler: "sim/cloud/bindings/handler.ts", ca: cloud.ca, table });
});
after(async () => {
  await rig?.close();
  await cloud?.close();
  await rm(directory, { recursive: true, force: true });
});

/** camera-2 is somebody else's: the condition of the write does not hold. */
function table(
  operation: string,
  request: { Key?: { thing: { S: string } }; ExpressionAttributeValues?: object },
): [number, object] {
  if (operation === "Query") return [200, { Items: [], Count: 0 }];
  if (request.Key?.thing.S === "camera-2")
    return [400, { __type: "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", message: "no" }];
  const values = request.ExpressionAttributeValues as Record<string, object>;
  const { ":user": user, ":since": since, ":policy": policy, ":name": name } = values;
  return [200, { Attributes: { thing: { S: "camera-1" }, user, since, policy, name } }];
}

/** Runs the function with the rights that the local cloud's administrator has. */
function invoke(event: object, env: Record<string, string> = {}): Promise<string> {
  const { accessKeyId, secretAccessKey } = cloud.accessKey;
  return rig.invoke(event, {
    AWS_REGION: cloud.region,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: "",
    AWS_ENDPOINT_URL_IOT: cloud.api.url,
    BINDING_TABLE: "bindings",
    ...env,
  });
}

test("a claim: the index is asked, the binding is written under its condition, the rights are given, the person is answered", async () => {
  const event = { identity, requestId: "r1", action: "claim", thingName: "camera-1", name: "Door" };
  assert.deepEqual(JSON.parse(await invoke(event)), {
    user: identity,
    action: "claim",
    thing: "camera-1",
    status: "done",
  });
  const [query, update, publish] = rig.calls;
  assert.equal(rig.calls.length, 3);
  assert.equal(query.target, "DynamoDB_20120810.Query");
  const { TableName, IndexName, ExpressionAttributeValues } = JSON.parse(query.body);
  assert.deepEqual(
    [TableName, IndexName, ExpressionAttributeValues],
    ["bindings", "by-user", { ":user": { S: identity } }],
  );
  assert.equal(update.target, "DynamoDB_20120810.UpdateItem");
  const written = JSON.parse(update.body);
  assert.equal(written.ConditionExpression, "attribute_not_exists(thing) OR #user = :user");
  assert.equal(written.ReturnValues, "ALL_NEW");
  assert.equal(publish.path, `/topics/${encodeURIComponent(`users/${identity}/cameras/answer`)}?qos=1`);
  assert.match(publish.authorization, /\/us-east-1\/(iotdata|iotdevicegateway)\/aws4_request/);
  const { cameras, ...answer } = JSON.parse(publish.body);
  assert.deepEqual(answer, { requestId: "r1", action: "claim", thingName: "camera-1" });
  assert.deepEqual([cameras[0].thingName, cameras[0].name], ["camera-1", "Door"]);
  const [policy] = cloud.registry.policiesOf(identity);
  assert.equal(policy, written.ExpressionAttributeValues[":policy"].S);
  const { policyDocument } = cloud.registry.policy(policy);
  assert.ok(policyDocument.includes(cloud.registry.arn("topic/device/camera-1/commands")));
  assert.doesNotMatch(policyDocument, /PARTITION|REGION|ACCOUNT|THING/);
});

test("a camera that is somebody else's: the refused write is the answer NotYours", async () => {
  const event = { identity, requestId: "r2", action: "claim", thingName: "camera-2" };
  assert.equal(JSON.parse(await invoke(event)).code, "NotYours");
  const { error } = JSON.parse(rig.calls.at(-1)!.body);
  assert.deepEqual(error, { code: "NotYours", message: "camera-2 belongs to somebody else" });
  assert.equal(cloud.registry.policiesOf(identity).length, 1);
});

test("without its settings it does not start, and says which is missing", async () => {
  await assert.rejects(invoke({}, { BINDING_TABLE: "" }), /environment variable BINDING_TABLE is missing/);
});
