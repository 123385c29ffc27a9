import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { readableWiFiName, wifiNameBytes } from "../../sim/phone/wifi-name.ts";
import {
  deviceName,
  disconnected,
  firstLine,
  proofOfPossession,
  run,
  setUp,
  startDaemon,
  startPhone,
  TestDevice,
  until,
} from "./radio-rig.ts";

const echo = { type: "Echo", text: "Straße 📷" };

/** The error's code, or "" when there was none. */
async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "";
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

for (const mtu of [23, 185, 517])
  test(`the whole conversation at an MTU of ${mtu}`, async (t) => {
    const { radio, device, phone } = await setUp(t, { mtu });
    assert.equal(phone.maximumWrite, Math.min(512, mtu - 3));
    assert.deepEqual((await phone.version()).prov.cap, ["wifi_prov", "wifi_scan"]);
    assert.deepEqual(await phone.request("camera-command", echo), echo);
    assert.deepEqual(await phone.request("camera-cert", { type: "Length", text: "y".repeat(5000) }), { length: 5000 });
    assert.equal((await phone.request("camera-upload", { type: "Big", length: 5000 })).text.length, 5000);
    assert.deepEqual(await phone.request("camera-command", { type: "Slow", milliseconds: 300 }), { type: "Slow" });
    assert.deepEqual(
      (await phone.scanWiFi()).map(({ ssid, auth }) => [ssid, auth]),
      [
        ["Devicelink", "wpa2"],
        ["Cafe", "open"],
        ["Neighbours", "wpa2/wpa3"],
      ],
    );
    await phone.configureWiFi({ ssid: "Devicelink", passphrase: "correct horse" });
    const status = await phone.waitForWiFi();
    assert.deepEqual(status, { state: "connected", address: "127.0.0.1", ssid: "Devicelink" });
    assert.equal(device.latest("configured"), "Devicelink");
    assert.equal(radio.links, 1);
    await device.checkAlive();
  });

test("names that are no text and protections that nobody knows: heard, joined, kept", async (t) => {
  const gbk = { hex: "b2e2cad4", password: "correct horse", RSSI: -40, security: "wpa2_psk" };
  const longest = { hex: `${"80".repeat(31)}ff`, RSSI: -45 };
  const unknown = { SSID: "New router", password: "correct horse", RSSI: -50, security: "unknown" };
  const cut = { hex: "486f006d65", RSSI: -60 };
  const environment = { WIFI_NETWORKS: JSON.stringify([gbk, longest, unknown, cut]) };
  const { device, phone } = await setUp(t, {}, {}, environment);
  const heard = await phone.scanWiFi();
  assert.deepEqual(
    heard.map(({ ssid, auth }) => [Buffer.from(wifiNameBytes(ssid)).toString("hex"), auth]),
    [
      [gbk.hex, "wpa2"],
      [longest.hex, "open"],
      [Buffer.from(unknown.SSID).toString("hex"), "wpa2"],
      // As ESP-IDF's station tells it.
      ["486f", "open"],
    ],
  );
  assert.equal(readableWiFiName(heard[0].ssid), "\\xB2\\xE2\\xCA\\xD4");
  for (const [ssid, passphrase] of [
    [heard[1].ssid, ""],
    [unknown.SSID, unknown.password],
    [heard[0].ssid, gbk.password],
  ]) {
    await phone.configureWiFi({ ssid, passphrase });
    assert.deepEqual(await phone.waitForWiFi(), { state: "connected", address: "127.0.0.1", ssid });
    assert.equal(device.latest("configured"), ssid);
  }
  assert.equal(await codeOf(phone.configureWiFi({ ssid: "Ho\0me" })), "WiFiFailed");
  await device.checkAlive();
});

test("requests that are made at once are answered one after the other", async (t) => {
  const { phone } = await setUp(t);
  const numbers = Array.from({ length: 20 }, (_, i) => i);
  const answers = await Promise.all(numbers.map((n) => phone.request("camera-command", { type: "Echo", n })));
  assert.deepEqual(
    answers.map(({ n }) => n),
    numbers,
  );
});

test("errors of the camera have their codes, and the session goes on", async (t) => {
  const { phone } = await setUp(t);
  assert.equal(await codeOf(phone.request("camera-command", { type: "Fail" })), "TestRefusal");
  assert.equal(await codeOf(phone.request("camera-command", { type: "Big", length: 7000 })), "AnswerTooLong");
  assert.equal(await codeOf(phone.request("camera-command", { type: "Slow", milliseconds: 3000 })), "Timeout");
  assert.deepEqual(await phone.request("camera-command", echo), echo);
});

