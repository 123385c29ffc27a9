/** MQTT over WebSocket with SigV4, judged by npm mqtt, npm ws and the AWS SDK's signer. */
import assert from "node:assert/strict";
import { type EventEmitter, once } from "node:events";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { MqttClient } from "mqtt";
import { WebSocket } from "ws";
import { type Cloud, startCloud } from "../../sim/cloud/cloud.ts";
import type { AccessKey, TemporaryKey } from "../../sim/cloud/credentials.ts";
import type { IotEvents } from "../../sim/cloud/iot-events.ts";
import { temporaryDirectory } from "./iot-rig.ts";
import { SDKDevice } from "./sdk-device.ts";
import { connectSigned, type Door, presign, type SigningOptions } from "./websocket-rig.ts";

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let cloud: Cloud;
let gateway: Door;
let dataPlane: Door;
/** Why WebSockets were refused: what the cloud says of them, and the client is not told. */
const refusals: string[] = [];

const sub = "us-east-1:5e0f5b4c-6d2e-4f6a-9a57-3a1c6d3e9f00";
const phone = `phone-${sub}-1`;
const own = `users/${sub}/cameras`;

before(async () => {
  directory = await temporaryDirectory();
  const limits = { connectsPerSecond: 1000 };
  const onCall = ({ operation, error }: { operation: string; error?: string }) => {
    if (operation === "WebSocket") refusals.push(String(error));
  };
  cloud = await startCloud({ directory: `${directory.path}/cloud`, out: `${directory.path}/out`, limits, onCall });
  const { port } = cloud.gateway;
  gateway = { origin: `ws://127.0.0.1:${port}`, host: `data.iot.localhost:${port}` };
  const host = `localhost:${cloud.data.port}`;
  dataPlane = { origin: `wss://${host}`, host, ca: cloud.ca.certPem };
  const template = await readFile(new URL("../../certs/phone-policy.json", import.meta.url), "utf8");
  const document = template.replaceAll("arn:PARTITION:iot:REGION:ACCOUNT:", cloud.registry.arn(""));
  cloud.registry.createPolicy("devicelink-phone", document);
});

after(async () => {
  await cloud?.close();
  await directory?.remove();
});

function signIn(seconds = 3600): TemporaryKey {
  const principal = { type: "identity", identityId: sub, identityPoolId: `${sub}0` } as const;
  return cloud.credentials.issue({ principal, seconds });
}

/** The next event of the broker that is about this client. */
function event<Name extends "refuse" | "disconnect" | "connect">(
  name: Name,
  clientId: string,
): Promise<IotEvents[Name][0]> {
  const { iot } = cloud;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      iot.off(name, hear as never);
      reject(new Error(`no ${name} of ${clientId} in 10 s`));
    }, 10_000);
    const hear = (found: IotEvents[Name][0]) => {
      if (found.clientId !== clientId) return;
      clearTimeout(timer);
      iot.off(name, hear as never);
      resolve(found);
    };
    iot.on(name, hear as never);
  });
}

const messageOf = (mqtt: MqttClient) => once(mqtt as unknown as EventEmitter, "message");
const closed = (mqtt: MqttClient) => once(mqtt as unknown as EventEmitter, "close");

/** Status and body of a refused WebSocket; 101 for one that was let in. */
async function knock(door: Door, target: string, protocols = ["mqtt"]): Promise<{ status: number; body: string }> {
  const socket = new WebSocket(`${door.origin}${target}`, protocols, { headers: { host: door.host }, ca: door.ca });
  socket.on("error", () => {});
  const answer = await new Promise<{ status: number; body: string }>((resolve, reject) => {
    socket.once("open", () => resolve({ status: 101, body: "" }));
    socket.once("error", reject);
    socket.once("unexpected-response", (_request, response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
    });
  });
  socket.terminate();
  return answer;
}

