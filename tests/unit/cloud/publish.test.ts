import { checkPayload } from "../../../modules/cloud/limits";
import { PacketIds } from "../../../modules/cloud/packet-ids";
import { assert, equal, rejects, test, throws, turns, until } from "../harness";
import { FakeBroker, types } from "./fake-broker";

async function connected(broker: FakeBroker, options = {}) {
  const session = broker.session(options);
  session.connect();
  await until(() => session.connected);
  return session;
}

test("QoS 1 resolves on PUBACK, QoS 0 when it is written", async () => {
  const broker = new FakeBroker({ puback: false });
  const session = await connected(broker);
  let acknowledged = false;
  session.publish("t/1", "one").then(() => {
    acknowledged = true;
  });
  await session.publish("t/0", "zero", { QoS: 0 });
  await turns(5);
  assert(!acknowledged);
  const [one, zero] = broker.socket.sent(types.PUBLISH);
  equal([one.topic, one.payload, one.QoS, one.id, one.duplicate], ["t/1", "one", 1, 1, false]);
  equal([zero.topic, zero.payload, zero.QoS, zero.id], ["t/0", "zero", 0, 0]);
  broker.socket.receive(0x40, 2, 0, 1);
  await until(() => acknowledged);
  equal(session.pending, 0);
  session.close();
});

test("without PUBACK the same packet goes out again on the same connection, marked, and then the connection is given up", async () => {
  const broker = new FakeBroker({ puback: false });
  const session = await connected(broker, { acknowledgeTimeout: 30 });
  const published = session.publish("t", "again");
  await until(() => broker.errors.length > 0);
  equal(broker.errors, ["AckTimeout"]);
  const first = broker.sockets[0].sent(types.PUBLISH);
  equal(
    first.map(({ id, duplicate, payload }) => [id, duplicate, payload]),
    [
      [1, false, "again"],
      [1, true, "again"],
      [1, true, "again"],
      [1, true, "again"],
    ],
  );
  broker.script.puback = true;
  broker.script.sessionPresent = true;
  await published;
  const [second] = broker.socket.sent(types.PUBLISH);
  equal([second.id, second.duplicate], [1, true]);
  session.close();
  equal(broker.escaped, []);
});

test("what was not acknowledged is sent again after a reconnect, in order, and as new to a broker that forgot the session", async () => {
  for (const sessionPresent of [true, false]) {
    const broker = new FakeBroker({ puback: false });
    const session = await connected(broker);
    const all = ["a", "b", "c"].map((payload) => session.publish("t", payload));
    await until(() => broker.socket.sent(types.PUBLISH).length === 3);
    Object.assign(broker.script, { puback: true, sessionPresent });
    broker.socket.fail();
    await Promise.all(all);
    const again = broker.socket.sent(types.PUBLISH);
    equal(
      again.map(({ payload, id, duplicate }) => [payload, id, duplicate]),
      [
        ["a", 1, sessionPresent],
        ["b", 2, sessionPresent],
        ["c", 3, sessionPresent],
      ],
    );
    session.close();
  }
});

test("a message that was sent stays marked although further connections fail before it could be sent again", async () => {
  const broker = new FakeBroker({ puback: false });
  const session = await connected(broker);
  const published = session.publish("t", "x");
  await until(() => broker.socket.sent(types.PUBLISH).length === 1);
  Object.assign(broker.script, { sessionPresent: true, room: 5 });
  broker.socket.fail();
  await until(() => broker.sockets.length >= 3);
  Object.assign(broker.script, { puback: true, room: 2000 });
  await published;
  equal(broker.socket.sent(types.PUBLISH)[0].duplicate, true);
  session.close();
});

test("no more are in flight than agreed, and the order is kept", async () => {
  const broker = new FakeBroker({ puback: false });
  const session = await connected(broker, { maximumInFlight: 2 });
  const all = [1, 2, 3, 4, 5].map((n) => session.publish("t", String(n)));
  await until(() => broker.socket.sent(types.PUBLISH).length >= 2);
  await turns(10);
  equal(
    broker.socket.sent(types.PUBLISH).map(({ payload }) => payload),
    ["1", "2"],
  );
  broker.script.puback = true;
  broker.socket.receive(0x40, 2, 0, 2);
  await turns(10);
  broker.socket.receive(0x40, 2, 0, 1);
  await Promise.all(all);
  equal(
    broker.socket.sent(types.PUBLISH).map(({ payload }) => payload),
    ["1", "2", "3", "4", "5"],
  );
  session.close();
});

test("the queue is bounded in messages and in bytes, with and without a connection", async () => {
  const broker = new FakeBroker();
  const session = broker.session({ queueCount: 3, queueBytes: 100 });
  const waiting = [session.publish("t", "x".repeat(40)), session.publish("t", "y".repeat(40))];
  await rejects(session.publish("t", "z".repeat(21)), "QueueFull");
  waiting.push(session.publish("t", "z".repeat(20)));
  await rejects(session.publish("t", ""), "QueueFull");
  await rejects(session.publish("t", "z".repeat(101)), "PayloadTooLarge");
  await rejects(session.publish("t", "now", { QoS: 0 }), "NotConnected");
  session.connect();
  await Promise.all(waiting);
  await session.publish("t", "z".repeat(100));
  session.close();
});

