import { collectGarbage, statistics } from "statistics";
import { assert, equal, sleep, test, until } from "../harness";
import { FakeBroker, FakeSocket, types } from "./fake-broker";

function inUse(): { slots: number; chunkBytes: number } {
  collectGarbage();
  const { slots, chunkBytes } = statistics();
  return { slots, chunkBytes };
}

/** What the broker's end of the socket costs is not the device's. */
function forget(broker: FakeBroker): void {
  broker.sockets = broker.sockets.slice(-1);
  broker.socket.packets = [];
  broker.states = [];
  broker.errors = [];
  broker.messages = [];
}

/** What a socket of the broker costs by itself, with callbacks that do nothing. */
function socketCost(broker: FakeBroker): number {
  const before = inUse();
  const callbacks = { onReadable: () => {}, onWritable: () => {}, onError: () => {} };
  broker.sockets.push(new FakeSocket({ broker, host: "broker.example", port: 8883, ...callbacks }));
  const after = inUse();
  return after.slots - before.slots;
}

test("a connected idle session costs a few hundred slots", async () => {
  const broker = new FakeBroker();
  const socketSlots = socketCost(broker);
  const before = inUse();
  const session = broker.session({ keepAlive: 1200 });
  session.connect();
  await session.subscribe([
    { topic: "device/camera-0123456789ab/commands", QoS: 1 },
    { topic: "device/camera-0123456789ab/uploads/grant", QoS: 1 },
  ]);
  await session.publish("device/camera-0123456789ab/telemetry", "{}");
  await sleep(5);
  forget(broker);
  const after = inUse();
  const slots = after.slots - before.slots - socketSlots;
  const chunkBytes = after.chunkBytes - before.chunkBytes;
  trace(`idle session: ${slots} slots, ${chunkBytes} chunk bytes; its socket: ${socketSlots} slots\n`);
  assert(slots < 350, `${slots} slots`);
  assert(chunkBytes < 2500, `${chunkBytes} chunk bytes`);
  session.close();
});

test("a session that has chosen among three endpoints holds hardly more than one that has a single one", async () => {
  /** All slots of the machine, while it is connected. */
  const cost = async (endpoint: string | string[]) => {
    // What an earlier session has left running comes to its end.
    await sleep(300);
    const broker = new FakeBroker();
    const session = broker.session({ keepAlive: 1200, endpoint });
    session.connect();
    await until(() => session.connected);
    await sleep(30);
    forget(broker);
    const { slots } = inUse();
    session.close();
    return slots;
  };
  const regions = ["eu.example", "us.example", "ap.example"];
  // The first one pays for what all share.
  await cost("broker.example");
  const single = await cost("broker.example");
  const several = await cost(regions);
  trace(`one endpoint: ${single} slots in use, three: ${several}\n`);
  assert(several <= single + 12, `${several} slots, ${single} with one endpoint`);
});

test("a thousand messages in each direction and a hundred reconnects leave nothing behind", {
  timeout: 30_000,
}, async () => {
  const broker = new FakeBroker();
  const session = broker.session({ backoff: { minimum: 1, maximum: 1 } });
  session.connect();
  await session.subscribe([{ topic: "in", QoS: 1 }]);
  const round = async () => {
    for (let i = 0; i < 10; i += 1) {
      broker.socket.publish("in", `message ${i}`, { id: i + 1 });
      await session.publish("out", `message ${i}`);
    }
    const { socket } = broker;
    await until(() => socket.sent(types.PUBACK).length === 10);
    socket.fail();
    await until(() => broker.socket !== socket && session.connected);
    await sleep(2);
    forget(broker);
  };
  for (let i = 0; i < 100; i += 1) await round();
  const before = inUse();
  for (let i = 0; i < 100; i += 1) await round();
  const after = inUse();
  assert(after.slots - before.slots < 40, `${after.slots - before.slots} slots more`);
  assert(after.chunkBytes - before.chunkBytes < 600, `${after.chunkBytes - before.chunkBytes} chunk bytes more`);
  equal(broker.escaped, []);
  session.close();
});
