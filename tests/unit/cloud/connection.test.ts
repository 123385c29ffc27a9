/** One connection over a client whose every word the test says: what fits and what does not, and what comes when it should not. */
import { PINGRESP, PUBACK, type TopicFilter } from "../../../modules/cloud/client-interface";
import { CloudError } from "../../../modules/cloud/cloud-error";
import { Connection, type ConnectionHandler } from "../../../modules/cloud/connection";
import { GuardResolver } from "../../../modules/cloud/guard-resolver";
import { GuardSocket } from "../../../modules/cloud/guard-socket";
import type { KeepAlive } from "../../../modules/cloud/keep-alive";
import { type MessageStream, WholeMessage } from "../../../modules/cloud/message-reader";
import { completeSettings } from "../../../modules/cloud/settings";
import { after, equal, sleep, test, until } from "../harness";
import { text } from "./fake-broker";

const CONNACK = 2;
const SUBSCRIBE = 8;
const PINGREQ = 12;
const DISCONNECT = 14;

interface Written {
  data: Uint8Array | null;
  operation?: number;
  id?: number;
  byteLength?: number;
  items?: TopicFilter[];
}

/** The ECMA-419 client, as the connection sees it. */
class Client {
  target: unknown;
  options: Record<string, never>;
  written: Written[] = [];
  /** What `write` says is left, or throws. */
  room: number | Error = 1000;
  closed = 0;

  constructor(options: Record<string, never>) {
    this.options = options;
    this.target = options.target;
  }

  write(data: Uint8Array | null, options: object): number {
    if (this.room instanceof Error) throw this.room;
    this.written.push({ data: data ? data.slice() : null, ...options });
    return this.room;
  }

  read(): ArrayBuffer {
    return ArrayBuffer.fromString("abc");
  }

  close(): void {
    this.closed += 1;
    throw new Error("closed already");
  }

  /** Calls a callback of the connection's. */
  tell(name: "onReadable" | "onWritable" | "onControl" | "onError", ...values: unknown[]): void {
    (this.options[name] as (...values: unknown[]) => void).call(this, ...values);
  }
}

class Bench implements ConnectionHandler {
  told: unknown[] = [];
  clients: Client[] = [];
  stream?: MessageStream;
  it: Connection;
  keepAlive = {
    interval: 3600,
    promised: 60,
    proved: () => this.told.push("proved"),
    ended: (code: string) => this.told.push(`ended ${code}`),
  };
  /** Told of the message that passes. */
  publish = { QoS: 1, id: 7, duplicate: true, retain: true };
  guard = { isHeld: false, admit: () => this.told.push("admitted"), pong: () => this.told.push("pong") };

  constructor({ pingTimeout = 8000, onMade = (_: Client): void => {} } = {}) {
    const { clients } = this;
    class Made extends Client {
      constructor(options: Record<string, never>) {
        super(options);
        clients.push(this);
        onMade(this);
      }
    }
    this.it = new Connection(
      completeSettings({ pingTimeout }),
      this.keepAlive as Partial<KeepAlive> as KeepAlive,
      this,
    );
    after(() => this.it.close());
    this.it.open({
      endpoint: { host: "broker.example", port: 8883 },
      clientId: "thing",
      will: { topic: "t", message: "gone" },
      mqtt: { io: Made as never },
      dns: { io: Object as never },
      socket: { io: Object as never },
    });
  }

  get client(): Client {
    return this.clients[0];
  }

  /** With so much room, and no ping for an hour. */
  connected(room = 1000): this {
    this.it.onGuard(this.guard as Partial<GuardSocket> as GuardSocket, this.publish);
    this.it.onOpen();
    this.client.tell("onControl", { operation: CONNACK });
    this.client.room = room;
    this.client.tell("onWritable", room);
    this.told = [];
    return this;
  }

  message(length: number, headerLength = 20) {
    const payload = new Uint8Array(length);
    for (let i = 0; i < length; i += 1) payload[i] = i;
    return { topic: "t", payload, QoS: 1 as const, retain: false, id: 3, duplicate: false, headerLength };
  }