test("what waits is rejected when the session is closed, and nothing is taken afterwards", async () => {
  const session = new FakeBroker().session();
  const waiting = session.publish("t", "x");
  const subscribing = session.subscribe([{ topic: "t", QoS: 1 }]);
  session.close();
  await rejects(waiting, "Closed");
  await rejects(subscribing, "Closed");
  await rejects(session.publish("t", "x"), "Closed");
  await rejects(session.subscribe([{ topic: "t", QoS: 1 }]), "Closed");
});

test("a payload larger than the socket's room goes out in pieces, and control packets wait for its end", async () => {
  const broker = new FakeBroker({ room: 300 });
  const session = await connected(broker);
  const large = "0123456789".repeat(200);
  const sending = [session.publish("t/large", large), session.publish("t/small", "s")];
  broker.socket.publish("t/in", "inbound");
  await Promise.all(sending);
  await until(() => broker.socket.sent(types.PUBACK).length === 1);
  const [first, second] = broker.socket.sent(types.PUBLISH);
  equal([first.payload, second.payload], [large, "s"]);
  equal(broker.messages.length, 1);
  session.close();
  equal(broker.escaped, []);
});

test("a socket with hardly any room is waited for", async () => {
  const broker = new FakeBroker({ room: 60 });
  const session = await connected(broker);
  await Promise.all([session.publish("t", "x".repeat(40)), session.publish("t", "y".repeat(40))]);
  session.close();
  equal(broker.errors, []);
});

test("bytes may be a string, an ArrayBuffer or a view, and may be empty", async () => {
  const broker = new FakeBroker();
  const session = await connected(broker);
  const bytes = Uint8Array.of(120, 121, 122);
  await session.publish("t", "xyz");
  await session.publish("t", bytes.buffer as ArrayBuffer);
  await session.publish("t", bytes.subarray(1));
  await session.publish("t", "");
  equal(
    broker.socket.sent(types.PUBLISH).map(({ payload }) => payload),
    ["xyz", "xyz", "yz", ""],
  );
  session.close();
});

test("the limits of AWS IoT Core are checked before anything is sent", async () => {
  const broker = new FakeBroker();
  const session = await connected(broker);
  await rejects(session.publish("", "x"), "InvalidTopic");
  await rejects(session.publish("a/+/b", "x"), "InvalidTopic");
  await rejects(session.publish("a/#", "x"), "InvalidTopic");
  await rejects(session.publish("a\0", "x"), "InvalidTopic");
  await rejects(session.publish("1/2/3/4/5/6/7/8/9", "x"), "InvalidTopic");
  await rejects(session.publish("ä".repeat(129), "x"), "InvalidTopic");
  throws(() => checkPayload(128 * 1024 + 1), "PayloadTooLarge");
  checkPayload(128 * 1024);
  // As long as it says, and nobody reads it: the machine of the tests is too small for the real one.
  const tooLong = Object.create(Uint8Array.prototype, { length: { value: 128 * 1024 + 1 } }) as Uint8Array;
  await rejects(session.publish("t", tooLong), "PayloadTooLarge");
  await session.publish("1/2/3/4/5/6/7/8", "seven slashes");
  await session.publish("ä".repeat(128), "256 bytes");
  await session.publish("$aws/rules/r/1/2/3/4/5/6/7/8", "Basic Ingest counts from its fourth level");
  equal(broker.errors, []);
  session.close();
});

test("packet identifiers go from 1 to 65535, and one that is in use is passed over", () => {
  const ids = new PacketIds(65533);
  const inUse = new Set([65535, 1, 2]);
  equal([ids.take((id) => inUse.has(id)), ids.take((id) => inUse.has(id)), ids.take(() => false)], [65534, 3, 4]);
  const all = new PacketIds();
  let zeros = 0;
  let last = 0;
  for (let i = 0; i < 70_000; i += 1) {
    last = all.take(() => false);
    if (last < 1 || last > 65535) zeros += 1;
  }
  equal([zeros, last], [0, 70_000 - 65535]);
});

test("a PUBACK for a packet that is not in flight is ignored", async () => {
  const broker = new FakeBroker({ puback: false });
  const session = await connected(broker);
  let done = false;
  session.publish("t", "x").then(() => {
    done = true;
  });
  await until(() => broker.socket.sent(types.PUBLISH).length > 0);
  broker.socket.receive(0x40, 2, 0, 99);
  await turns(5);
  assert(!done);
  broker.socket.receive(0x40, 2, 0, 1);
  await until(() => done);
  session.close();
});
