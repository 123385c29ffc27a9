import { Shadow, type ShadowOperation, shadowFilters } from "../../../modules/cloud/shadow";
import type { Wishes } from "../../../modules/cloud/shadow-message";
import { assert, equal, test } from "../harness";
import { feed, feedSpace } from "../json/feed";
import { ManualTimers } from "../upload/manual-timers";

interface Sent {
  operation: ShadowOperation;
  payload: { clientToken: string; state?: { reported: unknown } };
}

/** A shadow whose camera has one setting, and a cloud that answers when the test says so. */
class Bench {
  readonly timers = new ManualTimers();
  readonly sent: Sent[] = [];
  readonly settingNames = ["a", "b", "long", "nested", "escaped"];
  readonly wishes: Record<string, unknown>[] = [];
  readonly unknown: string[][] = [];
  readonly failures: string[] = [];
  /** Bytes of a message that come at a time. */
  piece = 7;
  changes = true;
  offline = false;
  isBehind = false;
  readonly shadow = new Shadow(this, this.timers);

  now(): number {
    return 1_700_000_000_000;
  }

  sendShadow(operation: ShadowOperation, payload: string): Promise<unknown> {
    if (this.offline) return Promise.reject(new Error("offline"));
    this.sent.push({ operation, payload: JSON.parse(payload) });
    return Promise.resolve();
  }

  fulfil({ values, unknown }: Wishes): boolean {
    this.wishes.push({ ...values });
    this.unknown.push([...unknown]);
    return this.changes;
  }

  reportedState(): object {
    return { count: this.wishes.length };
  }

  shadowFailed(code: string, message: string): void {
    this.failures.push(`${code}: ${message}`);
  }

  get last(): Sent {
    return this.sent[this.sent.length - 1];
  }

  get operations(): string {
    return this.sent.map(({ operation }) => operation).join();
  }

  say(topic: string, message: object | string): void {
    this.shadow.receive(topic, feed(this.shadow.open(topic), message, this.piece));
  }

  /** Answers the last request. */
  answer(result: string, message: object = {}): void {
    const { operation, payload } = this.last;
    this.say(`${operation}/${result}`, { clientToken: payload.clientToken, timestamp: 1, ...message });
  }

  open(): this {
    this.shadow.connected();
    this.shadow.grant(true);
    return this;
  }

  /** Up to the first report that was accepted. */
  ready(version = 5): this {
    this.open();
    this.answer("accepted", { state: { desired: { a: 1 } }, version });
    this.answer("accepted", { version: version + 1 });
    return this;
  }

  delta(version: number, state: object = { a: version }): void {
    this.say("update/delta", { version, timestamp: 1, state, metadata: { a: { timestamp: 1 } } });
  }
}

test("five topics, and never all of them at once", () => {
  const filters = shadowFilters("camera");
  const said = ["get/accepted", "get/rejected", "update/accepted", "update/rejected", "update/delta"];
  equal(
    filters.map(({ topic }) => topic.slice("$aws/things/camera/shadow/".length)),
    said,
  );
  for (const { topic, QoS } of filters) {
    assert(topic.startsWith("$aws/things/camera/shadow/"), topic);
    assert(!topic.includes("#") && !topic.includes("+"), topic);
    equal(QoS, 1);
  }
});

test("nothing is sent before the topics are granted, nor without a connection", () => {
  const bench = new Bench();
  bench.shadow.connected();
  bench.shadow.report();
  equal(bench.sent.length, 0);
  bench.shadow.grant(true);
  equal(bench.operations, "get");
  bench.shadow.disconnected();
  bench.shadow.report();
  bench.delta(9);
  equal(bench.sent.length, 1);
  equal(bench.timers.running, 0);
  bench.shadow.connected();
  equal(bench.operations, "get,get");
  bench.shadow.grant(false);
  bench.shadow.disconnected();
  bench.shadow.connected();
  equal(bench.sent.length, 2);
});