test("the administrator is let in at both doors, and may do everything", async () => {
  for (const door of [gateway, dataPlane]) {
    const mqtt = await connectSigned(door, cloud.accessKey, { clientId: "console" });
    await mqtt.subscribeAsync("device/+/telemetry", { qos: 1 });
    const message = messageOf(mqtt);
    await mqtt.publishAsync("device/camera-1/telemetry", door.host, { qos: 1 });
    assert.deepEqual((await message).slice(0, 2), ["device/camera-1/telemetry", Buffer.from(door.host)]);
    const gone = event("disconnect", "console");
    await mqtt.endAsync();
    assert.equal((await gone).reason, "CLIENT_INITIATED_DISCONNECT");
  }
});

test("what clients do with the session token and the port is taken", async () => {
  const key = signIn();
  const hostAlone = { host: gateway.host.replace(/:\d+$/, "") };
  const cases: [AccessKey, SigningOptions][] = [
    [key, { token: "appended" }],
    [key, { token: "signed" }],
    [cloud.accessKey, hostAlone],
    [key, { ...hostAlone, token: "signed" }],
  ];
  for (const [credentials, signing] of cases)
    assert.equal((await knock(gateway, await presign(gateway.host, credentials, signing))).status, 101);
});

test("AWS's own SDK for devices signs Connection, and the host without its port: with a key and with temporary credentials", async (t) => {
  const role = { type: "role", roleName: "function" } as const;
  const temporary = cloud.credentials.issue({ principal: role, seconds: 3600 });
  for (const credentials of [cloud.accessKey, temporary]) {
    const settings = { endpoint: dataPlane.host, clientId: "sdk", rootCA: cloud.ca.certPem, credentials };
    const device = await SDKDevice.connect(settings);
    t.after(() => device.close());
    const topic = "device/sdk/telemetry";
    await device.do({ name: "publish", topic, payload: "{}", QoS: 1 });
  }
  const wrong = { ...temporary, sessionToken: `${temporary.sessionToken}x` };
  const settings = { endpoint: dataPlane.host, clientId: "sdk", rootCA: cloud.ca.certPem, credentials: wrong };
  await assert.rejects(SDKDevice.connect(settings), /WEBSOCKET_UPGRADE_FAILURE/);
});

test("a URL that is not signed as it should be gets 403 and no reason", async () => {
  const { accessKey } = cloud;
  const temporary = signIn();
  const expired = signIn(0);
  const signed = (options: SigningOptions = {}, key: AccessKey = accessKey) => presign(gateway.host, key, options);
  const long = new Date(Date.now() - 120_000);
  const good = await signed();
  const cases: Record<string, string> = {
    "another secret": await signed({}, { ...accessKey, secretAccessKey: "x" }),
    "another key": await signed({}, { ...accessKey, accessKeyId: "AKIANOBODY" }),
    "expired URL": await signed({ signingDate: long, expiresIn: 60 }),
    "not valid yet": await signed({ signingDate: new Date(Date.now() + 600_000) }),
    "other service": await signed({ service: "iotdata" }),
    "other region": await signed({ region: "eu-west-1" }),
    "other path": (await signed()).replace("/mqtt?", "/mqtt/?"),
    "another signed path": await signed({ path: "/" }),
    "other host": await signed({ host: "data.iot.localhost:1" }),
    "no token": await signed({ token: "none" }, temporary),
    "somebody else's token": await signed({ token: { instead: signIn().sessionToken } }, temporary),
    "token of the administrator": await signed({ token: { instead: "x" } }),
    "expired credentials": await signed({}, expired),
    "a parameter more": `${good}&x=y`,
    "a signature that is none": good.replace(/Signature=[0-9a-f]+/, "Signature=0"),
    "nothing signed": "/mqtt",
  };
  const reasons: string[] = [];
  for (const [name, target] of Object.entries(cases)) {
    const { status, body } = await knock(gateway, target);
    assert.equal(status, 403, name);
    assert.equal(JSON.parse(body).message, "Forbidden");
    reasons.push(body);
  }
  assert.equal((await knock(gateway, good, ["mqttv9"])).status, 403, "subprotocol");
  assert.equal((await knock(gateway, good)).status, 101);
  assert.doesNotMatch(reasons.join(), /signature|token|expired/i);
  assert.ok(refusals.length > reasons.length);
  assert.ok(refusals.includes("the URL has expired") && refusals.includes("the credentials have expired"));
});

