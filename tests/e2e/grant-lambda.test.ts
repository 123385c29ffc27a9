/** The grant function as it is deployed: bundled, in a Node of its own, with the AWS SDK's clients. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { LambdaRig } from "./lambda-rig.ts";

const items: Record<string, unknown> = { "camera-1": { thing: { S: "camera-1" }, user: { S: "alice" } } };
const settings = { PHOTO_BUCKET: "photos", BINDING_TABLE: "bindings", GRANT_SECONDS: "600" };
const event = { thing: "camera-1", imageId: "abc-1", byteLength: 30_000, contentType: "image/jpeg", requestId: "r1" };

let rig: LambdaRig;

before(async () => {
  const table = (_operation: string, { Key }: { Key?: { thing: { S: string } } }): [number, object] => {
    return [200, { Item: items[Key?.thing.S ?? ""] }];
  };
  rig = await LambdaRig.open({ handler: "sim/cloud/grants/handler.ts", table });
});
after(() => rig?.close());

test("it looks the owner up in DynamoDB and publishes the grant on IoT's data endpoint, both signed", async () => {
  const log = await rig.invoke(event, settings);
  const [lookUp, publish] = rig.calls;
  assert.equal(rig.calls.length, 2);
  assert.equal(lookUp.target, "DynamoDB_20120810.GetItem");
  assert.deepEqual(JSON.parse(lookUp.body), {
    TableName: "bindings",
    Key: { thing: { S: "camera-1" } },
    ConsistentRead: true,
  });
  assert.match(lookUp.authorization, /\/eu-west-1\/dynamodb\/aws4_request/);
  assert.match(publish.authorization, /\/eu-west-1\/(iotdata|iotdevicegateway)\/aws4_request/);
  assert.equal(publish.path, `/topics/${encodeURIComponent("device/camera-1/uploads/grant")}?qos=1`);
  const { url, headers, requestId } = JSON.parse(publish.body);
  const bound = { "Content-Type": "image/jpeg", "Content-Length": String(event.byteLength), "If-None-Match": "*" };
  assert.deepEqual([headers, requestId], [bound, "r1"]);
  assert.match(
    url,
    /^https:\/\/photos\.s3\.eu-west-1\.amazonaws\.com\/users\/alice\/camera-1\/abc-1\.jpg\?.*X-Amz-Expires=600&/,
  );
  assert.match(url, /X-Amz-Security-Token=token/);
  assert.deepEqual(JSON.parse(log), { thing: "camera-1", imageId: "abc-1", status: "granted", user: "alice" });
});

test("it refuses the camera that the table does not have", async () => {
  const log = await rig.invoke({ ...event, thing: "camera-2" }, settings);
  assert.equal(JSON.parse(rig.calls[1].body).error.code, "NotBound");
  assert.deepEqual(JSON.parse(log), { thing: "camera-2", imageId: "abc-1", status: "refused", code: "NotBound" });
});

test("without its settings it does not start, and says which is missing", async () => {
  await assert.rejects(
    rig.invoke(event, { ...settings, PHOTO_BUCKET: "" }),
    /environment variable PHOTO_BUCKET is missing/,
  );
});