  onConnecting(): void {
    this.told.push("connecting");
  }

  onConnected(sessionPresent: boolean): void {
    this.told.push(["connected", sessionPresent]);
  }

  onAcknowledged({ operation, id }: { operation: number; id?: number }): void {
    this.told.push(["acknowledged", operation, id]);
  }

  onMessageWaiting(): void {
    this.told.push("waiting");
  }

  onMessage({
    topic,
    payload,
    stream,
    QoS,
    id,
    duplicate,
    retain,
  }: Parameters<ConnectionHandler["onMessage"]>[0]): void {
    this.told.push([topic, text(payload), stream === this.stream && stream !== undefined, QoS, id, duplicate, retain]);
  }

  openStream(topic: string, byteLength: number): MessageStream | undefined {
    this.told.push(["stream", topic, byteLength]);
    return this.stream;
  }

  onDropped(topic: string | undefined, byteLength: number): void {
    this.told.push(["dropped", topic, byteLength]);
  }

  onWritable(): void {
    this.told.push("writable");
  }

  onClosed({ code }: CloudError): void {
    this.told.push(`closed ${code}`);
  }
}

test("the client is asked for a persistent session, behind our guards", () => {
  const { client } = new Bench();
  const { host, port, id, clean, keepAlive, will, dns, socket } = client.options as Record<string, unknown>;
  equal([host, port, id, clean, keepAlive], ["broker.example", 8883, "thing", false, 60_000]);
  equal(will, { topic: "t", message: "gone" });
  equal((dns as { io: unknown }).io === GuardResolver, true);
  const { io, maximumMessage } = socket as { io: unknown; maximumMessage: number };
  equal([io === GuardSocket, maximumMessage], [true, 4096]);
});

test("a client that cannot be made, or fails while it is made, is one end", () => {
  const thrown = new Bench({
    onMade() {
      throw new Error("no memory");
    },
  });
  equal(thrown.told, ["closed ClientFailed"]);
  const failed = new Bench({ onMade: (client) => client.tell("onError") });
  equal([failed.told, failed.client.closed], [["closed ConnectionClosed"], 1]);
});

test("nothing is written before CONNACK, whatever room there is", () => {
  const { it, client, told } = new Bench();
  it.onOpen();
  client.tell("onWritable", 1000);
  equal([it.canWrite(1), it.publish(new Bench().message(1)), it.subscribe(1, [], 1)], [false, false, false]);
  client.tell("onReadable", 3, { topic: "t", byteLength: 3, more: false });
  it.onWithholding("t", 1);
  it.onWithheld("t", 1, { QoS: 1, id: 1, duplicate: false, retain: false });
  equal([told, client.written], [[], []]);
  it.onConnack(true, 0);
  client.tell("onControl", { operation: CONNACK });
  equal(told, [["connected", true]]);
});

test("a message is written as a whole when it fits to the byte", () => {
  for (const [room, payload, whole] of [
    [120, 100, true],
    [119, 100, false],
    [20, 0, true],
    [19, 0, false],
    [19, 1, false],
  ] as const) {
    const bench = new Bench().connected(room);
    equal(bench.it.publish(bench.message(payload)), whole, `${payload} bytes into ${room}`);
    equal(bench.client.written.length, whole ? 1 : 0);
    if (whole) equal([bench.client.written[0].data?.length, bench.it.canWrite(room)], [payload, true]);
  }
});

