/** The device's session in XS, over the TLS of the firmware, against the local IoT Core. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { IoTClient, UpdateCertificateCommand } from "@aws-sdk/client-iot";
import { type Cloud, startCloud } from "../../sim/cloud/cloud.ts";
import { type Identity, makeIdentity, SessionDevice, temporaryDirectory } from "./iot-rig.ts";

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let cloud: Cloud;
let client: IoTClient;
let identity: Identity;

/** Tests reconnect faster than AWS would have it. */
const limits = { connectsPerSecond: 1000 };

before(async () => {
  directory = await temporaryDirectory();
  await start();
  identity = await makeIdentity(client, "camera-1");
});

after(async () => {
  client?.destroy();
  await cloud?.close();
  await directory?.remove();
});

async function start(): Promise<void> {
  cloud = await startCloud({ directory: `${directory.path}/cloud`, out: `${directory.path}/out`, limits });
  client?.destroy();
  client = new IoTClient({
    region: cloud.region,
    endpoint: cloud.api.url,
    credentials: { ...cloud.accessKey },
    requestHandler: { httpsAgent: { ca: cloud.ca.certPem } },
  });
}

function settings(overrides = {}) {
  const { endpoint, certificate, key, thingName: clientId } = identity;
  const backoff = { minimum: 200, maximum: 400 };
  return { endpoint, clientId, root: cloud.ca.certPem, certificate, key, backoff, ...overrides };
}

async function device(
  t: { after(body: () => Promise<void>): void },
  overrides = {},
  options = {},
): Promise<SessionDevice> {
  const it = await SessionDevice.start(settings(overrides), options);
  t.after(() => it.stop());
  return it;
}