test("after each connect: the document is got, fulfilled, and everything reported", () => {
  const bench = new Bench().open();
  bench.answer("accepted", {
    state: { reported: { a: 0 }, desired: { a: 1, b: "x" }, delta: { a: 1 } },
    metadata: { desired: { a: { timestamp: 1 } } },
    version: 7,
  });
  equal(bench.wishes, [{ a: 1, b: "x" }]);
  equal(bench.operations, "get,update");
  equal(bench.last.payload.state, { reported: { count: 1 } });
  bench.answer("accepted", { version: 8 });
  equal(bench.timers.running, 0);
  equal(bench.shadow.version, 7);
});

test("a thing without a shadow reports first; so does one of which nothing is desired", () => {
  const none = new Bench().open();
  none.answer("rejected", { code: 404, message: "No shadow exists with name: 'camera'" });
  equal(none.operations, "get,update");
  equal(none.wishes.length, 0);
  const bare = new Bench().open();
  bare.answer("accepted", { state: { reported: { a: 0 } }, version: 3 });
  equal(bare.operations, "get,update");
  equal(bare.wishes.length, 0);
});

test("deltas in the wrong order, twice, and late", () => {
  const bench = new Bench().ready(5);
  bench.delta(8);
  bench.delta(7);
  bench.delta(8);
  bench.delta(5);
  equal(bench.wishes.length, 2);
  equal(bench.wishes[1], { a: 8 });
  equal(bench.shadow.version, 8);
  bench.delta(9);
  equal(bench.wishes.length, 3);
});

test("the answer to a report does not hide the delta that was on its way", () => {
  const bench = new Bench().ready(5);
  bench.shadow.report();
  bench.answer("accepted", { version: 9 });
  bench.delta(8);
  equal(bench.wishes.length, 2);
});

test("a change during a report is reported after it, once", () => {
  const bench = new Bench().ready(5);
  bench.delta(7);
  bench.delta(8);
  bench.delta(9);
  equal(bench.operations, "get,update,update");
  bench.answer("accepted", { version: 10 });
  equal(bench.operations, "get,update,update,update");
  bench.answer("accepted", { version: 11 });
  equal(bench.sent.length, 4);
  equal(bench.timers.running, 0);
});

test("a delta that changes nothing is not answered, or cloud and camera would never come to rest", () => {
  const bench = new Bench().ready(5);
  bench.changes = false;
  bench.delta(7);
  bench.delta(8);
  equal(bench.wishes.length, 3);
  equal(bench.operations, "get,update");
});

test("deltas that come before the document: it is newer, or got again", () => {
  const newer = new Bench().open();
  newer.delta(6);
  equal(newer.wishes.length, 0);
  newer.answer("accepted", { state: { desired: { a: 6 } }, version: 6 });
  equal(newer.wishes, [{ a: 6 }]);
  const older = new Bench().open();
  older.delta(7);
  older.answer("accepted", { state: { desired: { a: 6 } }, version: 6 });
  equal(older.wishes.length, 0);
  equal(older.operations, "get,get");
  older.answer("accepted", { state: { desired: { a: 7 } }, version: 7 });
  equal(older.wishes, [{ a: 7 }]);
});

test("a shadow that was made anew counts from 1, and is followed after the next connect", () => {
  const bench = new Bench().ready(500);
  bench.shadow.disconnected();
  bench.shadow.connected();
  bench.answer("accepted", { state: { desired: { a: 2 } }, version: 1 });
  equal(bench.shadow.version, 1);
});

test("answers to others, and to an earlier request, are not ours", () => {
  const bench = new Bench().open();
  const [{ payload: first }] = bench.sent;
  bench.say("get/accepted", { state: { desired: { a: 1 } }, version: 4, clientToken: "somebody" });
  bench.say("get/accepted", { state: { desired: { a: 1 } }, version: 4 });
  bench.say("get/rejected", { code: 404 });
  equal(bench.operations, "get");
  bench.timers.advance(10_000);
  equal(bench.operations, "get,get");
  assert(bench.last.payload.clientToken !== first.clientToken, "a token is used once");
  bench.say("get/accepted", { state: { desired: { a: 1 } }, version: 4, clientToken: first.clientToken });
  equal(bench.wishes.length, 0);
  bench.answer("accepted", { state: { desired: { a: 2 } }, version: 4 });
  bench.say("get/accepted", {
    state: { desired: { a: 3 } },
    version: 5,
    clientToken: bench.sent[1].payload.clientToken,
  });
  equal(bench.wishes, [{ a: 2 }]);
});

