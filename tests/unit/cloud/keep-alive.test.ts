import { Backoff } from "../../../modules/cloud/backoff";
import type { CloudError } from "../../../modules/cloud/cloud-error";
import { Connection, type ConnectionHandler } from "../../../modules/cloud/connection";
import type { KeepAlive } from "../../../modules/cloud/keep-alive";
import { clampKeepAlive } from "../../../modules/cloud/limits";
import { completeSettings } from "../../../modules/cloud/settings";
import { assert, equal, sleep, test, until } from "../harness";
import { FakeBroker, types } from "./fake-broker";

/** What the next message does: it is let in. */
const held = { onMessageWaiting: (it: Connection): void => void it.admit() };

/** Times of a connection: seconds, without the session's lower limit of 30 s, and milliseconds. */
interface Times {
  interval: number;
  /** What the client goes by: its own ping goes out after three quarters of it. */
  promised?: number;
  pingTimeout?: number;
  connackTimeout?: number;
}

function connection(broker: FakeBroker, times: Times) {
  const events: string[] = [];
  const errors: CloudError[] = [];
  const handler: ConnectionHandler = {
    onConnecting: () => events.push("connecting"),
    onConnected: () => events.push("connected"),
    onAcknowledged: ({ operation }) => events.push(`acknowledged ${operation}`),
    onMessageWaiting: () => held.onMessageWaiting(it),
    onMessage: () => events.push("message"),
    openStream: () => undefined,
    onDropped: () => events.push("dropped"),
    onWritable: () => {},
    onClosed: (error) => errors.push(error),
  };
  const { promised = 60, pingTimeout = 8000, connackTimeout = 8000 } = times;
  const settings = completeSettings({ connectTimeout: 8000, connackTimeout, pingTimeout });
  const proofs = { count: 0, ends: [] as string[], silence: 0 };
  const interval = {
    interval: times.interval,
    promised,
    proved() {
      proofs.count += 1;
    },
    ended(code: string, silence: number) {
      proofs.ends.push(code);
      proofs.silence = silence;
    },
  };
  const options = { endpoint: { host: "broker.example", port: 8883 }, clientId: "thing", ...broker.parts };
  const it = new Connection(settings, interval as Partial<KeepAlive> as KeepAlive, handler);
  return { it, options, events, errors, proofs, interval };
}

test("pings before its time is over and stays connected while it is answered", async () => {
  const broker = new FakeBroker();
  const { it, options, events, errors } = connection(broker, { interval: 0.1 });
  const start = Date.now();
  it.open(options);
  const pings = () => broker.socket?.sent(types.PINGREQ).length ?? 0;
  await until(() => pings() >= 4);
  // Timers may be late, but never early.
  assert(pings() * 69 <= Date.now() - start, `${pings()} pings in ${Date.now() - start} ms`);
  equal([events, errors], [["connecting", "connected"], []]);
  it.close();
});

test("without PINGRESP the connection is given up", async () => {
  const broker = new FakeBroker({ pingresp: false });
  const { it, options, errors } = connection(broker, { interval: 0.1, pingTimeout: 50 });
  it.open(options);
  await until(() => errors.length > 0);
  equal(errors[0].code, "KeepAliveTimeout");
  equal(broker.socket.sent(types.PINGREQ).length, 1);
  assert(broker.socket.closed);
  await sleep(200);
  equal(errors.length, 1);
});

test("a message that waits for us does not look like a dead connection, to us or to the client", async () => {
  const broker = new FakeBroker();
  const { it, options, events, errors } = connection(broker, { interval: 0.1, promised: 1, pingTimeout: 300 });
  const { onMessageWaiting } = held;
  held.onMessageWaiting = () => {};
  it.open(options);
  await until(() => events.includes("connected"));
  broker.socket.publish("in", "x");
  // The client of the host and that of the SDK give up after one and a half keep-alive times without PINGRESP.
  await sleep(1800);
  equal(errors, []);
  assert(broker.socket.sent(types.PINGREQ).length >= 3, "the broker sees that the device lives");
  equal(events, ["connecting", "connected"]);
  held.onMessageWaiting = onMessageWaiting;
  it.admit();
  await until(() => events.includes("message"));
  await sleep(200);
  equal(errors, []);
  broker.script.pingresp = false;
  await until(() => errors.length > 0);
  equal(errors[0].code, "KeepAliveTimeout", "nothing waits any more");
});

test("messages that keep coming are signs of life, as long as they come", async () => {
  const broker = new FakeBroker({ pingresp: false });
  const { it, options, events, errors } = connection(broker, { interval: 0.1, pingTimeout: 400 });
  it.open(options);
  await until(() => broker.sockets.length > 0 && broker.socket.sent(types.PINGREQ).length > 0);
  // For twice the time in which a PINGRESP would have to come.
  for (let i = 0; i < 16; i += 1) {
    broker.socket.publish("in", "x", { QoS: 0 });
    await sleep(50);
  }
  equal([errors.length, events.filter((event) => event === "message").length], [0, 16]);
  await until(() => errors.length > 0);
  equal(errors[0].code, "KeepAliveTimeout");
});