test("a message that is too long is refused, the session ends, and a new one opens on the same link", async (t) => {
  const { phone } = await setUp(t);
  assert.equal(await codeOf(phone.request("camera-cert", { type: "Length", text: "y".repeat(6200) })), "Refused");
  assert.equal(phone.hasSession, false);
  assert.equal(await codeOf(phone.request("camera-command", echo)), "NoSession");
  await phone.openSession(proofOfPossession);
  assert.deepEqual(await phone.request("camera-command", echo), echo);
});

test("notifications arrive, also after a reconnect", async (t) => {
  const { radio, phone } = await setUp(t);
  const counters: number[] = [];
  await phone.onNotify((counter) => counters.push(counter));
  await phone.request("camera-event", { type: "Notify" });
  await phone.request("camera-event", { type: "Notify" });
  await until("two notifications", () => counters.length === 2);
  radio.dropLinks();
  await phone.reconnect();
  await phone.request("camera-event", { type: "Notify" });
  await until("three notifications", () => counters.length === 3);
  assert.deepEqual(counters, [1, 2, 3]);
});

test("a wrong proof, and the lock after the third", async (t) => {
  const { device, phone } = await setUp(t);
  for (let i = 0; i < 3; i++) assert.equal(await codeOf(phone.openSession("wrong")), "WrongProof");
  const locked = await phone.openSession(proofOfPossession).catch((error) => error);
  assert.equal(locked.code, "LockedOut");
  assert.equal(locked.retryAfter, 1000);
  await delay(locked.retryAfter);
  await phone.openSession(proofOfPossession);
  assert.deepEqual(await phone.request("camera-command", echo), echo);
  await device.checkAlive();
});

test("a second phone is told that the camera is busy, and gets its turn", async (t) => {
  const { radio, device, phone } = await setUp(t);
  const second = await startPhone(t, { port: radio.port });
  await second.connect(deviceName);
  assert.equal(await codeOf(second.openSession(proofOfPossession)), "Busy");
  assert.equal((await second.version()).devicelink?.busy, true);
  assert.deepEqual(await phone.request("camera-command", echo), echo);
  await phone.close();
  await device.reaches("state", "connected");
  await second.openSession(proofOfPossession);
  assert.deepEqual(await second.request("camera-command", echo), echo);
});

test("a camera that wants an encrypted link gets one", async (t) => {
  const { radio, phone } = await setUp(t, {}, {}, { LINK_ENCRYPTION: "1" });
  assert.deepEqual([radio.links, radio.encryptedLinks], [1, 1]);
  const counters: number[] = [];
  await phone.onNotify((counter) => counters.push(counter));
  assert.deepEqual(await phone.request("camera-command", echo), echo);
  await phone.request("camera-event", { type: "Notify" });
  await until("a notification", () => counters.length === 1);
});

test("a camera that is not there, and one with another name", async (t) => {
  const { radio } = await setUp(t);
  const other = await startPhone(t, { port: radio.port }, { scanTimeout: 400 });
  assert.equal(await codeOf(other.connect("PROV_OTHER")), "CameraNotFound");
  assert.deepEqual(
    (await other.scan({ timeout: 1500 })).map(({ name }) => name),
    [deviceName],
  );
  assert.equal(await codeOf(other.request("camera-command", echo)), "NotConnected");
});

test("the pace of the air is kept", async (t) => {
  const { phone, radio } = await setUp(t);
  await phone.request("camera-command", echo);
  radio.setPace({ bytesPerSecond: 20_000, connectionInterval: 15 });
  const start = performance.now();
  await phone.request("camera-command", { type: "Big", length: 5000 });
  const seconds = (performance.now() - start) / 1000;
  assert.ok(seconds > 0.25, `5000 bytes at 20,000 a second took ${seconds} s`);
  assert.ok(seconds < 20, `5000 bytes at 20,000 a second took ${seconds} s`);
  radio.setPace(undefined);
});

/** A request that takes seconds on a slow air, so that something can happen in the middle of it. */
async function inTheMiddle(t: TestContext, event: (rig: Awaited<ReturnType<typeof setUp>>) => void, mtu: number) {
  const rig = await setUp(t, { mtu });
  rig.radio.setPace({ bytesPerSecond: 4000, connectionInterval: 10 });
  const request = codeOf(rig.phone.request("camera-cert", { type: "Length", text: "y".repeat(4000) }));
  await delay(400);
  event(rig);
  return { ...rig, request };
}

