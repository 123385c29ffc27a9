import { equal, rejects, sleep, test, until } from "../harness";
import { FakeBroker, filtersOf, types } from "./fake-broker";

const filters = (...topics: string[]) => topics.map((topic) => ({ topic, QoS: 1 as const }));
const asked = (broker: FakeBroker) => broker.socket.sent(types.SUBSCRIBE).map(({ body }) => filtersOf(body));

test("subscribes on connecting, at most eight filters at a time, one packet after the other", async () => {
  const broker = new FakeBroker();
  const session = broker.session();
  const names = Array.from({ length: 19 }, (_, i) => `t/${i}`);
  const granted = session.subscribe(filters(...names));
  session.connect();
  await granted;
  equal(asked(broker), [names.slice(0, 8), names.slice(8, 16), names.slice(16)]);
  equal(
    broker.socket.sent(types.SUBSCRIBE).map(({ id }) => id),
    [1, 2, 3],
  );
  await session.subscribe(filters("t/0"));
  equal(asked(broker).length, 3, "what is granted is not asked for again");
  session.close();
});

test("a session that is present is not subscribed again, one that was forgotten is", async () => {
  const broker = new FakeBroker();
  const session = broker.session();
  session.connect();
  await session.subscribe(filters("a", "b"));
  broker.script.sessionPresent = true;
  broker.socket.fail();
  await until(() => broker.sockets.length === 2 && session.connected);
  broker.socket.publish("a", "stored meanwhile", { id: 7 });
  await until(() => broker.messages.length === 1 && broker.socket.sent(types.PUBACK).length === 1);
  equal(asked(broker), []);
  equal(broker.socket.sent(types.PUBACK)[0].id, 7);
  broker.script.sessionPresent = false;
  broker.socket.fail();
  await until(() => broker.sockets.length === 3 && session.connected);
  await until(() => asked(broker).length === 1);
  equal(asked(broker), [["a", "b"]]);
  session.close();
});

test("what was asked for while there was no connection is asked for even when the session is present", async () => {
  const broker = new FakeBroker();
  const session = broker.session();
  session.connect();
  await session.subscribe(filters("a"));
  session.disconnect();
  const later = session.subscribe(filters("b"));
  broker.script.sessionPresent = true;
  session.connect();
  await later;
  equal(asked(broker), [["b"]]);
  session.close();
});

test("without SUBACK the same packet goes out again on the same connection", async () => {
  const broker = new FakeBroker({ suback: false });
  const session = broker.session({ acknowledgeTimeout: 150 });
  session.connect();
  const granted = session.subscribe(filters("a"));
  await until(() => broker.sockets.length === 1 && broker.socket.sent(types.SUBSCRIBE).length >= 3);
  equal(
    broker.socket
      .sent(types.SUBSCRIBE)
      .slice(0, 3)
      .map(({ id }) => id),
    [1, 1, 1],
  );
  broker.script.suback = true;
  await granted;
  equal(broker.sockets.length, 1);
  session.close();
});

test("a refused filter has a name, does not stop the others, and is not asked for again", async () => {
  const broker = new FakeBroker({ granted: (topic) => (topic === "foreign" ? 0x80 : 1) });
  const session = broker.session();
  session.connect();
  const error = await rejects(session.subscribe(filters("a", "foreign")), "SubscriptionRefused");
  equal(error.message, "refused: foreign");
  equal(broker.errors, ["SubscriptionRefused"]);
  broker.socket.fail();
  await until(() => broker.sockets.length === 2 && broker.socket.sent(types.SUBSCRIBE).length === 1);
  equal(asked(broker), [["a"]]);
  session.close();
});

test("filters that AWS IoT does not take are refused at once", async () => {
  const session = new FakeBroker().session();
  for (const topic of ["", "a/#/b", "a+", "1/2/3/4/5/6/7/8/9", "x".repeat(257)])
    await rejects(session.subscribe(filters(topic)), "InvalidTopic");
  await rejects(session.subscribe(filters(...Array.from({ length: 51 }, (_, i) => `t/${i}`))), "TooManySubscriptions");
  session.subscribe(filters("a/+/b", "a/#", "#", "+")).catch(() => {});
  await sleep(1);
  session.close();
});
