/** The device's session against Debian's mosquitto with mutual TLS: a broker that nobody here wrote. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { connectAsync, type MqttClient } from "mqtt";
import { LocalCA } from "../../certs/local-ca.ts";
import { makeRequest, SessionDevice, temporaryDirectory } from "./iot-rig.ts";

const mosquitto = ["mosquitto", "/usr/sbin/mosquitto"].find((path) => !spawnSync(path, ["-h"]).error);
const skip = mosquitto ? false : "mosquitto is not installed (Debian: apt install mosquitto)";

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let ca: LocalCA;
let port: number;
let broker: ChildProcess;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port: free } = server.address() as AddressInfo;
  server.close();
  return free;
}

async function startBroker(): Promise<void> {
  broker = spawn(mosquitto!, ["-c", `${directory.path}/mosquitto.conf`], { stdio: "ignore" });
  for (let i = 0; i < 100; i += 1) {
    const socket = connect(port, "127.0.0.1");
    const open = await new Promise((resolve) =>
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false)),
    );
    socket.destroy();
    if (open) return;
    await delay(50);
  }
  throw new Error("mosquitto does not listen");
}

async function stopBroker(): Promise<void> {
  if (!broker || broker.exitCode !== null || broker.signalCode) return;
  broker.kill("SIGTERM");
  await once(broker, "exit");
}

before(async () => {
  if (skip) return;
  directory = await temporaryDirectory();
  ca = await LocalCA.create();
  port = await freePort();
  const { keyPem, chainPem } = await ca.issueServer({ names: ["localhost"] });
  const path = (name: string) => `${directory.path}/${name}`;
  await writeFile(path("ca.pem"), ca.certPem);
  await writeFile(path("server.pem"), chainPem);
  await writeFile(path("server.key"), keyPem);
  const settings = [
    `listener ${port} 127.0.0.1`,
    `cafile ${path("ca.pem")}`,
    `certfile ${path("server.pem")}`,
    `keyfile ${path("server.key")}`,
    "require_certificate true",
    "use_identity_as_username true",
    "allow_anonymous false",
    "persistence true",
    `persistence_location ${directory.path}/`,
    "user root",
  ];
  await writeFile(path("mosquitto.conf"), `${settings.join("\n")}\n`);
  await startBroker();
});

after(async () => {
  if (skip) return;
  await stopBroker();
  await directory.remove();
});

async function settings(commonName = "camera-1") {
  const { key, csr } = await makeRequest(commonName);
  const { certPem: certificate } = await ca.issueFromCsr(csr);
  const backoff = { minimum: 200, maximum: 400 };
  return { endpoint: `localhost:${port}`, clientId: "camera-1", root: ca.certPem, certificate, key, backoff };
}

async function observer(): Promise<MqttClient> {
  const { key, certificate: cert } = await settings("observer");
  return connectAsync(`mqtts://localhost:${port}`, { ca: ca.certPem, cert, key, reconnectPeriod: 0 }, false);
}

test("publishes, subscribes, is told, in pieces and without payload; its session outlives the connection and the broker", {
  skip,
}, async (t) => {
  const it = await SessionDevice.start({ ...(await settings()), queueBytes: 10_000, maximumMessage: 10_000 });
  t.after(() => it.stop());
  await it.do("subscribe", { topics: ["device/camera-1/commands"] });
  const cloud = await observer();
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
  await cloud.endAsync();

  const restart = it.events.length;
  await stopBroker();
  await it.state("backing-off", restart);
  await startBroker();
  await it.state("connected", restart);
  const again = await observer();
  await again.publishAsync("device/camera-1/commands", "after the restart", { qos: 1 });
  await it.message("after the restart");
  await again.endAsync();
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
