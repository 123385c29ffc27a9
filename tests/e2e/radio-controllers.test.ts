/** Two whole host stacks on two virtual controllers: what a phone and a device may do beyond what provisioning uses. */
import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { test } from "node:test";
import { Air, type AirOptions } from "../../sim/radio/air.ts";
import { Controller } from "../../sim/radio/controller.ts";
import {
  type BleManager,
  type ClientCharacteristic,
  type HostConnection,
  loadBleHost,
} from "../../sim/radio/host-stack.ts";

const serviceUUID = "12345678-0000-4000-8000-00000000ABCD";
const address = "24:6F:28:00:00:01";

async function host(air: Air, own: string): Promise<{ manager: BleManager; controller: Controller }> {
  const transport = Object.assign(new EventEmitter(), {
    write: (packet: Buffer) => setImmediate(() => controller.receive(packet)),
  });
  const controller = new Controller(air, own, (packet) => transport.emit("data", packet));
  const manager = await new Promise<BleManager>((resolve, reject) => {
    loadBleHost().BleManager.create(transport, {}, (error, created) => (error ? reject(error) : resolve(created)));
  });
  return { manager, controller };
}

/** Turns `(error, value)` callbacks into a promise of both. */
function result<T>(start: (done: (error: number, value?: T) => void) => void): Promise<[number, T | undefined]> {
  return new Promise((resolve) => start((error, value) => resolve([error, value])));
}

async function pair(options: AirOptions = {}) {
  const air = new Air({ supervisionTimeout: 300, ...options });
  const device = await host(air, address);
  const phone = await host(air, "F0:99:B6:00:00:01");
  const written: Buffer[] = [];
  const open = {
    uuid: 0xa001,
    properties: ["read", "write"],
    descriptors: [],
    onRead: (_: HostConnection, done: (error: number, value: Buffer) => void) => done(0, Buffer.alloc(300, 7)),
    onWrite: (_: HostConnection, _answer: boolean, value: Buffer, done: (error: number) => void) => {
      written.push(value);
      done(0);
    },
  };
  const secret = {
    uuid: 0xa002,
    properties: ["read"],
    readPerm: "encrypted",
    value: Buffer.from("secret"),
    descriptors: [],
  };
  device.manager.gattDb.addServices([{ uuid: serviceUUID, characteristics: [open, secret] }]);
  const accepted = new Promise<HostConnection>((resolve) => {
    device.manager.startAdvertising({}, (_status, connection) => resolve(connection));
  });
  const connection = await new Promise<HostConnection>((resolve) => {
    phone.manager.connect("public", address, {}, resolve);
  });
  const [service] = await new Promise<
    { discoverCharacteristics(done: (found: ClientCharacteristic[]) => void): void }[]
  >((resolve) => connection.gatt.discoverServicesByUuid(serviceUUID, 1, resolve));
  const characteristics = await new Promise<ClientCharacteristic[]>((resolve) =>
    service.discoverCharacteristics(resolve),
  );
  return { air, device, phone, connection, accepted: await accepted, written, characteristics };
}

test("long reads and prepared writes at an MTU of 23", async () => {
  const { connection, written, characteristics, device, phone } = await pair();
  assert.equal(connection.gatt.currentMtu, 23);
  const [error, value] = await result<Buffer>((done) => characteristics[0].read(done));
  assert.deepEqual([error, value?.length], [0, 300]);
  const long = Buffer.from(Array.from({ length: 400 }, (_, i) => i & 0xff));
  assert.deepEqual(await result((done) => characteristics[0].write(long, done)), [0, undefined]);
  assert.deepEqual(Buffer.concat(written), long);
  device.controller.remove();
  phone.controller.remove();
});

test("an attribute that wants encryption is refused in the clear and read after pairing with LE Secure Connections", async () => {
  const { connection, characteristics, device, phone } = await pair();
  const [refused] = await result<Buffer>((done) => characteristics[1].read(done));
  assert.equal(refused, 0x05);
  const { smp } = connection;
  const complete = once(smp, "pairingComplete");
  smp.sendPairingRequest({ bondingFlags: 0, sc: true });
  const [{ sc }] = await complete;
  assert.equal(sc, true);
  const [error, value] = await result<Buffer>((done) => characteristics[1].read(done));
  assert.deepEqual([error, value?.toString()], [0, "secret"]);
  device.controller.remove();
  phone.controller.remove();
});

test("encryption with a key that the other side does not have is refused", async () => {
  const { connection, device, phone } = await pair();
  const smp = connection.smp as HostConnection["smp"] & {
    setAvailableLtk(key: Buffer, random: Buffer, ediv: number, mitm: boolean, sc: boolean): void;
    startEncryption(): boolean;
  };
  smp.setAvailableLtk(Buffer.alloc(16, 1), Buffer.alloc(8), 0, false, true);
  const ended = once(smp, "encrypt");
  smp.startEncryption();
  const [status] = await ended;
  assert.equal(status, 0x06);
  device.controller.remove();
  phone.controller.remove();
});

test("either side ends the link; the other is told why", async () => {
  for (const side of ["connection", "accepted"] as const) {
    const both = await pair();
    const other = side === "connection" ? both.accepted : both.connection;
    const [told, own] = [once(other, "disconnect"), once(both[side], "disconnect")];
    both[side].disconnect();
    assert.deepEqual([await told, await own], [[0x13], [0x16]]);
    assert.equal(both.air.links.size, 0);
    both.device.controller.remove();
    both.phone.controller.remove();
  }
});

test("a controller that is gone leaves its peer with a supervision time-out", async () => {
  const { accepted, phone, device } = await pair();
  const start = performance.now();
  const gone = once(accepted, "disconnect");
  phone.controller.remove();
  assert.deepEqual(await gone, [0x08]);
  assert.ok(performance.now() - start >= 290);
  device.controller.remove();
});

test("connection parameters are changed for both", async () => {
  const { connection, accepted, device, phone } = await pair();
  const central = connection as HostConnection & { updateConnParams(parameters: object): void };
  const updates = [once(connection, "connectionUpdate"), once(accepted, "connectionUpdate")];
  central.updateConnParams({ connIntervalMin: 12, connIntervalMax: 12, connLatency: 0, supervisionTimeout: 200 });
  assert.deepEqual(await Promise.all(updates), [
    [12, 0, 200],
    [12, 0, 200],
  ]);
  device.controller.remove();
  phone.controller.remove();
});

test("a connection to nobody can be cancelled, and the next one is made", async () => {
  const { air, phone, device } = await pair();
  const pending = phone.manager.connect("public", "24:6F:28:00:00:77", {}, () => assert.fail("nobody is there"));
  await new Promise((resolve) => setTimeout(resolve, 100));
  await new Promise<void>((resolve) => pending.cancel(resolve));
  const other = await host(air, "24:6F:28:00:00:02");
  other.manager.startAdvertising({}, () => undefined);
  const connection = await new Promise<HostConnection>((resolve) => {
    phone.manager.connect("public", "24:6F:28:00:00:02", {}, resolve);
  });
  assert.equal(connection.peerAddress, "24:6F:28:00:00:02");
  assert.equal(air.links.size, 2);
  for (const { controller } of [other, device, phone]) controller.remove();
});