test("without X-Amz-Expires a URL is good for five minutes", async () => {
  // AWS's first SDK for devices signs so; the SDK's signer cannot, so its own pieces do.
  const { createHash, createHmac } = await import("node:crypto");
  const { Sha256 } = await import("@aws-crypto/sha256-js");
  const { createScope, getSigningKey } = await import("@smithy/signature-v4");
  const hash = (text: string) => createHash("sha256").update(text).digest("hex");
  const target = async (age: number) => {
    const date = new Date(Date.now() - age).toISOString().replace(/[-:]|\.\d+/g, "");
    const scope = createScope(date.slice(0, 8), cloud.region, "iotdevicegateway");
    const credential = encodeURIComponent(`${cloud.accessKey.accessKeyId}/${scope}`);
    const query = `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${credential}&X-Amz-Date=${date}&X-Amz-SignedHeaders=host`;
    const canonical = `GET\n/mqtt\n${query}\nhost:${gateway.host}\n\nhost\n${hash("")}`;
    const text = `AWS4-HMAC-SHA256\n${date}\n${scope}\n${hash(canonical)}`;
    const key = await getSigningKey(Sha256, cloud.accessKey, date.slice(0, 8), cloud.region, "iotdevicegateway");
    return `/mqtt?${query}&X-Amz-Signature=${createHmac("sha256", key).update(text).digest("hex")}`;
  };
  assert.equal((await knock(gateway, await target(200_000))).status, 101);
  assert.equal((await knock(gateway, await target(301_000))).status, 403);
});

test("a person may do what both the role and the policies of the identity allow", async (t) => {
  const key = signIn();
  const { registry } = cloud;
  const refused = event("refuse", phone);
  await assert.rejects(connectSigned(gateway, key, { clientId: phone }), "no policy is attached");
  const { identityId, reason } = await refused;
  assert.deepEqual([identityId, reason], [sub, "no policy allows this client id"]);

  registry.attachPolicy("devicelink-phone", sub);
  t.after(() => registry.detachPolicy("devicelink-phone", sub));
  const connected = event("connect", phone);
  const mqtt = await connectSigned(gateway, key, { clientId: phone });
  t.after(() => mqtt.endAsync(true));
  assert.equal((await connected).identityId, sub);
  await mqtt.subscribeAsync(`${own}/answer`, { qos: 1 });
  const message = messageOf(mqtt);
  await cloud.iot.publish(`${own}/answer`, "yes");
  assert.equal(String((await message)[1]), "yes");
  await mqtt.publishAsync(`${own}/request`, "{}", { qos: 1 });
  for (const forbidden of [
    "users/us-east-1:00000000-0000-0000-0000-000000000000/cameras/answer",
    "device/+/telemetry",
    "#",
  ])
    await assert.rejects(mqtt.subscribeAsync(forbidden, { qos: 1 }), /128|0x80|Unspecified/, forbidden);

  const gone = event("disconnect", phone);
  mqtt.publish("device/camera-1/commands", "{}", { qos: 1 });
  assert.deepEqual(await gone, {
    clientId: phone,
    reason: "FORBIDDEN_ACCESS",
    detail: "PUBLISH to device/camera-1/commands",
  });
});

test("a policy that allows everything gives no more than the role", async (t) => {
  const { registry } = cloud;
  const document = { Version: "2012-10-17", Statement: { Effect: "Allow", Action: "iot:*", Resource: "*" } };
  registry.createPolicy("everything", JSON.stringify(document));
  registry.attachPolicy("everything", sub);
  t.after(() => registry.detachPolicy("everything", sub));
  const key = signIn();
  await assert.rejects(connectSigned(gateway, key, { clientId: "camera-1" }));
  const mqtt = await connectSigned(gateway, key, { clientId: phone });
  await mqtt.subscribeAsync("device/camera-1/telemetry", { qos: 1 });
  await assert.rejects(mqtt.subscribeAsync("$aws/certificates/create/#", { qos: 1 }));
  const gone = event("disconnect", phone);
  mqtt.publish("users/another/cameras/request", "{}", { qos: 1 });
  assert.equal((await gone).reason, "FORBIDDEN_ACCESS");
});