test("no answer at all: a bounded number of requests, one report all the same, and it is told once", () => {
  const bench = new Bench().open();
  bench.timers.advance(600_000);
  equal(bench.operations, "get,get,get,get,update");
  equal(bench.failures, ["NoAnswer: get was not answered, 4 times"]);
  equal(bench.timers.running, 0);
  bench.delta(3);
  equal(bench.wishes.length, 1);
  equal(bench.last.operation, "update");
});

test("an answer that may stand behind messages that wait is awaited for as long as they do", () => {
  const bench = new Bench().open();
  bench.isBehind = true;
  bench.timers.advance(600_000);
  equal([bench.operations, bench.failures.length, bench.timers.running], ["get", 0, 1]);
  bench.isBehind = false;
  bench.answer("accepted", { version: 3, state: { desired: { a: 1 } } });
  equal([bench.wishes, bench.last.operation], [[{ a: 1 }], "update"]);
  bench.timers.advance(40_000);
  equal(bench.failures.length, 1, "nothing waits any more");
});

test("a request that cannot be sent is one without an answer", async () => {
  const bench = new Bench();
  bench.offline = true;
  bench.open();
  await undefined;
  bench.offline = false;
  bench.timers.advance(10_000);
  equal(bench.operations, "get");
});

test("429 and 500 are tried again after pauses that grow, then given up", () => {
  for (const code of [429, 500, 503]) {
    const bench = new Bench().ready();
    bench.shadow.report();
    const before = bench.sent.length;
    for (const pause of [2000, 4000, 8000]) {
      bench.answer("rejected", { code, message: "later" });
      bench.timers.advance(pause - 1);
      const count = bench.sent.length;
      bench.timers.advance(1);
      equal(bench.sent.length, count + 1);
    }
    bench.answer("rejected", { code, message: "later" });
    equal(bench.sent.length, before + 3);
    equal(bench.failures, [`Rejected: update was rejected with ${code}, 4 times`]);
    equal(bench.timers.running, 0);
    bench.shadow.report();
    equal(bench.sent.length, before + 4);
  }
});

test("a version conflict: what is desired is got again before the report, a few times", () => {
  const bench = new Bench().ready();
  bench.shadow.report();
  bench.answer("rejected", { code: 409, message: "Version conflict" });
  bench.timers.advance(2000);
  equal(bench.last.operation, "get");
  bench.answer("accepted", { state: { desired: { a: 9 } }, version: 9 });
  equal(bench.wishes[1], { a: 9 });
  equal(bench.last.operation, "update");
  for (let i = 0; i < 20 && !bench.failures.length; i += 1) {
    if (bench.last.operation === "update") bench.answer("rejected", { code: 409 });
    else bench.answer("accepted", { state: {}, version: 10 + i });
    bench.timers.advance(9000);
  }
  equal(bench.failures, ["Rejected: update was rejected with 409, 4 times"]);
  equal(bench.timers.running, 0);
});

test("what can never go well is given up at once, by its code", () => {
  for (const code of [400, 401, 403, 413, 415]) {
    const bench = new Bench().ready();
    bench.shadow.report();
    bench.answer("rejected", { code, message: "no" });
    equal(bench.failures, [`Rejected: update was rejected with ${code}`]);
    equal(bench.timers.running, 0);
  }
  const forbidden = new Bench().open();
  forbidden.answer("rejected", { code: 403, message: "Forbidden" });
  equal(forbidden.operations, "get,update");
  equal(forbidden.failures, ["Rejected: get was rejected with 403"]);
  for (const code of [429, 500, 503]) {
    const bench = new Bench().open();
    bench.answer("rejected", { code, message: "later" });
    bench.timers.advance(1999);
    equal(bench.operations, "get", `${code} is not a thing without a shadow`);
    bench.timers.advance(1);
    equal(bench.operations, "get,get");
  }
});

