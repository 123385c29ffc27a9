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