for (const mtu of [23, 517])
  test(`out of range in the middle of a message, MTU ${mtu}`, async (t) => {
    const { radio, device, phone, request } = await inTheMiddle(t, ({ radio }) => radio.setInRange(false), mtu);
    assert.equal(await request, "Disconnected");
    assert.equal(phone.connected, false);
    await device.reaches("state", "advertising");
    radio.setPace(undefined);
    radio.setInRange(true);
    await phone.reconnect();
    assert.deepEqual(await phone.request("camera-command", echo), echo);
    await device.checkAlive();
  });

test("out of range for less than the supervision time-out is a pause", async (t) => {
  const { radio, request } = await inTheMiddle(t, ({ radio }) => radio.setInRange(false), 517);
  await delay(150);
  radio.setInRange(true);
  radio.setPace(undefined);
  assert.equal(await request, "");
});

test("the device's Bluetooth is switched off and on", async (t) => {
  const { radio, device, phone, request } = await inTheMiddle(t, ({ radio }) => radio.setPower(false), 517);
  assert.equal(await request, "Disconnected");
  await device.reaches("state", "advertising");
  radio.setPace(undefined);
  const looking = await startPhone(t, { port: radio.port }, { scanTimeout: 500 });
  assert.equal(await codeOf(looking.connect(deviceName)), "CameraNotFound");
  radio.setPower(true);
  await phone.reconnect();
  assert.deepEqual(await phone.request("camera-command", echo), echo);
});

test("the device is killed and started again", async (t) => {
  const { radio, device, phone } = await setUp(t);
  const gone = disconnected(phone);
  device.process.kill("SIGKILL");
  await gone;
  assert.deepEqual(radio.devices, []);
  await TestDevice.start(t, radio.port);
  await phone.reconnect();
  assert.deepEqual(await phone.request("camera-command", echo), echo);
});

test("the phone is killed, and another one takes over", async (t) => {
  const { radio, device, phone } = await setUp(t);
  await phone.close();
  const doomed = run(t, "tests/e2e/fixtures/radio-phone.ts", String(radio.port), deviceName, proofOfPossession);
  assert.equal(await firstLine(doomed), "session");
  await device.reaches("state", "session");
  doomed.kill("SIGKILL");
  await device.reaches("state", "advertising");
  const next = await startPhone(t, { port: radio.port });
  await next.connect(deviceName);
  await next.openSession(proofOfPossession);
  assert.deepEqual(await next.request("camera-command", echo), echo);
});

test("the radio is killed and started again", async (t) => {
  const first = await startDaemon(t, "--supervision-timeout", "300");
  const device = await TestDevice.start(t, first.port);
  const phone = await startPhone(t, { port: first.port });
  await phone.connect(deviceName);
  await phone.openSession(proofOfPossession);
  await device.reaches("state", "session");
  const gone = disconnected(phone);
  first.child.kill("SIGKILL");
  await gone;
  assert.equal(await codeOf(phone.connect(deviceName)), "RadioUnavailable");
  await device.reaches("warning", "radio lost");
  await device.reaches("state", "advertising");
  await device.checkAlive();
  await startDaemon(t, "--port", String(first.port));
  const again = await startPhone(t, { port: first.port });
  await again.connect(deviceName);
  await again.openSession(proofOfPossession);
  assert.deepEqual(await again.request("camera-command", echo), echo);
});

test("the radio does not outlive the process that started it", async (t) => {
  const script = `
    import { spawn } from "node:child_process";
    const radio = spawn(process.execPath, ["--import", "tsx", "sim/radio/main.ts"], { stdio: ["ignore", "pipe", "ignore"] });
    radio.stdout.once("data", () => process.stdout.write(radio.pid + "\\n"));`;
  const parent = run(t, "--input-type=module", "-e", script);
  const pid = Number(await firstLine(parent));
  parent.kill("SIGKILL");
  const isRunning = () => {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  };
  await until("the radio has ended", () => !isRunning());
});

test("switches of the daemon by lines on stdin", async (t) => {
  const { port, child } = await startDaemon(t, "--mtu", "100", "--supervision-timeout", "200");
  await TestDevice.start(t, port);
  const phone = await startPhone(t, { port });
  await phone.connect(deviceName);
  assert.equal(phone.maximumWrite, 97);
  const gone = disconnected(phone);
  child.stdin!.write('{"range":false}\n');
  await gone;
  child.stdin!.write('{"range":true,"mtu":23}\n');
  await phone.connect(deviceName);
  assert.equal(phone.maximumWrite, 20);
});