test("of a larger one at least 128 bytes go, and the rest follows in such pieces; nothing else is written meanwhile", () => {
  const bench = new Bench().connected(147);
  equal(bench.it.publish(bench.message(300)), false, "127 bytes are not worth it");
  bench.client.tell("onWritable", 148);
  equal(bench.it.publish(bench.message(300)), true);
  equal([bench.client.written[0].data?.length, bench.client.written[0].byteLength], [128, 300]);
  bench.told = [];
  for (const [room, written] of [
    [127, 1],
    [128, 2],
    [43, 2],
    [44, 3],
  ]) {
    equal(bench.it.canWrite(1), false);
    equal(bench.it.publish(bench.message(1)), false);
    bench.client.room = room;
    bench.client.tell("onWritable", room);
    equal(bench.client.written.length, written, `${room} bytes of room`);
  }
  equal(bench.told, ["writable"]);
  const sent = bench.client.written.flatMap(({ data }) => [...(data as Uint8Array)]);
  equal(sent, [...bench.message(300).payload]);
  equal(bench.it.canWrite(44), true);
});

test("a client that has less room than it said is asked again later; another failure is the end", () => {
  const bench = new Bench().connected();
  bench.client.room = new RangeError("overflow");
  equal(bench.it.publish(bench.message(10)), false);
  equal([bench.told, bench.it.canWrite(1)], [[], false]);
  bench.client.room = 900;
  bench.client.tell("onWritable", 900);
  equal([bench.it.publish(bench.message(10)), bench.it.canWrite(900)], [true, true]);
  bench.told = [];
  bench.client.room = new TypeError("broken");
  equal(bench.it.publish(bench.message(10)), false);
  equal(bench.told, ["ended ClientFailed", "closed ClientFailed"]);
});

test("a subscription is written when it fits", () => {
  const bench = new Bench().connected(30);
  equal(bench.it.subscribe(5, [{ topic: "a", QoS: 1 }], 31), false);
  equal(bench.it.subscribe(5, [{ topic: "a", QoS: 1 }], 30), true);
  equal(bench.client.written, [{ data: null, operation: SUBSCRIBE, id: 5, items: [{ topic: "a", QoS: 1 }] }]);
});

test("the application is told of room when there is some", () => {
  const bench = new Bench().connected();
  bench.client.tell("onWritable", 0);
  equal(bench.told, []);
  bench.client.tell("onWritable", 1);
  equal(bench.told, ["writable"]);
});

test("what is held back with QoS 1 is acknowledged by us, as soon as there are four bytes of room", () => {
  const bench = new Bench().connected(3);
  const { it, client } = bench;
  for (const [QoS, id] of [
    [1, 11],
    [0, 0],
    [1, 12],
  ])
    it.onWithheld("t", 0, { QoS, id, duplicate: false, retain: false });
  equal(client.written, []);
  client.tell("onWritable", 3);
  equal(client.written, []);
  client.room = 0;
  client.tell("onWritable", 4);
  equal(client.written, [{ data: null, operation: PUBACK, id: 11 }]);
  client.tell("onWritable", 4);
  equal(client.written.slice(1), [{ data: null, operation: PUBACK, id: 12 }]);
  client.tell("onWritable", 4);
  equal(client.written.length, 2);
});

test("more than a hundred acknowledgements do not gather: no broker waits for more", () => {
  const bench = new Bench().connected(0);
  for (let id = 1; id <= 102; id += 1) bench.it.onWithheld("t", 0, { QoS: 1, id, duplicate: false, retain: false });
  bench.client.room = 1000;
  bench.client.tell("onWritable", 1000);
  equal(bench.client.written.map(({ id }) => id).slice(-1), [100]);
});

