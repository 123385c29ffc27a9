/** The binding function as it is deployed: bundled, in a Node of its own, with the AWS SDK's clients; its AWS IoT is the local one. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { BindingAnswer } from "../../sim/cloud/bindings/binding-service.ts";
import { type Cloud, startCloud } from "../../sim/cloud/cloud.ts";
import { deployPolicies } from "../../sim/cloud/stack-policies.ts";
import { KeyedCamera } from "./keyed-camera.ts";
import { LambdaRig } from "./lambda-rig.ts";

const identity = "us-east-1:5e0f5b4c-6d2e-4f6a-9a57-3a1c6d3e9f00";

let directory = "";
let cloud: Cloud;
let rig: LambdaRig;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "devicelink-bindings-"));
  cloud = await startCloud({ directory, out: join(directory, "out") });
  deployPolicies(cloud.registry);
  rig = await LambdaRig.open({ handler: "sim/cloud/bindings/handler.ts", ca: cloud.ca, table });
});
after(async () => {
  await rig?.close();
  await cloud?.close();
  await rm(directory, { recursive: true, force: true });
});

interface Request {
  Key?: { thing: { S: string } };
  ConditionExpression?: string;
  ExpressionAttributeValues?: Record<string, { S?: string; N?: string }>;
}

/** A camera that somebody else's claim gets while this one's is on its way: the condition of the write does not hold. */
const raced = new KeyedCamera();
const bindings = new Map<string, object>();
/** The person's record, as it was written last. */
let owner: { record: { S?: string }; version: { N?: string } } | undefined;

const refusal: [number, object] = [
  400,
  { __type: "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", message: "no" },
];

function table(
  operation: string,
  { Key, ConditionExpression, ExpressionAttributeValues = {} }: Request,
): [number, object] {
  const key = Key?.thing.S ?? "";
  const isOwner = key === `owner#${identity}`;
  if (operation === "Query") return [200, { Items: [], Count: 0 }];
  if (operation === "GetItem") {
    const Item = isOwner ? owner : bindings.get(key);
    return [200, Item ? { Item } : {}];
  }
  const { ":user": user, ":since": since, ":name": name } = ExpressionAttributeValues;
  if (!isOwner) {
    if (key === raced.thingName) return refusal;
    if (!bindings.has(key)) bindings.set(key, { thing: { S: key }, user, since, name });
    return [200, { Attributes: bindings.get(key) }];
  }
  const { ":record": record, ":version": version, ":before": before } = ExpressionAttributeValues;
  const expected = owner ? "#version = :before" : "attribute_not_exists(#version)";
  if (ConditionExpression !== expected || owner?.version.N !== before?.N) return refusal;
  owner = { record, version };
  return [200, {}];
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
    ALLOW_UNPROVEN: "false",
    ...env,
  });
}

/** The answer of a request, and the calls that it took. */
async function ask(message: object): Promise<BindingAnswer> {
  await invoke({ identity, ...message });
  return JSON.parse(rig.calls.at(-1)!.body);
}

async function claimOf(camera: KeyedCamera, requestId: string): Promise<object> {
  const { nonce = "" } = await ask({ requestId: `${requestId}-nonce`, action: "challenge" });
  const proof = await camera.sign({ identity, nonce, csr: await camera.request() });
  return { identity, requestId, action: "claim", thingName: camera.thingName, nonce, ...proof };
}

test("a claim: the proof is used up, the binding is written under its condition, rights and certificate are given, the person is answered", async () => {
  const camera = new KeyedCamera();
  const { thingName } = camera;
  const event = { ...(await claimOf(camera, "r1")), name: "Door" };
  assert.deepEqual(JSON.parse(await invoke(event)), {
    user: identity,
    action: "claim",
    thing: thingName,
    status: "done",
  });
  const said = rig.calls.map(({ target, path }) => target?.replace(/^.*\./, "") ?? path.replace(/\?.*$/, ""));
  const answerPath = `/topics/${encodeURIComponent(`users/${identity}/cameras/answer`)}`;
  const [used, certificate] = [
    ["GetItem", "UpdateItem"],
    ["GetItem", "GetItem", "UpdateItem"],
  ];
  const change = ["GetItem", "UpdateItem"];
  // The lease; policies of before and whose camera it is; the page; its digest, and the lease's end.
  const granted = [...change, "Query", "GetItem", "UpdateItem", "UpdateItem"];
  const attached = ["GetItem", "GetItem"];
  const expected = ["GetItem", ...used, "GetItem", "UpdateItem", ...granted, ...certificate, ...attached, answerPath];
  assert.deepEqual(said, expected);
  const [update, query] = [4, 7].map((index) => JSON.parse(rig.calls[index].body));
  assert.deepEqual(
    [query.TableName, query.IndexName, query.ExpressionAttributeValues],
    ["bindings", "by-user", { ":user": { S: identity } }],
  );
  assert.equal(update.ConditionExpression, "attribute_not_exists(thing) OR #user = :user");
  assert.equal(update.ReturnValues, "ALL_NEW");
  const publish = rig.calls.at(-1)!;
  assert.match(publish.path, /\?qos=1$/);
  assert.match(publish.authorization, /\/us-east-1\/(iotdata|iotdevicegateway)\/aws4_request/);
  const { cameras, certificate: made, ...answer } = JSON.parse(publish.body);
  assert.deepEqual(answer, { requestId: "r1", action: "claim", thingName });
  assert.deepEqual([cameras[0].thingName, cameras[0].name], [thingName, "Door"]);
  assert.deepEqual(cloud.registry.certificateOf(made.certificateArn).policies, ["devicelink-camera"]);
  const [policy] = cloud.registry.policiesOf(identity);
  const { pages, lease } = JSON.parse(owner?.record.S ?? "");
  assert.deepEqual([pages[0].policy, pages[0].things, lease], [policy, [thingName], undefined]);
  const { policyDocument } = cloud.registry.policy(policy);
  assert.ok(policyDocument.includes(cloud.registry.arn(`thing/${thingName}`)));
  assert.doesNotMatch(policyDocument, /PARTITION|REGION|ACCOUNT|THING/);
  assert.equal(JSON.parse(await invoke(event)).status, "done", "Lambda runs it once more");
  assert.deepEqual(JSON.parse(rig.calls.at(-1)!.body).certificate, made);
});

test("a camera that somebody else got meanwhile: the refused write is the answer NotYours", async () => {
  const event = await claimOf(raced, "r2");
  assert.equal(JSON.parse(await invoke(event)).code, "NotYours");
  const { error } = JSON.parse(rig.calls.at(-1)!.body);
  assert.deepEqual(error, { code: "NotYours", message: `${raced.thingName} belongs to somebody else` });
  assert.equal(cloud.registry.policiesOf(identity).length, 1);
});

test("without its settings it does not start, and says which is missing", async () => {
  await assert.rejects(invoke({}, { BINDING_TABLE: "" }), /environment variable BINDING_TABLE is missing/);
});
