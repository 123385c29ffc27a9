/** The shadow service of sim/cloud, judged by npm mqtt and by the AWS SDK. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { IoTClient } from "@aws-sdk/client-iot";
import {
  DeleteThingShadowCommand,
  GetThingShadowCommand,
  IoTDataPlaneClient,
  UpdateThingShadowCommand,
} from "@aws-sdk/client-iot-data-plane";
import { connectAsync, type MqttClient } from "mqtt";
import { type Cloud, startCloud } from "../../sim/cloud/cloud.ts";
import { type Answer, callShadow, type DataPlaneAccess } from "./data-plane-client.ts";
import { type Identity, makeIdentity, temporaryDirectory } from "./iot-rig.ts";

const thing = "camera-1";
const root = `$aws/things/${thing}/shadow`;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let cloud: Cloud;
let access: DataPlaneAccess;
let identity: Identity;
let device: MqttClient;
/** What the device heard: topic behind `shadow/`, message. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into it
let heard: [string, any][] = [];
const markTopic = `device/${thing}/commands`;
/** The last one that was heard, and the last one that was said. */
let mark = 0;
let marks = 0;

/** Resolves when the device has heard all that the cloud has said so far: what is said next comes behind it. */
async function hearOut(): Promise<void> {
  marks += 1;
  await cloud.iot.publish(markTopic, String(marks));
  for (const deadline = Date.now() + 5000; mark < marks && Date.now() < deadline; ) await delay(5);
  assert.equal(mark, marks, "the device is told");
}

async function start(): Promise<void> {
  cloud = await startCloud({
    directory: directory.path,
    out: `${directory.path}/out`,
    limits: { connectsPerSecond: 99 },
  });
  const { region, accessKey: credentials, ca } = cloud;
  access = { url: cloud.data.url, region, rootCA: ca.certPem, credentials };
}

async function connect(): Promise<void> {
  const { certificate: cert, key } = identity;
  const options = { ca: cloud.ca.certPem, cert, key, clientId: thing, reconnectPeriod: 0 };
  device = await connectAsync(`mqtts://localhost:${cloud.iot.port}`, options, false);
  device.on("error", () => {});
  device.on("message", (topic, payload) => {
    if (topic === markTopic) mark = Number(payload.toString());
    else heard.push([topic.slice(root.length + 1), JSON.parse(payload.toString())]);
  });
  await device.subscribeAsync(markTopic, { qos: 1 });
  const topics = ["get/accepted", "get/rejected", "update/accepted", "update/rejected", "update/delta"];
  const granted = await device.subscribeAsync(
    topics.map((topic) => `${root}/${topic}`),
    { qos: 1 },
  );
  assert.ok(
    granted.every(({ qos }) => qos === 1),
    JSON.stringify(granted),
  );
}

before(async () => {
  directory = await temporaryDirectory();
  await start();
  const client = new IoTClient({
    region: cloud.region,
    endpoint: cloud.api.url,
    credentials: { ...cloud.accessKey },
    requestHandler: { httpsAgent: { ca: cloud.ca.certPem } },
  });
  identity = await makeIdentity(client, thing);
  await connect();
});

after(async () => {
  await device?.endAsync();
  await cloud?.close();
  await directory?.remove();
});

/** Publishes and waits until so many messages have come back. */
async function ask(topic: string, payload: object | string | Buffer, count: number): Promise<typeof heard> {
  await delay(60); // below the rate of requests
  await hearOut();
  heard = [];
  const bytes = Buffer.isBuffer(payload) || typeof payload === "string" ? payload : JSON.stringify(payload);
  await device.publishAsync(`${root}/${topic}`, bytes, { qos: 1 });
  for (const deadline = Date.now() + 5000; heard.length < count && Date.now() < deadline; ) await delay(10);
  await hearOut(); // for one too many
  assert.equal(heard.length, count, JSON.stringify(heard));
  return heard;
}

const over = (method: "GET" | "POST" | "DELETE", body?: object | string): Promise<Answer> =>
  callShadow(access, method, thing, typeof body === "object" ? JSON.stringify(body) : body);