test("a payload goes where the application says, or is dropped; without one it is delivered all the same", () => {
  const header = { QoS: 1, id: 7, duplicate: false, retain: false };
  const bench = new Bench().connected();
  const { it } = bench;
  const pieces: unknown[] = [];
  bench.stream = { write: (bytes, from, to) => pieces.push([...bytes.slice(from, to)]) };
  it.onWithholding("$aws/x", 4);
  it.onWithheldPiece(Uint8Array.of(1, 2, 3), 1, 3);
  it.onWithheld("$aws/x", 4, header);
  equal(pieces, [[2, 3]]);
  equal(bench.told, [
    ["stream", "$aws/x", 4],
    ["$aws/x", "", true, 1, 7, true, true],
  ]);
  bench.told = [];
  it.onWithheldPiece(Uint8Array.of(9), 0, 1);
  equal(pieces.length, 1, "the stream has had its end");
  bench.stream = undefined;
  it.onWithholding("$aws/x", 4);
  it.onWithheldPiece(Uint8Array.of(9), 0, 1);
  it.onWithheld("$aws/x", 4, header);
  it.onWithholding(undefined, 4);
  it.onWithheld(undefined, 4, header);
  it.onWithheld(undefined, 0, header);
  it.onWithheld("empty", 0, header);
  equal(bench.told, [
    ["stream", "$aws/x", 4],
    ["dropped", "$aws/x", 4],
    ["dropped", undefined, 4],
    ["dropped", undefined, 0],
    ["empty", "", false, 1, 7, true, true],
  ]);
  bench.told = [];
  bench.stream = new WholeMessage(2);
  it.onWithholding("$aws/x", 2);
  it.onWithheldPiece(Uint8Array.of(0x68, 0x69), 0, 2);
  it.onWithheld("$aws/x", 2, header);
  equal(bench.told.slice(1), [["$aws/x", "hi", false, 1, 7, true, true]]);
});

test("no message is let in while eight acknowledgements may wait; those that the client has written do not", () => {
  const bench = new Bench().connected();
  const { it, client } = bench;
  const receive = (more = false) => client.tell("onReadable", 3, { topic: "t", byteLength: 3, QoS: 1, more });
  receive(true);
  for (let i = 0; i < 7; i += 1) receive();
  bench.publish.QoS = 0;
  receive();
  equal([it.admit(), bench.told.includes("admitted")], [true, true], "the first had not ended, QoS 0 has none");
  bench.publish.QoS = 1;
  receive();
  bench.told = [];
  equal([it.admit(), bench.told], [false, []]);
  client.tell("onWritable", 500);
  equal(it.admit(), true);
  // A payload of ours is in the way of the client's acknowledgements.
  client.tell("onWritable", 200);
  it.publish(bench.message(400));
  for (let i = 0; i < 8; i += 1) receive();
  client.tell("onWritable", 0);
  equal(it.admit(), false);
});

test("acknowledgements of ours count as well", () => {
  const bench = new Bench().connected(0);
  for (let id = 1; id <= 7; id += 1) bench.it.onWithheld("t", 0, { QoS: 1, id, duplicate: false, retain: false });
  equal(bench.it.admit(), true);
  bench.it.onWithheld("t", 0, { QoS: 1, id: 8, duplicate: false, retain: false });
  equal(bench.it.admit(), false);
});

test("acknowledgements, messages and those that wait are told", () => {
  const bench = new Bench().connected();
  bench.client.tell("onControl", { operation: PUBACK, id: 3 });
  bench.it.onMessageAtGate();
  bench.client.tell("onReadable", 3, { topic: "t", byteLength: 3, QoS: 1, more: false });
  equal(bench.told, [["acknowledged", PUBACK, 3], "waiting", ["t", "abc", false, 1, 7, true, true]]);
});

test("an end between CONNECT and CONNACK is a refusal, unless it has a reason of its own", () => {
  for (const [phase, code, expected] of [
    ["opening", "ConnectionClosed", "ConnectionClosed"],
    ["login", "ConnectionClosed", "Refused"],
    ["login", "ConnectionLost", "Refused"],
    ["login", "UnknownCA", "UnknownCA"],
  ]) {
    const { it, told } = new Bench();
    if (phase === "login") it.onOpen();
    it.onError(new CloudError(code as never, "x"));
    equal(told, [`closed ${expected}`], `${phase} ${code}`);
  }
  const bench = new Bench().connected();
  bench.it.onError(new CloudError("ConnectionLost", "x"));
  equal(bench.told, ["ended ConnectionLost", "closed ConnectionLost"]);
});

