/**
 * The simulated camera on a real adapter, as far as it goes without one: a socket with the shape of npm hci-socket's, whose packets go
 * to a virtual controller. Nobody has tried it on hardware yet.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  Adapter,
  AdapterError,
  type AdapterFailure,
  type AdapterSocketClass,
  openAdapter,
} from "../../sim/radio/adapter.ts";
import { Air } from "../../sim/radio/air.ts";
import { Controller } from "../../sim/radio/controller.ts";
import { H4Framer } from "../../sim/radio/hci.ts";
import { startRadio } from "../../sim/radio/radio.ts";
import { parseOptions, UsageError } from "../../sim/start/options.mjs";
import { ImprovPhone } from "./improv-rig.ts";
import { deviceName, proofOfPossession, startPhone, TestDevice, until } from "./radio-rig.ts";

const top = fileURLToPath(new URL("../..", import.meta.url));

/**
 * What npm hci-socket 1.0.0 is: `data` with one H4 packet, `write` with one of 4 to 1028 bytes, which throws afterwards, `close`.
 * Behind it is a controller on the air of a radio that phones can attach to.
 */
class FakeSocket extends EventEmitter {
  readonly controller: Controller;
  readonly written: number[] = [];
  #closed = false;

  constructor(air: Air) {
    super();
    this.controller = new Controller(air, "24:6F:28:AA:BB:CC", (packet) => {
      if (!this.#closed) this.emit("data", packet);
    });
  }

  write(packet: Buffer): void {
    if (this.#closed) throw new Error("Socket closed");
    if (!Buffer.isBuffer(packet) || packet.length < 4 || packet.length > 1028) throw new Error("Invalid packet");
    assert.equal(new H4Framer().push(packet).length, 1, "one whole packet");
    this.written.push(packet.readUInt16LE(1));
    setImmediate(() => this.controller.receive(packet));
  }

  close(): void {
    this.#closed = true;
    this.controller.remove();
    this.emit("close");
  }

  unplug(): void {
    this.close();
  }
}

/** A camera on an adapter, and the radio on whose air the adapter's controller and the phones are. */
async function setUp(t: TestContext, environment: Record<string, string> = {}) {
  const air = new Air({ supervisionTimeout: 300 });
  const socket = new FakeSocket(air);
  const adapter = new Adapter(socket);
  const radio = await startRadio({ adapter });
  t.after(() => radio.close());
  const phones = await startRadio({ air });
  t.after(() => phones.close());
  const device = await TestDevice.start(t, radio.port, environment);
  return { socket, adapter, radio, phones, device };
}

test("a whole provisioning through the adapter, over and over", async (t) => {
  const { phones, radio, device } = await setUp(t);
  for (let round = 0; round < 2; round++) {
    const phone = await startPhone(t, { port: phones.port });
    await phone.connect(deviceName);
    await phone.openSession(proofOfPossession);
    assert.equal((await phone.request("camera-upload", { type: "Big", length: 5000 })).text.length, 5000);
    await phone.configureWiFi({ ssid: "Devicelink", passphrase: "correct horse" });
    assert.equal((await phone.waitForWiFi()).state, "connected");
    await phone.close();
  }
  assert.equal(device.latest("configured"), "Devicelink");
  assert.deepEqual(
    radio.devices.map(({ name, advertising }) => [name, advertising]),
    [["camera", true]],
  );
  await device.checkAlive();
});

test("with an encrypted link, and by Improv", async (t) => {
  const { phones, device } = await setUp(t, { LINK_ENCRYPTION: "1", IMPROV_WINDOW: "60000" });
  const phone = await ImprovPhone.open(t, { port: phones.port });
  assert.equal(await phone.client.provision("Devicelink", "correct horse"), undefined);
  await device.reaches("configured", "Devicelink");
});

test("a camera that is switched off leaves the adapter quiet, and the next one gets it; a second one is turned away", async (t) => {
  const { socket, adapter, radio, phones, device } = await setUp(t);
  await device.reaches("state", "advertising");
  const second = await TestDevice.start(t, radio.port);
  device.process.kill("SIGKILL");
  await device.process.exited;
  await until(
    "the adapter's reset",
    () => socket.written.at(-1) === 0x0c03 || second.latest("state") === "advertising",
  );
  await second.reaches("state", "advertising");
  assert.equal(adapter.inUse, true);
  const phone = await startPhone(t, { port: phones.port });
  await phone.connect(deviceName);
  await phone.openSession(proofOfPossession);
});

test("an adapter that is unplugged is noticed once, and nothing is written to it any more", async (t) => {
  const { socket, adapter, device } = await setUp(t);
  await device.reaches("state", "advertising");
  let gone = 0;
  adapter.onGone = () => {
    gone += 1;
  };
  const written = socket.written.length;
  socket.unplug();
  assert.equal(gone, 1);
  device.process.kill("SIGKILL");
  await device.process.exited;
  adapter.close();
  assert.deepEqual([gone, socket.written.length], [1, written]);
});

const refusals: [AdapterFailure, object, RegExp][] = [
  ["NoAdapter", { code: "ENODEV", errno: -19 }, /no Bluetooth adapter hci3.*\/sys\/class\/bluetooth/],
  ["Busy", { code: "EBUSY", errno: -16 }, /hci3 is in use.*systemctl stop bluetooth/],
  ["NotPermitted", { code: "EPERM", errno: -1 }, /CAP_NET_ADMIN.*setcap/],
  ["Blocked", { errno: -132 }, /rfkill unblock/],
  ["NoAdapter", { errno: -97 }, /no Bluetooth.*container/],
  ["AdapterFailed", { code: "EIO", errno: -5 }, /hci3 could not be opened: Could not bind/],
];
for (const [code, fields, says] of refusals)
  test(`an adapter that cannot be had: ${code} ${JSON.stringify(fields)}`, async () => {
    const HciSocket = class extends EventEmitter {
      constructor(index: number) {
        super();
        throw Object.assign(new Error(`Could not bind socket hci${index}`), fields);
      }
    };
    await assert.rejects(
      openAdapter(3, async () => HciSocket as unknown as AdapterSocketClass),
      (error: AdapterError) => error instanceof AdapterError && error.code === code && says.test(error.message),
    );
  });

const missing: [string, Error, RegExp][] = [
  [
    "not installed",
    Object.assign(new Error("?"), { code: "ERR_MODULE_NOT_FOUND" }),
    /not installed.*npm install --no-save/,
  ],
  ["not built", new Error("Could not locate the bindings file. Tried:\n → /a"), /\(Could not.*file\).*npm rebuild/],
];
for (const [what, error, says] of missing)
  test(`a module that is ${what}`, async () => {
    const load = () => Promise.reject(error);
    await assert.rejects(
      openAdapter(0, load),
      (failure: AdapterError) => failure.code === "NotInstalled" && says.test(failure.message),
    );
  });

test("where hci-socket or an adapter is missing the radio ends with one line that says what to do", async () => {
  const radio = spawn(process.execPath, ["--import", "tsx", "sim/radio/main.ts", "--hci", "99"], { cwd: top });
  let said = "";
  radio.stderr.on("data", (data) => {
    said += data;
  });
  const [code] = await once(radio, "close");
  assert.equal(code, 1);
  // The first of them for most people; the others for who has built it.
  assert.match(said, /^(--hci needs .*npm (install|rebuild) .*hci-socket|.*hci99.*|this Linux has no Bluetooth.*)\n$/);
});

test("the option: a number, and no actor", () => {
  const options = parseOptions(["--hci", "0"]);
  assert.deepEqual([options.hci, options.page], ["0", true]);
  for (const wrong of [["--hci", "hci0"], ["--hci", "-1"], ["--hci"], ["--hci", "0", "--once"]])
    assert.throws(() => parseOptions(wrong), UsageError, wrong.join(" "));
  assert.equal(parseOptions([]).page, false);
});