test("no shadow yet: 404 on both ways", async () => {
  const [[topic, message]] = await ask("get", { clientToken: "t1" }, 1);
  assert.equal(topic, "get/rejected");
  assert.deepEqual(
    [message.code, message.message, message.clientToken],
    [404, `No shadow exists with name: '${thing}'`, "t1"],
  );
  const { status, error } = await over("GET");
  assert.deepEqual([status, error], [404, "ResourceNotFoundException"]);
});

test("report, desire, delta, and rest: versions, metadata and tokens", async () => {
  const [[topic, accepted]] = await ask(
    "update",
    { state: { reported: { a: 1, n: { x: 1, y: 2 } } }, clientToken: "r" },
    1,
  );
  assert.equal(topic, "update/accepted");
  assert.deepEqual(accepted.state, { reported: { a: 1, n: { x: 1, y: 2 } } });
  assert.deepEqual([accepted.version, accepted.clientToken], [1, "r"]);
  assert.equal(typeof accepted.metadata.reported.n.x.timestamp, "number");
  await hearOut();
  heard = [];
  const updated = await over("POST", { state: { desired: { a: 2, n: { x: 1, y: 3 } } }, version: 1 });
  assert.equal(updated.status, 200);
  assert.equal(updated.body.version, 2);
  while (heard.length < 2) await delay(10);
  const delta = heard.find(([name]) => name === "update/delta")![1];
  assert.deepEqual(delta.state, { a: 2, n: { y: 3 } });
  assert.deepEqual(Object.keys(delta.metadata), ["a", "n"]);
  assert.equal(delta.version, 2);
  const [[, document]] = await ask("get", "", 1);
  assert.deepEqual(document.state.delta, { a: 2, n: { y: 3 } });
  assert.deepEqual(document.state.desired, { a: 2, n: { x: 1, y: 3 } });
  await ask("update", { state: { reported: { a: 2, n: { y: 3 } } } }, 1);
  const { body } = await over("GET");
  assert.equal(body.state.delta, undefined);
  assert.equal(body.version, 3);
});

test("null takes out, arrays are replaced whole", async () => {
  await over("POST", { state: { desired: null, reported: { list: [1, 2, 3], a: null } } });
  await over("POST", { state: { reported: { list: [4] } } });
  const { state, metadata } = (await over("GET")).body;
  assert.deepEqual(state, { reported: { list: [4], n: { x: 1, y: 3 } } });
  assert.deepEqual(Object.keys(metadata.reported).sort(), ["list", "n"]);
});

const deep = (levels: number): object => (levels ? { x: deep(levels - 1) } : {});
const rejected: [string, object | string | Buffer, number, string][] = [
  ["no JSON", "{", 400, "Invalid JSON"],
  ["no object", "[]", 400, "Invalid JSON"],
  ["no state", {}, 400, "Missing required node: state"],
  ["state is no object", { state: 1 }, 400, "State node must be an object"],
  ["desired is no object", { state: { desired: [] } }, 400, "Desired node must be an object"],
  ["reported is no object", { state: { reported: "x" } }, 400, "Reported node must be an object"],
  ["a section that there is not", { state: { wanted: {} } }, 400, "State contains an invalid node"],
  ["null in an array", { state: { reported: { a: [null] } } }, 400, "State contains an invalid node"],
  ["no version", { state: {}, version: "1" }, 400, "Invalid version"],
  ["too deep", { state: { reported: deep(8) } }, 400, "JSON contains too many levels of nesting; maximum is 6"],
  ["long token", { state: {}, clientToken: "x".repeat(65) }, 400, "Invalid clientToken"],
  ["version of the past", { state: { reported: { a: 1 } }, version: 1 }, 409, "Version conflict"],
  ["large", { state: { reported: { a: "x".repeat(8200) } } }, 413, "The payload exceeds the maximum size allowed"],
  ["not UTF-8", Buffer.from([0x7b, 0xff, 0x7d]), 415, "Unsupported documented encoding; supported encoding is UTF-8"],
];