test("CONNACK's reason counts for more than the end that follows it", () => {
  for (const [code, expected] of [
    [1, "Refused"],
    [3, "ServerUnavailable"],
    [5, "Refused"],
  ] as const) {
    const { it, told, client } = new Bench();
    it.onOpen();
    it.onConnack(false, code);
    client.tell("onError");
    equal(told, [`closed ${expected}`]);
  }
});

test("after the end nothing is told and nothing written, whatever comes", () => {
  for (const wanted of [true, false]) {
    const bench = new Bench().connected();
    const { it, client } = bench;
    if (wanted) it.close();
    else it.fail(new CloudError("AckTimeout", "x"));
    equal(bench.told, wanted ? [] : ["ended AckTimeout", "closed AckTimeout"]);
    bench.told = [];
    client.written = [];
    equal([it.isClosed(), client.closed], [true, 1]);
    client.tell("onWritable", 1000);
    client.tell("onControl", { operation: PINGRESP });
    client.tell("onControl", { operation: CONNACK });
    client.tell("onReadable", 3, { topic: "t", byteLength: 3, more: false });
    client.tell("onError");
    it.onWithholding("t", 1);
    it.onWithheld("t", 0, { QoS: 1, id: 1, duplicate: false, retain: false });
    it.keepAliveChanged();
    it.fail(new CloudError("AckTimeout", "x"));
    equal([bench.told, client.written], [[], []]);
  }
});

test("DISCONNECT is said where there is room for it, and no payload in its way", () => {
  for (const [room, said] of [
    [2, true],
    [1, false],
  ] as const) {
    const bench = new Bench().connected(room);
    bench.it.close();
    equal(
      bench.client.written.map(({ operation }) => operation),
      said ? [DISCONNECT] : [],
    );
  }
  const bench = new Bench().connected(200);
  bench.it.publish(bench.message(300));
  bench.it.close();
  equal(bench.client.written.length, 1);
  const early = new Bench();
  early.it.close();
  equal(early.client.written, []);
});

test("a look-up that is under way ends with the connection", () => {
  const bench = new Bench();
  let closed = 0;
  bench.it.onResolving({ close: () => (closed += 1) } as Partial<GuardResolver> as GuardResolver);
  bench.it.onResolved();
  equal([bench.told, closed], [["connecting"], 0]);
  bench.it.close();
  bench.it.close();
  equal(closed, 1);
});

test("a ping goes out as soon as there are two bytes of room for it, once", async () => {
  const bench = new Bench();
  bench.keepAlive.interval = 0.01;
  const { client } = bench.connected(1);
  await sleep(20);
  client.tell("onWritable", 1);
  equal(client.written, []);
  client.tell("onWritable", 2);
  client.tell("onWritable", 2);
  equal(client.written, [{ data: null, operation: PINGREQ }]);
  bench.told = [];
  client.tell("onControl", { operation: PINGRESP });
  equal(bench.told, ["proved"]);
  await until(() => client.written.length === 2);
});

test("while a payload of ours leaves, the answer to a ping that waits for it has its time", async () => {
  const bench = new Bench({ pingTimeout: 400 });
  bench.keepAlive.interval = 0.001;
  bench.connected(200);
  equal(bench.it.publish(bench.message(2000)), true);
  for (let i = 0; i < 12; i += 1) {
    await sleep(50);
    bench.client.room = 128;
    bench.client.tell("onWritable", 128);
  }
  equal(bench.told, []);
  equal(bench.client.written.length, 13);
  await until(() => bench.told.length > 0);
  equal(bench.told, ["ended KeepAliveTimeout", "closed KeepAliveTimeout"]);
});

test("behind a message that waits for us the client gets our PINGRESP, as often as it needs one", async () => {
  const bench = new Bench({ pingTimeout: 5 });
  bench.keepAlive.interval = 0.001;
  bench.connected();
  bench.guard.isHeld = true;
  await until(() => bench.told.length >= 3);
  equal(bench.told.slice(0, 3), ["pong", "pong", "pong"]);
  bench.guard.isHeld = false;
  await until(() => bench.told[bench.told.length - 1] === "closed KeepAliveTimeout");
});
