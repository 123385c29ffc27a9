/** The broker sends more than the device can take at once: it waits in the connection, and nothing breaks because of that. */
import type { CloudSession, CloudSessionOptions } from "../../../modules/cloud/session";
import { assert, equal, sleep, test, turns, until } from "../harness";
import { FakeBroker, type Script, text, types } from "./fake-broker";

interface Rig {
  broker: FakeBroker;
  session: CloudSession;
  /** What `admitMessage` says. */
  gate: { isOpen: boolean; asked: number };
}

async function connected(script: Partial<Script> = {}, options: Partial<CloudSessionOptions> = {}): Promise<Rig> {
  const broker = new FakeBroker(script);
  const gate = { isOpen: true, asked: 0 };
  const admitMessage = () => {
    gate.asked += 1;
    return gate.isOpen;
  };
  const session = broker.session({ admitMessage, ...options });
  session.connect();
  await until(() => session.connected);
  return { broker, session, gate };
}

const acknowledged = (broker: FakeBroker) => broker.socket.sent(types.PUBACK).map(({ id }) => id);

function burst(broker: FakeBroker, count: number): void {
  for (let id = 1; id <= count; id += 1) broker.socket.publish("in", `message ${id}`, { id });
}

test("what is not admitted is neither delivered nor acknowledged; it comes in its order when the application can take it", async () => {
  for (const pace of [1, 7, 100_000]) {
    const { broker, session, gate } = await connected({ pace });
    gate.isOpen = false;
    burst(broker, 5);
    await until(() => gate.asked > 0);
    await sleep(20);
    equal([broker.messages.length, acknowledged(broker).length], [0, 0]);
    gate.isOpen = true;
    session.resume();
    await until(() => acknowledged(broker).length === 5);
    equal(
      broker.messages.map(({ payload }) => text(payload)),
      [1, 2, 3, 4, 5].map((id) => `message ${id}`),
    );
    equal(acknowledged(broker), [1, 2, 3, 4, 5]);
    session.close();
    equal(broker.escaped, []);
  }
});

test("each message is asked for, the empty and the too large ones as well", async () => {
  let credit = 0;
  const { broker, session } = await connected({}, { admitMessage: () => credit > 0 && credit-- > 0 });
  broker.socket.publish("empty", "", { id: 1 });
  broker.socket.publish("large", new Uint8Array(601), { id: 2 });
  broker.socket.publish("plain", "x", { QoS: 0 });
  const seen = () => broker.messages.length + broker.errors.length;
  for (let count = 0; count <= 3; count += 1) {
    credit = count ? 1 : 0;
    session.resume();
    await until(() => seen() >= count && acknowledged(broker).length >= Math.min(count, 2));
    await turns(10);
    equal([seen(), acknowledged(broker).length], [count, Math.min(count, 2)]);
  }
  equal(
    broker.messages.map(({ topic }) => topic),
    ["empty", "plain"],
  );
  session.close();
});

test("a hundred messages in one piece are told one by one, each before the next one is read", async () => {
  let most = 0;
  let told = 0;
  const { broker, session } = await connected(
    { pace: 100_000 },
    {
      onMessage: () => {
        told += 1;
        // What the client has read so far it has acknowledged, or will in this turn.
        most = Math.max(most, told - acknowledged(broker).length);
      },
    },
  );
  burst(broker, 100);
  await until(() => acknowledged(broker).length === 100);
  equal(told, 100);
  assert(most <= 3, `${most} messages without an acknowledgement`);
  session.close();
});

test("our own acknowledgements that stand behind what waits have not failed to come", async () => {
  const { broker, session, gate } = await connected({ puback: false }, { acknowledgeTimeout: 20 });
  gate.isOpen = false;
  broker.socket.publish("in", "x", { id: 7 });
  await until(() => gate.asked > 0);
  let isSettled = false;
  const sent = session.publish("out", "once").then(() => {
    isSettled = true;
  });
  const granted = session.subscribe([{ topic: "more", QoS: 1 }]);
  await until(() => broker.socket.sent(types.PUBLISH).length === 1);
  const [{ id }] = broker.socket.sent(types.PUBLISH);
  broker.socket.receive(0x40, 2, id >> 8, id & 0xff);
  // Five times the time-out: sent again four times, and the connection dead, if it counted.
  await sleep(100);
  equal(session.isBehind, true);
  equal([isSettled, broker.socket.sent(types.PUBLISH).length, broker.sockets.length], [false, 1, 1]);
  equal(broker.socket.sent(types.SUBSCRIBE).length, 1);
  gate.isOpen = true;
  session.resume();
  await sent;
  await granted;
  equal(session.isBehind, false);
  equal([broker.errors.length, broker.sockets.length], [0, 1]);
  session.close();
});