test("Wi-Fi: wrong password, no such network, right one, lost and back", async (t) => {
  const { radio, device, phone } = await setUp(t);
  await phone.configureWiFi({ ssid: "Devicelink", passphrase: "wrong" });
  assert.equal(await codeOf(phone.waitForWiFi()), "WiFiAuthError");
  assert.deepEqual(await phone.wifiStatus(), { state: "failed", failure: "AuthError" });
  assert.equal(await phone.resetWiFi(), true);
  assert.equal(await phone.resetWiFi(), false);
  await phone.configureWiFi({ ssid: "Nowhere", passphrase: "secret" });
  assert.equal(await codeOf(phone.waitForWiFi()), "WiFiNotFound");
  assert.equal(device.latest("configured"), undefined);
  assert.equal(await codeOf(phone.configureWiFi({ ssid: "x".repeat(33) })), "WiFiFailed");
  await phone.configureWiFi({ ssid: "Devicelink", passphrase: "correct horse" });
  await phone.waitForWiFi();
  radio.setWiFiNetworks([]);
  await device.reaches("wifi", "disconnected");
  radio.setWiFiNetworks([{ SSID: "Devicelink", password: "correct horse", RSSI: -60 }]);
  await device.reaches("wifi", "connected");
  assert.equal((await phone.wifiStatus()).state, "connected");
});

test("a network without DHCP, and networks from the environment", async (t) => {
  const networks = [{ SSID: "Silent", password: "12345678", address: null }];
  const environment = { WIFI_NETWORKS: JSON.stringify(networks), WIFI_TIMING: '{"associate":10}' };
  const { phone } = await setUp(t, {}, {}, environment);
  assert.deepEqual(
    (await phone.scanWiFi()).map(({ ssid }) => ssid),
    ["Silent"],
  );
  await phone.configureWiFi({ ssid: "Silent", passphrase: "12345678" });
  assert.equal((await phone.wifiStatus()).state, "connecting");
});

test("many requests leave the machine as it was", async (t) => {
  const { phone } = await setUp(t);
  const used = async () => {
    await phone.request("camera-event", { type: "ResetPeaks" });
    const { slots, chunkBytes } = await phone.request("camera-event", { type: "Statistics" });
    return { slots, chunkBytes };
  };
  const work = async (count: number) => {
    for (let i = 0; i < count; i++) await phone.request("camera-command", { type: "Big", length: 1000 });
    await phone.scanWiFi();
  };
  await work(20);
  await used();
  const before = await used();
  await work(200);
  const after = await used();
  assert.ok(after.slots <= before.slots + 24, `slots ${before.slots} -> ${after.slots}`);
  assert.ok(after.chunkBytes <= before.chunkBytes + 64, `chunks ${before.chunkBytes} -> ${after.chunkBytes}`);
});

test("the capture is a well-formed btsnoop file that holds both sides", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "btsnoop-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const path = join(directory, "capture.btsnoop");
  const { radio, phone } = await setUp(t, { btsnoop: path });
  await phone.request("camera-command", echo);
  await phone.close();
  await radio.close();
  const records = readCapture(await readFile(path));
  const kinds = (index: number) =>
    new Set(records.filter((record) => record.index === index).map(({ opcode }) => opcode));
  // 0 new index, 2 command, 3 event, 4 ACL sent, 5 ACL received; the device is adapter 0 or 1.
  for (const index of [0, 1]) assert.deepEqual([...kinds(index)].sort(), [0, 2, 3, 4, 5]);
  for (const { opcode, data } of records) {
    if (opcode === 2) assert.equal(data.length, 3 + data[2]);
    else if (opcode === 3) assert.equal(data.length, 2 + data[1]);
    else if (opcode >= 4) assert.equal(data.length, 4 + data.readUInt16LE(2));
  }
  const times = records.map(({ time }) => time);
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  );
  assert.ok(Math.abs(times[0] - Date.now()) < 60_000);
});

interface CaptureRecord {
  index: number;
  opcode: number;
  /** Milliseconds since 1970. */
  time: number;
  data: Buffer;
}

function readCapture(file: Buffer): CaptureRecord[] {
  assert.equal(file.toString("latin1", 0, 8), "btsnoop\0");
  assert.deepEqual([file.readUInt32BE(8), file.readUInt32BE(12)], [1, 2001]);
  const records: CaptureRecord[] = [];
  let at = 16;
  while (at < file.length) {
    const length = file.readUInt32BE(at + 4);
    assert.equal(file.readUInt32BE(at), length);
    const flags = file.readUInt32BE(at + 8);
    const time = Number((file.readBigUInt64BE(at + 16) - 0x00dcddb30f2f8000n) / 1000n);
    records.push({ index: flags >>> 16, opcode: flags & 0xffff, time, data: file.subarray(at + 24, at + 24 + length) });
    at += 24 + length;
  }
  assert.equal(at, file.length);
  return records;
}