/** The next event of the broker of a kind. */
function brokerEvent<T>(
  name: "publish" | "connect" | "disconnect" | "refuse" | "acknowledge",
  fits: (event: T) => boolean,
) {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the broker saw no ${name}`)), 20_000);
    const listener = (event: unknown) => {
      if (!fits(event as T)) return;
      clearTimeout(timer);
      cloud.iot.off(name, listener as never);
      resolve(event as T);
    };
    cloud.iot.on(name, listener as never);
  });
}

test("connects, publishes, subscribes, and is told", async (t) => {
  const connected = brokerEvent<{ clientId: string; keepAlive: number; clean: boolean }>("connect", () => true);
  const it = await device(t, { keepAlive: 60 });
  await it.state("connected");
  const { clientId, keepAlive, clean } = await connected;
  assert.deepEqual({ clientId, keepAlive, clean }, { clientId: "camera-1", keepAlive: 60, clean: false });

  const published = brokerEvent<{ topic: string; payload: Buffer }>("publish", ({ topic }) =>
    topic.startsWith("device/"),
  );
  await it.do("publish", { topic: "device/camera-1/telemetry", payload: "hello" });
  assert.equal((await published).payload.toString(), "hello");
  await it.do("publish", { topic: "device/camera-1/telemetry", payload: "", QoS: 0 });
  await it.do("publish", { topic: "device/camera-1/telemetry", payload: "" });

  await it.do("subscribe", { topics: ["device/camera-1/commands", "device/camera-1/uploads/grant"] });
  const acknowledged = brokerEvent("acknowledge", () => true);
  await cloud.iot.publish("device/camera-1/commands", "take a picture");
  await it.message("take a picture");
  await acknowledged;
  await cloud.iot.publish("device/camera-1/commands", "");
  await it.message("");
  await cloud.iot.publish("device/camera-1/uploads/grant", "after the empty one");
  await it.message("after the empty one");

  const left = brokerEvent<{ reason: string }>("disconnect", () => true);
  await it.do("close");
  assert.equal((await left).reason, "CLIENT_INITIATED_DISCONNECT");
  assert.deepEqual(it.states, ["resolving", "connecting", "connected"]);
});

test("large messages: out in pieces, in up to what the device takes, beyond it acknowledged and dropped", async (t) => {
  const it = await device(t, { queueBytes: 10_000, maximumMessage: 8000 });
  await it.do("subscribe", { topics: ["device/camera-1/commands"] });
  const published = brokerEvent<{ payload: Buffer }>("publish", ({ payload }) => payload.length > 5000);
  await it.do("publish", { topic: "device/camera-1/telemetry", byteLength: 7000 });
  assert.deepEqual((await published).payload, Buffer.alloc(7000));
  await cloud.iot.publish("device/camera-1/commands", Buffer.alloc(8000, 7));
  // What a test before had no time to acknowledge is delivered again.
  await it.event("large message", ({ event, byteLength }) => event === "message" && byteLength === 8000);
  for (const length of [8001, 128 * 1024]) {
    const from = it.events.length;
    const acknowledged = brokerEvent("acknowledge", () => true);
    await cloud.iot.publish("device/camera-1/commands", Buffer.alloc(length));
    await it.event("MessageTooLarge", ({ code }) => code === "MessageTooLarge", from);
    await acknowledged;
  }
  await cloud.iot.publish("device/camera-1/commands", "small");
  await it.message("small");
});

test("the session is persistent: what comes while the device is away is there when it is back, and nothing is asked for twice", async (t) => {
  const subscriptions: unknown[] = [];
  const note = (event: unknown) => subscriptions.push(event);
  cloud.iot.on("subscribe", note);
  t.after(() => void cloud.iot.off("subscribe", note));
  const it = await device(t);
  await it.do("subscribe", { topics: ["device/camera-1/commands"] });
  await it.do("disconnect");
  await cloud.iot.publish("device/camera-1/commands", "stored 1");
  await cloud.iot.publish("device/camera-1/commands", "stored 2");
  const connected = brokerEvent<{ sessionPresent: boolean }>("connect", () => true);
  await it.do("connect");
  assert.equal((await connected).sessionPresent, true);
  await it.message("stored 1");
  await it.message("stored 2");
  assert.equal(subscriptions.length, 1);
});

test("the broker goes away and comes back, with everything that it knew", async (t) => {
  const it = await device(t);
  await it.do("subscribe", { topics: ["device/camera-1/commands"] });
  const port = cloud.iot.port;
  const from = it.events.length;
  await cloud.close();
  await it.state("backing-off", from);
  const waiting = it.do("publish", { topic: "device/camera-1/telemetry", payload: "kept meanwhile" });
  await delay(500);
  await start();
  assert.equal(cloud.iot.port, port);
  const published = brokerEvent<{ payload: Buffer }>(
    "publish",
    ({ payload }) => payload.toString() === "kept meanwhile",
  );
  const connected = brokerEvent<{ sessionPresent: boolean }>("connect", () => true);
  assert.equal((await connected).sessionPresent, true, "sessions survive a restart of the broker");
  await published;
  await waiting;
  await cloud.iot.publish("device/camera-1/commands", "after the restart");
  await it.message("after the restart");
});

test("a second session with the same client id ends the first", async (t) => {
  const first = await device(t, { backoff: { minimum: 60_000, maximum: 60_000 } });
  await first.state("connected");
  const evicted = brokerEvent<{ reason: string }>("disconnect", () => true);
  const second = await device(t);
  await second.state("connected");
  assert.equal((await evicted).reason, "DUPLICATE_CLIENTID");
  await first.state("backing-off");
});

test("a certificate that is not active is refused until it is, and one that is deactivated loses its connection", async (t) => {
  const setStatus = (newStatus: "ACTIVE" | "INACTIVE") =>
    client.send(new UpdateCertificateCommand({ certificateId: identity.certificateId, newStatus }));
  await setStatus("INACTIVE");
  const refused = brokerEvent<{ reason: string }>("refuse", () => true);
  const it = await device(t);
  assert.match((await refused).reason, /INACTIVE/);
  const { code } = await it.state("refused");
  assert.equal(code, "Refused");
  await setStatus("ACTIVE");
  await it.state("connected");
  const from = it.events.length;
  await setStatus("INACTIVE");
  await it.state("refused", from);
  await setStatus("ACTIVE");
  await it.state("connected", from);
});

test("unknown certificate, no certificate, another thing's name: refused, with the reason on the cloud's side", async (t) => {
  const stranger = await cloud.ca.issueClient({ commonName: "camera-1" });
  for (const [overrides, reason, name] of [
    [{ certificate: stranger.certPem, key: stranger.keyPem }, /not known/, "camera-1"],
    [{ certificate: undefined, key: undefined }, /not known/, "camera-1"],
    [{ clientId: "camera-2" }, /no policy/, "camera-2"],
  ] as const) {
    // The one before may have tried once more before it was stopped.
    const refused = brokerEvent<{ reason: string; clientId: string }>("refuse", ({ clientId }) => clientId === name);
    const it = await device(t, overrides);
    assert.match((await refused).reason, reason);
    assert.equal((await it.state("refused")).code, "Refused");
    await it.stop();
  }
});

test("a foreign topic: the subscription is refused, a publish ends the connection", async (t) => {
  const it = await device(t);
  await assert.rejects(it.do("subscribe", { topics: ["device/camera-2/commands"] }), { code: "SubscriptionRefused" });
  const from = it.events.length;
  const ended = brokerEvent<{ reason: string; detail: string }>("disconnect", () => true);
  const publishing = it.do("publish", { topic: "device/camera-2/telemetry", payload: "x", QoS: 0 });
  const { reason, detail } = await ended;
  assert.equal(reason, "FORBIDDEN_ACCESS");
  assert.match(detail, /camera-2/);
  await publishing;
  await it.state("backing-off", from);
  await it.state("connected", from);
});

test("the last will is said for a device that is killed, and not for one that leaves", async (t) => {
  const will = { topic: "device/camera-1/telemetry", message: '{"state":"offline"}', QoS: 1 as const };
  const wills: string[] = [];
  const note = ({ payload }: { payload: Buffer }) => wills.push(payload.toString());
  cloud.iot.on("publish", note);
  t.after(() => void cloud.iot.off("publish", note));
  const leaving = await device(t, { will });
  await leaving.state("connected");
  const left = brokerEvent("disconnect", () => true);
  await leaving.do("close");
  await left;
  await delay(200);
  assert.deepEqual(wills, []);
  const killed = await device(t, { will });
  await killed.state("connected");
  const said = brokerEvent<{ payload: Buffer }>("publish", () => true);
  process.kill(killed.pid, "SIGKILL");
  assert.equal((await said).payload.toString(), will.message);
});

test("an endpoint where nobody listens has a name for it", async (t) => {
  const it = await device(t, { endpoint: "localhost:1" });
  const { code } = await it.state("backing-off");
  assert.ok(code, "the failure has a name");
});

test("an idle connected session in the chip's machine", async (t) => {
  const it = await device(t);
  await it.do("subscribe", { topics: ["device/camera-1/commands", "device/camera-1/uploads/grant"] });
  await it.do("publish", { topic: "device/camera-1/telemetry", payload: "x".repeat(400) });
  const { slots, slotsPeak, slotsTotal, chunkBytes, chunkBytesPeak, stackPeak, stackTotal } = await it.do("statistics");
  t.diagnostic(JSON.stringify({ slots, slotsPeak, slotsTotal, chunkBytes, chunkBytesPeak, stackPeak, stackTotal }));
  assert.ok(stackPeak < stackTotal * 0.9, `stack peak ${stackPeak} of ${stackTotal}`);
  assert.ok(slots < slotsTotal / 2, `${slots} of ${slotsTotal} slots`);
});