test("a socket that takes nothing more is noticed as well", async () => {
  const broker = new FakeBroker();
  const { it, options, errors } = connection(broker, { interval: 0.2, pingTimeout: 30 });
  it.open(options);
  await until(() => it.canWrite(200));
  broker.script.dark = true;
  const payload = new Uint8Array(5000);
  const message = { topic: "t", payload, QoS: 0 as const, retain: false, id: 0, duplicate: false, headerLength: 16 };
  assert(it.publish(message));
  await until(() => errors.length > 0);
  equal(errors[0].code, "KeepAliveTimeout");
});

test("the interval learns of each answer, and of how long the broker was silent at the end", async () => {
  const broker = new FakeBroker();
  const { it, options, errors, proofs } = connection(broker, { interval: 0.1, pingTimeout: 400 });
  it.open(options);
  await until(() => proofs.count >= 2);
  broker.script.pingresp = false;
  await until(() => errors.length > 0);
  equal(proofs.ends, ["KeepAliveTimeout"]);
  assert(proofs.silence >= 460, `${proofs.silence} ms: 70 to the ping, 400 without an answer`);
});

test("an end before CONNACK, or a wanted one, is none that the interval learns of", async () => {
  const broker = new FakeBroker({ connack: false });
  const { it, options, errors, proofs } = connection(broker, { interval: 0.1, connackTimeout: 50 });
  it.open(options);
  await until(() => errors.length > 0);
  const second = connection(new FakeBroker(), { interval: 0.1 });
  second.it.open(second.options);
  await until(() => second.proofs.count > 0);
  second.it.close();
  equal([...proofs.ends, ...second.proofs.ends], []);
});

test("another interval holds at once", async () => {
  const broker = new FakeBroker();
  const { it, options, events, interval } = connection(broker, { interval: 60 });
  it.open(options);
  await until(() => events.length === 2);
  interval.interval = 0.05;
  it.keepAliveChanged();
  await until(() => broker.socket.sent(types.PINGREQ).length > 1);
  it.close();
  it.keepAliveChanged();
});

test("a session's keep-alive can be changed, and is promised by its next connection", async () => {
  const broker = new FakeBroker();
  const session = broker.session();
  const promised = () => {
    const { body } = broker.socket.sent(types.CONNECT)[0];
    return body[8] * 256 + body[9];
  };
  equal(session.keepAlive, 300);
  session.connect();
  await until(() => session.connected);
  equal(promised(), 1200);
  session.keepAlive = 60;
  equal(session.keepAlive, 60);
  session.disconnect();
  session.connect();
  await until(() => session.connected);
  equal(promised(), 60);
  session.close();
});

test("keep-alive times are those of AWS IoT Core", () => {
  const given = [0, 1, 29, 30, 31.5, 1200, 1201, -1, Number.NaN];
  equal(given.map(clampKeepAlive), [1200, 30, 30, 30, 32, 1200, 1200, 1200, 1200]);
});

test("delays grow, are jittered within their half, and never shrink", () => {
  for (const random of [() => 0, () => 0.999999, Math.random]) {
    const backoff = new Backoff({ minimum: 1000, maximum: 64_000, random });
    let previous = 0;
    for (let attempt = 0; attempt < 10; attempt += 1) {
      const ceiling = Math.min(1000 * 2 ** attempt, 64_000);
      const delay = backoff.next();
      assert(delay >= ceiling / 2 && delay <= ceiling, `attempt ${attempt}: ${delay}`);
      assert(attempt > 6 || delay >= previous, `attempt ${attempt}: ${delay} after ${previous}`);
      previous = delay;
    }
    equal(backoff.attempts, 10);
    backoff.reset();
    assert(backoff.next() <= 1000);
  }
});

test("delays are spread over their half", () => {
  const buckets = new Array(10).fill(0);
  for (let i = 0; i < 5000; i += 1) {
    const delay = new Backoff({ minimum: 2000, maximum: 2000 }).next();
    buckets[Math.min(Math.floor((delay - 1000) / 100), 9)] += 1;
  }
  for (const count of buckets) assert(count > 350 && count < 650, `uneven: ${buckets}`);
});

test("a CONNACK alone does not start the delays anew, a stable connection does", async () => {
  const broker = new FakeBroker();
  const session = broker.session({ backoff: { minimum: 20, maximum: 60_000, random: () => 0 }, stableTime: 2000 });
  session.connect();
  const gaps: number[] = [];
  for (let drop = 1; drop <= 7; drop += 1) {
    await until(() => broker.sockets.length === drop && session.connected);
    const start = Date.now();
    broker.socket.fail();
    await until(() => broker.sockets.length === drop + 1);
    gaps.push(Date.now() - start);
  }
  // Timers may be late, but never early.
  for (let i = 0; i < gaps.length; i += 1) assert(gaps[i] >= 10 * 2 ** i - 1, `delays ${gaps}`);
  await until(() => session.connected);
  await sleep(2020);
  const start = Date.now();
  broker.socket.fail();
  await until(() => broker.sockets.length === 9);
  // 10 ms, and 1,280 if they went on.
  assert(Date.now() - start < 1280, "after a stable connection");
  session.close();
});

test("connect() does not wait for the delay", async () => {
  const broker = new FakeBroker({ connack: 5 });
  const session = broker.session({ backoff: { minimum: 60_000, maximum: 60_000 } });
  session.connect();
  await until(() => session.state === "refused");
  broker.script.connack = 0;
  session.connect();
  await until(() => session.connected);
  session.close();
});