const inTwo = (text: string, at: number, piece: number): [string, number] => [text.slice(0, at), piece];

test("a document that is cut off, at every byte, changes nothing and throws nothing; a whole one after it counts", () => {
  const state = { desired: { a: -4, b: 'x"]}', escaped: null }, reported: { a: [1, { b: 2 }] } };
  const bench = new Bench().open();
  const { clientToken } = bench.last.payload;
  const whole = JSON.stringify({ state, metadata: { desired: { a: { timestamp: 1 } } }, version: 4, clientToken });
  for (let cut = 0; cut < whole.length; cut += 1) {
    const [text, piece] = inTwo(whole, cut, 1 + (cut % 9));
    bench.piece = piece;
    bench.say("get/accepted", text);
  }
  equal(bench.wishes.length, 0);
  equal(bench.failures, []);
  equal(bench.operations, "get");
  bench.say("get/accepted", whole);
  equal(bench.wishes, [{ a: -4, b: 'x"]}', escaped: null }]);
});

test("when nothing but unreadable answers come, that is what is told, and the camera reports all the same", () => {
  const bench = new Bench().open();
  for (let attempt = 1; attempt <= 4; attempt += 1) {
    equal(bench.operations, "get,".repeat(attempt).slice(0, -1));
    if (attempt % 2) bench.say("get/accepted", '{"state":{"desired":{"a":1}}');
    else bench.shadow.dropped("get/accepted");
    bench.timers.advance(10_000);
  }
  equal(bench.failures, ["Malformed: get/accepted: too large, 4 times"]);
  equal(bench.wishes.length, 0);
  equal(bench.last.operation, "update");
  bench.shadow.dropped("update/delta");
  bench.shadow.dropped("get/rejected");
  equal(bench.failures.slice(1), ["Malformed: update/delta: too large", "Malformed: get/rejected: too large"]);
});

test("a message in pieces of any size, with its members in any order, is the same message", () => {
  const wishes = '"state":{"desired":{"x":[{"a":9}],"a":1,"\\u0061":2,"b":"\\u00e4ö😀\\n","y":{"b":1}}}';
  const metadata = '"metadata":{"desired":{"a":{"timestamp":1}},"state":{"desired":{"a":7}},"version":1}';
  for (const order of [0, 1, 2])
    for (let piece = 1; piece < 200; piece += piece < 20 ? 1 : 13) {
      const bench = new Bench().open();
      const token = `"clientToken":"${bench.last.payload.clientToken}"`;
      const parts = [wishes, metadata, '"version":12', token];
      bench.piece = piece;
      bench.say("get/accepted", `{${[...parts.slice(order), ...parts.slice(0, order)].join(" ,\n")}}`);
      equal(bench.wishes, [{ a: 2, b: "äö😀\n" }]);
      equal(bench.unknown, [["x", "y"]]);
      equal(bench.shadow.version, 12);
    }
});

test("of a member that is there twice the last one counts", () => {
  const bench = new Bench().ready(5);
  bench.say("update/delta", '{"version":6,"state":{"a":1,"b":2},"version":7,"state":{"a":3,"a":4}}');
  equal(bench.wishes[1], { a: 4 });
  equal(bench.shadow.version, 7);
});

test("a delta with any byte replaced does no harm", () => {
  const bench = new Bench().ready(5);
  const whole = '{"version":6,"timestamp":1,"state":{"a":1,"b":"x"},"metadata":{"a":{"timestamp":1}}}';
  for (const other of ['"', "{", "}", "[", ",", ":", "\\", "0", "\u0000", "é"])
    for (let at = 0; at < whole.length; at += 1)
      bench.say("update/delta", whole.slice(0, at) + other + whole.slice(at + 1));
  for (const wishes of bench.wishes.slice(1))
    for (const value of Object.values(wishes)) assert(typeof value !== "function", "only values");
  assert(bench.timers.running <= 1, "at most one request");
});