test("what is rejected, by AWS's code and text, changes nothing", async () => {
  const { version } = (await over("GET")).body;
  for (const [name, payload, code, text] of rejected) {
    const [[topic, message]] = await ask("update", payload, 1);
    assert.deepEqual([topic, message.code, message.message], ["update/rejected", code, text], name);
  }
  assert.equal((await over("GET")).body.version, version);
});

test("more than 20 requests a second: 429", async (t) => {
  await delay(1000);
  // All in one moment of the service's clock, however long they take.
  const now = performance.now();
  const clock = t.mock.method(performance, "now", () => now);
  const answers = await Promise.all(Array.from({ length: 40 }, () => over("GET")));
  const codes = answers.map(({ status, error }) => `${status} ${error ?? ""}`);
  clock.mock.restore();
  assert.equal(codes.filter((code) => code === "200 ").length, 20);
  assert.equal(codes.filter((code) => code === "429 ThrottlingException").length, 20);
  await delay(1000);
});

test("a camera's policy lets it see its own shadow only", async () => {
  for (const filter of [
    "$aws/things/camera-2/shadow/get/accepted",
    `${root}/#`,
    `${root}/delete/accepted`,
    `${root}/name/x/get/accepted`,
  ]) {
    const [{ qos }] = await device.subscribeAsync(filter).catch((error) => [{ qos: error.code ?? 128 }]);
    assert.equal(qos, 128, filter);
  }
});

test("a request that is signed wrongly is not served", async () => {
  const credentials = { ...access.credentials, secretAccessKey: "wrong" };
  const { status, error } = await callShadow({ ...access, credentials }, "GET", thing);
  assert.deepEqual([status, error], [403, "InvalidSignatureException"]);
});

test("a deleted shadow is gone, counts on, and outlives a restart of the cloud", async () => {
  const { version } = (await over("GET")).body;
  assert.equal((await over("DELETE")).body.version, version);
  assert.equal((await over("GET")).status, 404);
  await over("POST", { state: { desired: { a: 1 } } });
  await device.endAsync();
  await cloud.close();
  await start();
  await connect();
  const { body } = await over("GET");
  assert.deepEqual([body.version, body.state.desired], [version + 1, { a: 1 }]);
});

test("the AWS SDK's data plane client", async () => {
  const client = new IoTDataPlaneClient({
    region: cloud.region,
    endpoint: cloud.data.url,
    credentials: { ...cloud.accessKey },
    requestHandler: { httpsAgent: { ca: cloud.ca.certPem } },
    maxAttempts: 1,
  });
  const parse = ({ payload = new Uint8Array() }: { payload?: Uint8Array }) =>
    JSON.parse(Buffer.from(payload).toString());
  const payload = JSON.stringify({ state: { desired: { sdk: true } } });
  const updated = parse(await client.send(new UpdateThingShadowCommand({ thingName: "other", payload })));
  assert.equal(updated.version, 1);
  const got = parse(await client.send(new GetThingShadowCommand({ thingName: "other" })));
  assert.deepEqual(got.state, { desired: { sdk: true }, delta: { sdk: true } });
  const shadowName = "lens";
  await client.send(new UpdateThingShadowCommand({ thingName: "other", shadowName, payload }));
  const conflict = { thingName: "other", payload: JSON.stringify({ state: {}, version: 9 }) };
  await assert.rejects(client.send(new UpdateThingShadowCommand(conflict)), { name: "ConflictException" });
  const bad = { thingName: "other", payload: "{" };
  await assert.rejects(client.send(new UpdateThingShadowCommand(bad)), { name: "InvalidRequestException" });
  await client.send(new DeleteThingShadowCommand({ thingName: "other" }));
  const gone = new GetThingShadowCommand({ thingName: "other" });
  await assert.rejects(client.send(gone), { name: "ResourceNotFoundException" });
  assert.equal(parse(await client.send(new GetThingShadowCommand({ thingName: "other", shadowName }))).version, 1);
});
