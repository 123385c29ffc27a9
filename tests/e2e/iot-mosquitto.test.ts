/** The device's session against Debian's mosquitto with mutual TLS: a broker that nobody here wrote. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { LocalCA } from "../../certs/local-ca.ts";
import { makeRequest, SessionDevice } from "./iot-rig.ts";
import { Mosquitto, withoutMosquitto as skip } from "./mosquitto.ts";

let broker: Mosquitto;

before(async () => {
  if (!skip) broker = await Mosquitto.start();
});

after(() => broker?.close());

async function settings(commonName = "camera-1") {
  const { key, csr } = await makeRequest(commonName);
  const { certPem: certificate } = await broker.ca.issueFromCsr(csr);
  const backoff = { minimum: 200, maximum: 400 };
  const { endpoint, ca } = broker;
  return { endpoint, clientId: "camera-1", root: ca.certPem, certificate, key, backoff };
}

test("publishes, subscribes, is told, in pieces and without payload; its session outlives the connection and the broker", {
  skip,
}, async (t) => {
  const it = await SessionDevice.start({ ...(await settings()), queueBytes: 10_000, maximumMessage: 10_000 });
  t.after(() => it.stop());
  await it.do("subscribe", { topics: ["device/camera-1/commands"] });
  const cloud = await broker.client("observer");
  const seen: string[] = [];
  cloud.on("message", (_topic, payload) =>
    seen.push(payload.length > 100 ? String(payload.length) : payload.toString()),
  );
  await cloud.subscribeAsync("device/+/telemetry", { qos: 1 });
  await it.do("publish", { topic: "device/camera-1/telemetry", payload: "hello" });
  await it.do("publish", { topic: "device/camera-1/telemetry", byteLength: 8000 });
  await it.do("publish", { topic: "device/camera-1/telemetry", payload: "" });
  while (seen.length < 3) await delay(10);
  assert.deepEqual(seen, ["hello", "8000", ""]);

  const tell = (payload: string | Buffer) => cloud.publishAsync("device/camera-1/commands", payload, { qos: 1 });
  await tell("one");
  await it.message("one");
  await tell("");
  await tell(Buffer.alloc(8000));
  await it.event("8000 bytes", ({ byteLength }) => byteLength === 8000);
  await it.message("");

  await it.do("disconnect");
  await tell("stored");
  const from = it.events.length;
  await it.do("connect");
  await it.message("stored", from);
  await cloud.endAsync(true);

  const restart = it.events.length;
  await broker.shut();
  await it.state("backing-off", restart);
  await broker.open();
  await it.state("connected", restart);
  const again = await broker.client("observer");
  await again.publishAsync("device/camera-1/commands", "after the restart", { qos: 1 });
  await it.message("after the restart");
  await again.endAsync(true);
});

test("a session that is to be dropped: what the broker kept is gone, and the next one lasts", { skip }, async (t) => {
  const common = await settings("camera-2");
  const camera = { ...common, clientId: "camera-2" };
  const topic = "device/camera-2/commands";
  const cloud = await broker.client("sender");
  t.after(() => cloud.endAsync(true));
  const tell = (payload: string, options: object = {}) => cloud.publishAsync(topic, payload, { qos: 1, ...options });

  const first = await SessionDevice.start(camera);
  await first.do("subscribe", { topics: [topic] });
  await first.stop();
  await tell("poison");

  const second = await SessionDevice.start({ ...camera, mustDrop: true });
  await second.event("dropped", ({ event }) => event === "dropped");
  await second.state("connected");
  await second.do("subscribe", { topics: [topic] });
  await tell("after it");
  await second.message("after it");
  assert.ok(!second.events.some(({ text }) => text === "poison"));
  await second.stop();
  await tell("while it was away");
  await tell("retained", { retain: true });

  const third = await SessionDevice.start(camera);
  t.after(() => third.stop());
  await third.message("while it was away");
  const live = await third.message("retained");
  assert.equal(live.retain, false, "it was published while the session stood");
  const from = third.events.length;
  await third.do("subscribe", { topics: [topic] });
  assert.equal((await third.message("retained", from)).retain, true);
  await tell("", { retain: true });
});

test("bursts from mosquitto wait in the connection", { skip }, async (t) => {
  const it = await SessionDevice.start({ ...(await settings("camera-3")), clientId: "camera-3" });
  t.after(() => it.stop());
  await it.do("subscribe", { topics: ["device/camera-3/commands"] });
  const cloud = await broker.client("sender");
  t.after(() => cloud.endAsync(true));
  const sizes = Array.from({ length: 200 }, (_, i) => [50, 1900, 4096, 20_000][i % 4]);
  await Promise.all(
    sizes.map((size) => cloud.publishAsync("device/camera-3/commands", Buffer.alloc(size, "x"), { qos: 1 })),
  );
  await it.event(
    "end",
    () => it.events.filter(({ event }) => event === "message" || event === "error").length >= 200,
    0,
  );
  const lengths = it.events.filter(({ event }) => event === "message").map(({ byteLength }) => byteLength);
  assert.deepEqual(
    lengths,
    sizes.filter((size) => size <= 4096),
    "all that fit, in order, once",
  );
  assert.equal(it.events.filter(({ code }) => code === "MessageTooLarge").length, 50);
});

test("without a certificate the TLS alert of the broker is the reason", { skip }, async (t) => {
  const it = await SessionDevice.start({ ...(await settings()), certificate: undefined, key: undefined });
  t.after(() => it.stop());
  const { event, code } = await it.event("refusal", ({ event, code }) => event === "state" && code);
  assert.deepEqual([event, code], ["state", "PeerAlert"]);
});

test("a broker with another authority is not trusted", { skip }, async (t) => {
  const stranger = await LocalCA.create();
  const it = await SessionDevice.start({ ...(await settings()), root: stranger.certPem });
  t.after(() => it.stop());
  const { code } = await it.state("backing-off");
  assert.equal(code, "UnknownCA");
});