test("answers do not wait for acknowledgements that stand behind the next question", async () => {
  const { broker, session } = await connected(
    { puback: false, pace: 100_000 },
    {
      maximumInFlight: 2,
      queueCount: 6,
      onMessage: ({ payload }) => {
        session
          .publish("out", `answer to ${text(payload)}`, { expendable: true })
          .catch(() => broker.errors.push("lost"));
        most = Math.max(most, session.pending);
      },
    },
  );
  let most = 0;
  // What else is on its way fills what may be in flight.
  for (let i = 0; i < 3; i += 1) session.publish("report", "x").catch(() => {});
  await until(() => broker.socket.sent(types.PUBLISH).length === 2);
  burst(broker, 60);
  const answers = () => broker.socket.sent(types.PUBLISH).filter(({ topic }) => topic === "out");
  await until(() => answers().length === 60);
  equal(
    answers().map(({ payload }) => payload),
    Array.from({ length: 60 }, (_, i) => `answer to message ${i + 1}`),
  );
  assert(most <= 5, `${most} messages in the queue`);
  equal(broker.errors, []);
  session.close();
});

test("an answer that nothing waits behind is kept until it is acknowledged, and sent again", async () => {
  const { broker, session } = await connected({ puback: false }, { acknowledgeTimeout: 100 });
  await session.publish("out", "answer", { expendable: true });
  await until(() => broker.socket.sent(types.PUBLISH).length >= 2);
  equal(
    broker.socket
      .sent(types.PUBLISH)
      .slice(0, 2)
      .map(({ duplicate }) => duplicate),
    [false, true],
  );
  broker.script.puback = true;
  await until(() => session.pending === 0);
  session.close();
});

test("a message that nobody takes ends the connection with a name, and a new one is made", async () => {
  const { broker, session, gate } = await connected({ sessionPresent: true }, { holdTimeout: 60 });
  gate.isOpen = false;
  broker.socket.publish("in", "x", { id: 1 });
  await until(() => broker.errors.length > 0);
  equal(broker.errors, ["InboundStalled"]);
  await until(() => broker.sockets.length === 2 && session.connected);
  gate.isOpen = true;
  broker.socket.publish("in", "x", { id: 1 });
  await until(() => broker.messages.length === 1);
  await sleep(100);
  equal([broker.errors.length, broker.sockets.length], [1, 2], "the time of a message that was taken does not run on");
  session.close();
});

test("no message comes in while its acknowledgement could not go out", async () => {
  const { broker, session } = await connected({ pace: 100_000, room: 600 });
  broker.script.dark = true;
  // The socket takes nothing more, and a payload of ours is in the way of the client's acknowledgements.
  session.publish("out", new Uint8Array(2000)).catch(() => {});
  await until(() => broker.socket.sent(types.SUBSCRIBE).length === 0 && session.pending === 1);
  await turns(10);
  burst(broker, 50);
  await until(() => broker.messages.length > 0);
  await turns(50);
  assert(broker.messages.length <= 8, `${broker.messages.length} messages were read`);
  session.close();
  equal(broker.escaped, []);
});

test("a callback that throws when it is asked does not keep the message", async () => {
  const { broker, session } = await connected(
    {},
    {
      admitMessage: () => {
        throw new Error("no");
      },
    },
  );
  broker.socket.publish("in", "x", { id: 1 });
  await until(() => acknowledged(broker).length === 1 && broker.messages.length > 0);
  equal([broker.messages.length, broker.errors], [1, ["HandlerFailed"]]);
  session.close();
  equal(broker.escaped, []);
});

test("an onError that throws is not told of that", async () => {
  let calls = 0;
  const { broker, session } = await connected(
    {},
    {
      onError: () => {
        calls += 1;
        throw new Error("no");
      },
    },
  );
  broker.socket.publish("in", new Uint8Array(700), { id: 1 });
  await until(() => acknowledged(broker).length === 1 && calls > 0);
  await sleep(5);
  equal(calls, 1);
  session.close();
});
