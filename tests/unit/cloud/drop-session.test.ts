/** What the broker has kept for the device is not to be delivered. */
import type { CloudSession } from "../../../modules/cloud/session";
import { equal, test, turns, until } from "../harness";
import { FakeBroker, types } from "./fake-broker";

test("a session that is to be dropped: one connection without a session to last, then one with it, and all is asked for anew", async () => {
  const broker = new FakeBroker({ sessionPresent: true });
  let toDrop = true;
  let dropped = 0;
  const session: CloudSession = broker.session({
    mustDropSession: () => toDrop,
    onSessionDropped: () => {
      dropped += 1;
      equal(session.connected, false, "it is no session for anything else");
      toDrop = false;
      broker.script.sessionPresent = false;
    },
  });
  const clean = (index: number) => (broker.sockets[index].packets[0].body[7] & 2) !== 0;
  session.connect();
  const granted = session.subscribe([{ topic: "in", QoS: 1 }]);
  const sent = session.publish("out", "x");
  await granted;
  await sent;
  equal([broker.sockets.length, clean(0), clean(1)], [2, true, false]);
  equal(
    broker.sockets[0].packets.map(({ type }) => type),
    [types.CONNECT, types.DISCONNECT],
  );
  equal(broker.states, ["resolving", "connecting", "backing-off", "resolving", "connecting", "connected"]);
  equal([broker.errors, dropped], [[], 1]);
  broker.socket.fail();
  await until(() => broker.sockets.length === 3 && session.connected);
  equal([clean(2), dropped], [false, 1]);
  session.close();
  equal(broker.escaped, []);
});

test("a session is not dropped before the broker says so", async () => {
  const broker = new FakeBroker({ connack: 3 });
  let dropped = 0;
  const session = broker.session({
    mustDropSession: () => true,
    onSessionDropped: () => {
      dropped += 1;
      session.disconnect();
    },
  });
  session.connect();
  await until(() => broker.sockets.length >= 3);
  equal(dropped, 0);
  broker.script.connack = 0;
  await until(() => dropped === 1);
  await turns(20);
  equal([session.state, broker.socket.closed], ["disconnected", true], "whoever is told may end it");
  session.close();
  equal(broker.escaped, []);
});
