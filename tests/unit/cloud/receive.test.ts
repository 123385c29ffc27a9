import { assert, equal, sleep, test, until } from "../harness";
import { FakeBroker, text, types } from "./fake-broker";

async function connected(script = {}, options = {}) {
  const broker = new FakeBroker(script);
  const session = broker.session(options);
  session.connect();
  await until(() => session.connected);
  return { broker, session };
}

const seen = (broker: FakeBroker) => broker.messages.map(({ topic, payload, QoS }) => [topic, text(payload), QoS]);
const acknowledged = (broker: FakeBroker) => broker.socket.sent(types.PUBACK).map(({ id }) => id);

test("messages are delivered and acknowledged however they are cut", async () => {
  for (const pace of [1, 2, 5, 7, 100, 1000]) {
    const { broker, session } = await connected({ pace });
    const long = "0123456789".repeat(50);
    broker.socket.publish("device/thing/commands", "short", { id: 5 });
    broker.socket.publish("device/thing/commands", long, { id: 0x1234 });
    broker.socket.publish("device/thing/commands", "no acknowledgement", { QoS: 0 });
    await until(() => broker.messages.length === 3 && acknowledged(broker).length === 2);
    equal(seen(broker), [
      ["device/thing/commands", "short", 1],
      ["device/thing/commands", long, 1],
      ["device/thing/commands", "no acknowledgement", 0],
    ]);
    equal(
      broker.messages.map(({ id }) => id),
      [5, 0x1234, 0],
    );
    equal(acknowledged(broker), [5, 0x1234]);
    session.close();
    equal(broker.escaped, []);
  }
});

test("a message without payload is delivered and acknowledged, and what follows it as well", async () => {
  for (const pace of [1, 3, 1000]) {
    const { broker, session } = await connected({ pace });
    broker.socket.publish("a", "", { id: 1 });
    broker.socket.publish("b", "", { QoS: 0 });
    broker.socket.publish("c", "after", { id: 2 });
    await until(() => broker.messages.length === 3 && acknowledged(broker).length === 2);
    equal(seen(broker), [
      ["a", "", 1],
      ["b", "", 0],
      ["c", "after", 1],
    ]);
    equal(acknowledged(broker), [1, 2]);
    session.close();
  }
});

test("a message that is too large is acknowledged, dropped and reported, and never kept", async () => {
  for (const pace of [1000, 33]) {
    const { broker, session } = await connected({ pace });
    broker.socket.publish("a", new Uint8Array(601), { id: 1 });
    broker.socket.publish("b", new Uint8Array(20_000), { id: 2 });
    broker.socket.publish("c".repeat(257), "topic too long", { id: 3 });
    broker.socket.publish("d", new Uint8Array(600), { id: 4 });
    await until(() => broker.messages.length === 1 && acknowledged(broker).length === 4);
    equal([broker.messages[0].topic, broker.messages[0].payload.byteLength], ["d", 600]);
    equal(broker.errors, ["MessageTooLarge", "MessageTooLarge", "MessageTooLarge"]);
    equal(acknowledged(broker), [1, 2, 3, 4]);
    assert(session.connected);
    session.close();
    equal(broker.escaped, []);
  }
});

test("a repetition that is marked is delivered once; equal messages that are not marked are all delivered", async () => {
  const { broker, session } = await connected();
  broker.socket.publish("a", "x", { id: 1 });
  broker.socket.publish("a", "x", { id: 1, duplicate: true });
  broker.socket.publish("a", "x", { id: 1 });
  broker.socket.publish("a", "another", { id: 1, duplicate: true });
  broker.socket.publish("b", "x", { id: 2, duplicate: true });
  await until(() => acknowledged(broker).length === 5);
  equal(
    seen(broker).map(([topic, payload]) => `${topic} ${payload}`),
    ["a x", "a x", "a another", "b x"],
  );
  session.close();
});

test("a repetition is known across connections", async () => {
  const { broker, session } = await connected({ sessionPresent: true });
  broker.socket.publish("a", "x", { id: 9 });
  await until(() => broker.messages.length === 1);
  broker.socket.fail();
  await until(() => broker.sockets.length === 2 && session.connected);
  broker.socket.publish("a", "x", { id: 9, duplicate: true });
  await until(() => acknowledged(broker).length === 1);
  await sleep(5);
  equal(broker.messages.length, 1);
  session.close();
});

test("a handler that throws is reported and the session goes on", async () => {
  let calls = 0;
  const { broker, session } = await connected(
    {},
    {
      onMessage: () => {
        calls += 1;
        throw new Error("no");
      },
    },
  );
  broker.socket.publish("a", "x", { id: 1 });
  broker.socket.publish("a", "", { id: 2 });
  await until(() => calls === 2 && acknowledged(broker).length === 2);
  equal(broker.errors, ["HandlerFailed", "HandlerFailed"]);
  assert(session.connected);
  session.close();
  equal(broker.escaped, []);
});

test("a handler may publish, disconnect or close in the middle of a message", async () => {
  for (const pace of [1, 1000]) {
    const { broker, session } = await connected(
      { pace },
      { onMessage: () => session.publish("answer", "x").catch(() => {}) },
    );
    broker.socket.publish("a", "x");
    await until(() => broker.socket.sent(types.PUBLISH).length === 1);
    session.close();
    for (const end of ["disconnect", "close"] as const) {
      const other = await connected({ pace }, { onMessage: () => other.session[end]() });
      other.broker.socket.publish("a", "x");
      other.broker.socket.publish("a", "y");
      await until(() => other.session.state === "disconnected");
      await sleep(10);
      other.session.close();
      equal([...broker.escaped, ...other.broker.escaped], []);
    }
  }
});

test("bytes that are not MQTT end the connection with a name, and a new one is made", async () => {
  for (const bytes of [
    [0x00, 0],
    [0xf0, 0],
    [0x34, 5, 0, 1, 97, 0, 1],
    [0x36, 5, 0, 1, 97, 0, 1],
    [0x32, 1, 0],
    [0x32, 4, 0, 5, 97, 98],
    [0x32, 2, 0, 0],
    [0x30, 0xff, 0xff, 0xff, 0xff, 1],
    [0x20, 2, 0, 0],
    [0x40, 3, 0, 1, 0],
    [0x90, 0xff, 0x7f],
    [0xd0, 1, 0],
    [0x62, 2, 0, 1],
    [0x10, 0],
  ]) {
    const { broker, session } = await connected();
    broker.socket.receive(...bytes);
    await until(() => broker.errors.length > 0);
    equal(broker.errors, ["MalformedPacket"], `[${bytes}]`);
    await until(() => broker.sockets.length === 2 && session.connected);
    session.close();
    equal(broker.escaped, []);
  }
});