test("malformed in ways of its own", () => {
  const bench = new Bench().ready(5);
  const deep = `${"[".repeat(40)}${"]".repeat(40)}`;
  const bad = [
    "",
    "null",
    "[]",
    "7",
    '{"version":-1,"state":{}}',
    '{"version":1.5,"state":{}}',
    '{"version":"7","state":{}}',
    '{"version":99999999999999999999999,"state":{}}',
    '{"version":7,"state":[]}',
    '{"version":7,"state":{"a":tru}}',
    '{"version":7,"state":{"a":[}]}}',
    '{"version":7,"state":{"a":1 "b":2}}',
    `{"version":7,"state":{"a":${deep}}}`,
  ];
  for (const text of bad) bench.say("update/delta", text);
  equal(bench.failures.length, bad.length);
  equal(bench.wishes.length, 1);
  equal(bench.shadow.version, 5);
});

test("only what is ours of what is desired is looked at, and eight names of others", () => {
  const bench = new Bench().ready(5);
  const state: Record<string, unknown> = { ["n".repeat(70)]: 1 };
  for (let i = 0; i < 100; i += 1) state[`k${i}`] = { a: i, b: [i] };
  Object.assign(state, {
    gone: null,
    a: -1.5,
    long: "x".repeat(65),
    nested: { b: Array(60).fill(1) },
    b: "y".repeat(64),
  });
  bench.delta(6, state);
  const wishes = bench.wishes[1];
  equal(wishes, { a: -1.5, long: undefined, nested: undefined, b: "y".repeat(64) });
  assert("long" in wishes && "nested" in wishes, "they are named");
  equal(bench.unknown[1], ["k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7"]);
});

test("names of others are no properties: a thousand different ones leave nothing behind", () => {
  const bench = new Bench().ready(5);
  for (let version = 6; version < 56; version += 1) {
    const names = Array.from({ length: 20 }, (_, i) => `"foreign${version}-${i}":"${"x".repeat(40)}"`);
    bench.say("update/delta", `{"version":${version},"state":{${names.join()},"a":${version}}}`);
  }
  equal(bench.wishes[bench.wishes.length - 1], { a: 55 });
  equal(bench.failures, []);
});

test("a document of 128 KB is read, one byte more is not", () => {
  const bench = new Bench().ready(5);
  const say = (text: string, end: string, length: number) => {
    const reader = feed(bench.shadow.open("update/delta"), text);
    feedSpace(reader, length - text.length - end.length);
    bench.shadow.receive("update/delta", feed(reader, end));
  };
  say('{"metadata":{"x":1},', '"state":{"a":9},"version":6}', 131_072);
  equal(bench.wishes[1], { a: 9 });
  say('{"metadata":{"x":1},', '"state":{"a":8},"version":7}', 131_073);
  equal(bench.failures, ["Malformed: update/delta: TooLong: more than 131072 bytes"]);
  equal(bench.wishes.length, 2);
});

test("what cannot be read is told of only where something may be read at all", () => {
  for (const [connected, granted] of [
    [true, false],
    [false, true],
  ]) {
    const bench = new Bench();
    if (connected) bench.shadow.connected();
    bench.shadow.grant(granted);
    bench.say("update/delta", "{");
    bench.shadow.dropped("update/delta");
    equal(bench.failures, []);
  }
  const bench = new Bench().open();
  bench.shadow.dropped("update/delta");
  equal(bench.failures, ["Malformed: update/delta: too large"]);
});

test("attempts count for one exchange, and a new one has all of them", () => {
  const bench = new Bench().ready();
  for (let row = 0; row < 3; row += 1) {
    bench.shadow.report();
    for (const pause of [2000, 4000]) {
      bench.answer("rejected", { code: 500 });
      bench.timers.advance(pause);
    }
    bench.answer("accepted", { version: 10 + row });
  }
  equal(bench.failures, []);
});

test("one timer at a time, also when it is granted or connected twice", () => {
  const bench = new Bench().open();
  bench.shadow.grant(true);
  bench.shadow.connected();
  equal([bench.operations, bench.timers.running], ["get,get,get", 1]);
});