test("a connection ends with the credentials: when they expire, are ended, or after the longest time", async (t) => {
  const { registry, iot } = cloud;
  registry.attachPolicy("devicelink-phone", sub);
  t.after(() => registry.detachPolicy("devicelink-phone", sub));
  const presence: string[] = [];
  const observer = await connectSigned(gateway, cloud.accessKey, { clientId: "observer" });
  t.after(() => observer.endAsync(true));
  await observer.subscribeAsync("$aws/events/presence/disconnected/+", { qos: 0 });
  observer.on("message", (_topic, payload) => presence.push(JSON.parse(String(payload)).disconnectReason));

  const expired = event("disconnect", phone);
  const short = await connectSigned(gateway, signIn(3), { clientId: phone });
  await Promise.all([closed(short), expired]);
  assert.equal((await expired).reason, "WEBSOCKET_TTL_EXPIRATION");

  const key = signIn();
  await connectSigned(gateway, key, { clientId: phone });
  const ended = event("disconnect", phone);
  cloud.credentials.expire(key.accessKeyId);
  assert.equal((await ended).reason, "WEBSOCKET_TTL_EXPIRATION");

  const { webSocketDuration } = iot.limits;
  assert.equal(webSocketDuration, 86_400);
  iot.limits.webSocketDuration = 2;
  t.after(() => {
    iot.limits.webSocketDuration = webSocketDuration;
  });
  const late = event("disconnect", "console");
  await connectSigned(gateway, cloud.accessKey, { clientId: "console" });
  assert.equal((await late).reason, "WEBSOCKET_TTL_EXPIRATION");
  while (presence.length < 3) await delay(10);
  assert.deepEqual(presence, Array(3).fill("WEBSOCKET_TTL_EXPIRATION"));
});

test("the same limits and the same sessions as for devices", async () => {
  const first = await connectSigned(gateway, cloud.accessKey, { clientId: "console" });
  const taken = event("disconnect", "console");
  const second = await connectSigned(dataPlane, cloud.accessKey, { clientId: "console" });
  assert.equal((await taken).reason, "DUPLICATE_CLIENTID");
  assert.equal(first.connected, false);
  const gone = event("disconnect", "console");
  second.publish("a/b", Buffer.alloc(128 * 1024 + 1), { qos: 1 });
  assert.deepEqual(await gone, {
    clientId: "console",
    reason: "CLIENT_ERROR",
    detail: `PUBLISH: payload of ${128 * 1024 + 1} bytes`,
  });

  const stored = { clientId: "console", clean: false };
  const third = await connectSigned(gateway, cloud.accessKey, stored);
  await third.subscribeAsync("a/b", { qos: 1 });
  await third.endAsync();
  await cloud.iot.publish("a/b", "while away");
  const target = await presign(gateway.host, cloud.accessKey);
  assert.equal((await knock(gateway, target)).status, 101);
  const heard: string[] = [];
  const { connect } = await import("mqtt");
  const fourth = connect(`${gateway.origin}${target}`, { ...stored, wsOptions: { headers: { host: gateway.host } } });
  fourth.on("message", (_topic, payload) => heard.push(String(payload)));
  while (!heard.length) await delay(10);
  assert.deepEqual(heard, ["while away"]);
  await fourth.endAsync();
});

test("text frames, frames that are too large, and WebSockets that say nothing or go away do no harm", async () => {
  const target = await presign(gateway.host, cloud.accessKey);
  const open = async () => {
    const socket = new WebSocket(`${gateway.origin}${target}`, ["mqtt"], { headers: { host: gateway.host } });
    socket.on("error", () => {});
    await once(socket, "open");
    assert.equal(socket.protocol, "mqtt");
    return socket;
  };
  for (const data of ["text", Buffer.alloc(300 * 1024)]) {
    const socket = await open();
    const end = once(socket, "close");
    socket.send(data);
    await end;
  }
  (await open()).terminate();
  const idle = await open();
  const mqtt = await connectSigned(gateway, cloud.accessKey, { clientId: "console" });
  await mqtt.endAsync();
  idle.terminate();
  const { status } = await knock({ ...gateway, host: `iot.localhost:${cloud.gateway.port}` }, target);
  assert.equal(status, 404);
});
