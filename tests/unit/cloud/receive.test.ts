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

/** Keeps what it is given, piece by piece. */
class Pieces {
  text = "";
  longest = 0;

  write(bytes: Uint8Array, from: number, to: number): void {
    this.longest = Math.max(this.longest, to - from);
    this.text += String.fromArrayBuffer(bytes.slice(from, to).buffer as ArrayBuffer);
  }
}

test("what AWS IoT itself says goes into a stream as it comes, whatever its size; it is acknowledged, and comes once", async () => {
  for (const pace of [1000, 33, 1]) {
    const opened: string[] = [];
    const openStream = (topic: string) => {
      opened.push(topic);
      return topic.startsWith("$aws/things/") ? new Pieces() : undefined;
    };
    const { broker, session } = await connected({ pace }, { openStream });
    broker.socket.publish("$aws/things/t/shadow/update/delta", "x".repeat(3000), { id: 1 });
    broker.socket.publish("$aws/things/t/jobs/notify-next", "short", { QoS: 0 });
    broker.socket.publish("$aws/other", "whole", { id: 2 });
    broker.socket.publish("$aws/other", "y".repeat(601), { id: 3 });
    broker.socket.publish("a", "for the client", { id: 4 });
    broker.socket.publish("$", "", { QoS: 0 });
    broker.socket.publish("$", "1", { QoS: 0 });
    broker.socket.publish("b", "2", { QoS: 0 });
    broker.socket.publish("$aws/things/t/shadow/update/delta", "again", { id: 1, duplicate: true });
    broker.socket.publish("$aws/things/t/shadow/update/delta", "again", { id: 1, duplicate: true });
    await until(() => broker.messages.length === 9 && acknowledged(broker).length === 6);
    equal(
      broker.messages.map(({ topic, payload, stream, id }) => {
        const text = stream instanceof Pieces ? `stream of ${stream.text}` : String.fromArrayBuffer(payload);
        return `${topic.slice(-5)} ${text.length > 99 ? text.length : text} ${id}`;
      }),
      [
        "delta 3010 1",
        "-next stream of short 0",
        "other whole 2",
        "a for the client 4",
        "$  0",
        "$ 1 0",
        "b 2 0",
        "delta stream of again 1",
        "delta stream of again 1",
      ],
    );
    equal(acknowledged(broker).sort(), [1, 1, 1, 2, 3, 4]);
    equal(broker.errors, ["MessageTooLarge"]);
    equal(opened.length, 7);
    assert(broker.messages.every(({ stream }) => !stream || (stream as Pieces).longest <= 256));
    session.close();
    equal(broker.escaped, []);
  }
});

test("a stream of more than AWS sends is not begun; one that cannot be opened is told of", async () => {
  let calls = 0;
  const openStream = () => {
    calls += 1;
    throw new Error("no");
  };
  const { broker, session } = await connected({}, { openStream });
  // 131,079 bytes are left: topic, identifier, and a payload of 131,073.
  broker.socket.receive(0x32, 0x87, 0x80, 0x08, 0, 2, 0x24, 0x61, 0, 1);
  const piece = Array.from(new Uint8Array(128));
  for (let i = 0; i < 1024; i += 1) {
    broker.socket.receive(...piece);
    await undefined;
    if (i % 8 === 0) await sleep(0);
  }
  broker.socket.receive(0);
  broker.socket.publish("$a", "x", { id: 2 });
  await until(() => broker.messages.length === 1);
  equal(calls, 1);
  equal(broker.errors, ["MessageTooLarge", "HandlerFailed"]);
  equal(acknowledged(broker), [1, 2]);
  session.close();
});

test("a connection that ends within a message leaves nothing of it", async () => {
  const streams: Pieces[] = [];
  const openStream = () => {
    streams.push(new Pieces());
    return streams[streams.length - 1];
  };
  const { broker, session } = await connected({}, { openStream });
  broker.socket.receive(0x30, 12, 0, 2, 0x24, 0x61, ...[1, 2, 3]);
  await until(() => streams.length === 1 && streams[0].text.length === 3);
  broker.socket.fail();
  await until(() => broker.sockets.length === 2 && session.connected);
  broker.socket.publish("$a", "next", { QoS: 0 });
  await until(() => broker.messages.length === 1);
  equal((broker.messages[0].stream as Pieces).text, "next");
  equal(streams[0].text.length, 3);
  session.close();
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

test("of what was dropped the size and the topic are told, if there was room for it", async () => {
  const told: string[] = [];
  const { broker, session } = await connected({}, { onError: ({ message }: Error) => told.push(message) });
  broker.socket.publish("a", new Uint8Array(601), { id: 1 });
  broker.socket.publish("c".repeat(257), new Uint8Array(14), { id: 2 });
  await until(() => told.length === 2);
  equal(told, ["601 bytes on a", "14 bytes on a topic that is too long"]);
  session.close();
});
