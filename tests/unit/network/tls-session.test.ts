/** TLSSocket with a session: the server's end is tls-server.ts, the window and the end of TCP are the test's. Against OpenSSL: tests/e2e/tls*.test.ts. */
import type { TLSSocket } from "../../../modules/network/tls-socket";
import { KeyPair } from "../../../native/tls/crypto";
import { assert, equal, sleep, test, throws, turns, until } from "../harness";
import { join, pattern } from "./bytes";
import { issueServer, serverName } from "./certificates";
import { type RigOptions, TLSRig } from "./tls-rig";
import type { WireCall } from "./wire";

const utf8 = (text: string) => join(text);

test("a session: announced once, with its facts, and TCP is told what it needs", () => {
  const rig = new TLSRig({
    protocol: "x-amzn-mqtt-ca",
    secure: { applicationLayerProtocolNegotiation: ["x-amzn-mqtt-ca"] },
  });
  const { address, host, port, noDelay, format } = rig.wire.options;
  equal([address, host, port, noDelay, format], ["192.0.2.1", serverName, 8443, true, "buffer"]);
  equal([rig.socket.version, rig.socket.protocol, rig.socket.format], [undefined, undefined, "buffer"]);
  rig.wire.open();
  rig.wire.deliver();
  equal(rig.writable, [], "before the session");
  rig.wire.deliver();
  equal(rig.server.connected, true);
  equal(rig.writable.length, 1);
  assert(rig.writable[0] > 256 && rig.writable[0] < rig.wire.room);
  equal([rig.socket.version, rig.socket.protocol], ["TLSv1.2", "x-amzn-mqtt-ca"]);
  const { memory } = rig.socket;
  assert(!memory || (memory.bytes > 0 && memory.peakBytes > memory.bytes));
  equal([rig.readable, rig.errors], [[], []]);
});

test("TCP that has room before its constructor has returned", async () => {
  const rig = new TLSRig({ isEager: true });
  await turns(2);
  for (let flight = 0; flight < 2; flight++) rig.wire.deliver();
  equal([rig.server.connected, rig.writable.length, rig.errors], [true, 1, []]);
});

test("the owner's target is its own", () => {
  const target = {};
  equal(new TLSRig({ socket: { target } }).socket.target, target);
});

for (const piece of [1, 7, 1440, 5000])
  test(`a handshake and data that come in pieces of ${piece} bytes`, () => {
    const rig = new TLSRig();
    rig.wire.open();
    for (let flight = 0; flight < 2; flight++) rig.wire.deliver(piece);
    equal(rig.writable.length, 1);
    rig.send(pattern(300), piece);
    equal(rig.readable, [300]);
    equal(rig.socket.read() as ArrayBuffer, pattern(300));
  });

for (const bufferLength of [5, 64, 256])
  test(`a buffer of ${bufferLength} bytes does`, () => {
    const rig = new TLSRig({ socket: { bufferLength } }).connect();
    rig.send(pattern(400));
    equal(rig.socket.read() as ArrayBuffer, pattern(400));
    rig.socket.write(pattern(3000));
    equal(rig.server.received, pattern(3000));
  });

test("reading: up to so many bytes, no more than there are, none, and the rest", async () => {
  const rig = new TLSRig().connect();
  equal(rig.socket.read(), undefined);
  rig.send(pattern(100));
  equal(rig.readable, [100]);
  equal(rig.socket.read(0) as ArrayBuffer, new Uint8Array(0));
  equal(rig.socket.read(10) as ArrayBuffer, pattern(10));
  equal(rig.socket.read(1) as ArrayBuffer, pattern(11).slice(10));
  equal(rig.socket.read(1000) as ArrayBuffer, pattern(100).slice(11));
  equal([rig.socket.read(), rig.socket.read(1)], [undefined, undefined]);
  await turns(2);
  equal(rig.readable, [100], "announced once");
});

for (const size of [1, 99, 100, 101, 1000, 6000])
  for (const make of [(length: number) => new ArrayBuffer(length), (length: number) => new Uint8Array(length)])
    test(`reading into ${make(0).constructor.name} of ${size} bytes`, () => {
      const rig = new TLSRig().connect();
      rig.send(pattern(100));
      const buffer = make(size);
      const count = rig.socket.read(buffer);
      equal(count, Math.min(size, 100));
      equal(new Uint8Array(ArrayBuffer.isView(buffer) ? buffer.buffer : buffer).slice(0, count), pattern(count!));
      if (size > 100) equal(rig.socket.read(buffer), undefined);
    });

test("what was announced and not read is not announced again when there is room to write", () => {
  const rig = new TLSRig().connect();
  rig.send(pattern(100));
  equal(rig.writable.length, 1, "nor is the room when there is something to read");
  rig.wire.open();
  rig.socket.read(10);
  rig.wire.open();
  equal(rig.readable, [100]);
});

test("reading into a part of a buffer leaves the rest of it alone", () => {
  const rig = new TLSRig().connect();
  rig.send(pattern(4));
  const whole = new Uint8Array(8).fill(9);
  equal(rig.socket.read(whole.subarray(2, 5)), 3);
  equal(whole, join([9, 9], pattern(3), [9, 9, 9]));
});

for (const size of [1000, 6000])
  test(`many records, read into a buffer of ${size} bytes while they are announced`, async () => {
    let received = new Uint8Array(0);
    const buffer = new Uint8Array(size);
    const rig: TLSRig = new TLSRig({
      socket: {
        onReadable(this: TLSSocket, count: number) {
          const got = this.read(buffer)!;
          equal(got, Math.min(count, size));
          received = join(received, buffer.slice(0, got));
        },
      } as RigOptions["socket"],
    }).connect();
    rig.send(pattern(10_000));
    await turns(3);
    equal(received, pattern(10_000));
    equal(rig.errors, []);
  });

test("reading bytes: format number, and back", () => {
  const rig = new TLSRig({ socket: { format: "number" } }).connect();
  equal([rig.socket.format, rig.socket.read()], ["number", undefined]);
  rig.send(Uint8Array.of(0, 255, 1, 2, 3));
  equal([rig.socket.read(), rig.socket.read(), rig.socket.read(1)], [0, 255, 1]);
  rig.socket.format = "buffer";
  equal(rig.socket.read() as ArrayBuffer, Uint8Array.of(2, 3));
});

test("what nobody reads stays in TCP, and is announced when its turn has come", async () => {
  const rig = new TLSRig().connect();
  rig.server.send(pattern(400));
  rig.server.send(pattern(200));
  rig.wire.deliver();
  equal(rig.readable, [400]);
  const held = rig.wire.inbound.length;
  assert(held > 200, "the second record has been taken");
  equal((rig.socket.read(399) as ArrayBuffer).byteLength, 399);
  await turns(2);
  equal([rig.readable, rig.wire.inbound.length], [[400], held]);
  equal((rig.socket.read() as ArrayBuffer).byteLength, 1);
  equal(rig.readable, [400], "not before the owner's own call has returned");
  await turns(2);
  equal([rig.readable, rig.wire.inbound.length], [[400, 200], 0]);
});

test("writing: what is said to fit fits, not a byte more, and then TCP has room again", () => {
  const rig = new TLSRig().connect(4000);
  const [count] = rig.writable;
  throws(() => rig.socket.write(pattern(count + 1)), /^overflow$/);
  equal(rig.server.received.length, 0);
  const left = rig.socket.write(pattern(count));
  equal(rig.server.received, pattern(count));
  equal(left, 0, "less than is worth a record");
  rig.wire.open(4000);
  equal(rig.writable.length, 2);
  equal(rig.errors, []);
});

test("writing returns what may be written next", () => {
  const rig = new TLSRig().connect();
  const [count] = rig.writable;
  const next = rig.socket.write(pattern(1000));
  assert(next < count && next > count - 1200, `${next} after ${count}`);
  equal(rig.socket.write(new Uint8Array(0)), next);
  equal(rig.server.records, [1000]);
});

test("TCP that does not say how much room is left: it is counted", () => {
  const rig = new TLSRig().connect();
  rig.wire.tellsRoom = false;
  let room = rig.writable[0];
  for (let sent = 0; sent < 3000; sent += 500) {
    const next = rig.socket.write(pattern(500));
    assert(next < room && next > room - 600, `${next} after ${room}`);
    room = next;
  }
  equal(rig.server.records.length, 6);
});

test("writing bytes", () => {
  const rig = new TLSRig().connect();
  for (const byte of [0, 255, 7]) rig.socket.write(byte);
  equal(rig.server.received, Uint8Array.of(0, 255, 7));
  equal(rig.server.records, [1, 1, 1]);
});

test("parts of one message share a record, which goes with the last part, also an empty one", () => {
  const rig = new TLSRig().connect();
  rig.socket.write(utf8("a"), { more: true, byteLength: 3 });
  rig.socket.write(utf8("b"), { more: true });
  equal(rig.server.records, []);
  rig.socket.write(utf8("c"), { more: false });
  equal(rig.server.records, [3]);
  rig.socket.write(utf8("de"), { more: true });
  rig.socket.write(new Uint8Array(0), { more: true });
  equal(rig.server.records, [3]);
  rig.socket.write(new Uint8Array(0));
  equal(rig.server.records, [3, 2]);
  equal(rig.server.received, utf8("abcde"));
});

test("room that is not worth a record is not announced, until there is more", async () => {
  const rig = new TLSRig().connect();
  const first = rig.writable.length;
  let smallest = 0;
  for (let room = 200; !smallest && room < 1000; room++) {
    rig.wire.open(room);
    if (rig.writable.length > first) smallest = rig.writable[first];
  }
  equal(smallest, 256);
  await turns(2);
  equal(rig.writable.length, first + 1, "once");
});

const ends: [name: string, code: string, act: (rig: TLSRig) => void][] = [
  ["the server says goodbye", "ConnectionClosed", (rig) => rig.server.closeNotify()],
  ["TCP ends", "ConnectionLost", (rig) => rig.wire.end()],
  [
    "the server says goodbye and TCP ends",
    "ConnectionClosed",
    (rig) => {
      rig.server.closeNotify();
      rig.wire.deliver();
      rig.wire.end();
    },
  ],
];

for (const [name, code, act] of ends)
  for (const length of [0, 10])
    test(`${name}, ${length} bytes before it: ${code}, when they have been read`, async () => {
      const rig = new TLSRig().connect();
      if (length) rig.send(pattern(length));
      act(rig);
      rig.wire.deliver();
      if (length) {
        await turns(2);
        equal(rig.errors, [], "before they have been read");
        equal(rig.socket.read() as ArrayBuffer, pattern(length));
      }
      await rig.ended(code);
      const hasEnded = code === "ConnectionLost" || (length > 0 && rig.wire.closed > 0);
      equal(rig.server.alerts, hasEnded ? [] : [0]);
      isOver(rig);
      rig.wire.end();
      equal(rig.wire.closed, 1);
    });

function isOver({ socket, wire, errors }: TLSRig): void {
  equal([socket.read(), socket.version, socket.protocol, socket.memory], [undefined, undefined, undefined, undefined]);
  equal(socket.judgeDates(Date.now()), false);
  throws(() => socket.write(1), /^overflow$/);
  socket.close();
  const { closed } = wire;
  wire.options.onReadable.call(wire, 0);
  wire.options.onWritable.call(wire, 1000);
  equal([errors.length, wire.closed], [1, closed]);
}

test("an answer that comes after goodbye is thrown away, and TCP goes when the server's end does", async () => {
  const rig = new TLSRig().connect();
  rig.server.closeNotify();
  rig.wire.deliver();
  await rig.ended("ConnectionClosed");
  equal(rig.wire.closed, 0);
  rig.server.send(pattern(3000));
  rig.wire.deliver();
  equal([rig.wire.inbound.length, rig.readable, rig.wire.closed], [0, [], 0]);
  rig.wire.end();
  equal(rig.wire.closed, 1);
});

test("a server that does not go: TCP is closed all the same", async () => {
  const rig = new TLSRig().connect();
  rig.server.closeNotify();
  rig.wire.deliver();
  await until(() => rig.wire.closed > 0);
  equal([rig.wire.closed, rig.codes], [1, ["ConnectionClosed"]]);
});

test("closing: the server hears it, what was written goes before it, and nobody is called", async () => {
  const rig = new TLSRig().connect();
  rig.socket.write(utf8("last"), { more: true });
  rig.socket.close();
  equal([rig.server.received, rig.server.alerts, rig.wire.closed], [utf8("last"), [0], 1]);
  rig.socket.close();
  rig.wire.end();
  await turns(2);
  equal([rig.wire.closed, rig.errors, rig.socket.version], [1, [], undefined]);
});

test("closing before there is a session says nothing", () => {
  const rig = new TLSRig();
  rig.wire.open();
  rig.socket.close();
  equal([rig.server.alerts, rig.wire.closed], [[], 1]);
});

for (const fails of ["write", "close"] as WireCall[])
  test(`closing while ${fails} of TCP throws`, () => {
    const rig = new TLSRig().connect();
    rig.wire.fails = fails;
    rig.socket.close();
    equal([rig.wire.closed, rig.errors], [1, []]);
  });

test("TCP that ends in the handshake, before and after it was there", async () => {
  for (const [steps, code] of [
    [0, "ConnectionFailed"],
    [1, "ConnectionLost"],
  ] as const) {
    const rig = new TLSRig();
    if (steps) rig.wire.open();
    rig.wire.end();
    await rig.ended(code);
    equal([rig.wire.closed, rig.errors[0].message], [1, `${code} (${serverName})`]);
  }
});

test("TCP that throws: a name, and the socket is closed", async () => {
  const faults: [WireCall, string][] = [
    ["open", "ConnectionFailed"],
    ["write", "ConnectionLost"],
    ["read", "ConnectionLost"],
    ["close", "ConnectionLost"],
  ];
  for (const [fails, code] of faults) {
    const rig = new TLSRig({ fails });
    rig.wire?.open();
    rig.wire?.deliver();
    if (fails === "close") rig.wire.end();
    await rig.ended(code);
    if (fails !== "close") equal(String(rig.errors[0].cause), `Error: ${fails} on purpose`);
    if (rig.wire) equal(rig.wire.closed, 1);
  }
});

test("TCP that throws while what is left is thrown away", async () => {
  const rig = new TLSRig().connect();
  rig.server.closeNotify();
  rig.wire.deliver();
  await rig.ended("ConnectionClosed");
  rig.wire.fails = "read";
  rig.server.send(pattern(10));
  rig.wire.deliver();
  equal([rig.wire.closed, rig.codes], [1, ["ConnectionClosed"]]);
});

test("a server that nobody vouches for: refused by name, hears why, and TCP stays for that", async () => {
  const rig = new TLSRig({ secure: { roots: [issueServer().root] } });
  rig.wire.open();
  rig.wire.deliver();
  equal(rig.codes, ["UnknownCA"]);
  equal([rig.server.alerts, rig.writable, rig.wire.closed], [[48], [], 0]);
  assert(typeof rig.errors[0].detail === "number");
  rig.wire.end();
  equal(rig.wire.closed, 1);
});

test("a server's alert: its number", async () => {
  const rig = new TLSRig();
  rig.wire.open();
  rig.server.alert(2, 80);
  rig.wire.deliver();
  await rig.ended("PeerAlert");
  equal([rig.errors[0].alert, rig.wire.closed, "cause" in rig.errors[0]], [80, 1, false]);
  equal(rig.errors[0].message, `PeerAlert (${serverName}, alert 80)`);
});

test("a byte that was changed on the way: BadRecord, and nothing of it is read", async () => {
  const rig = new TLSRig().connect();
  rig.server.send(pattern(10));
  const record = rig.server.take();
  record[record.length - 1] ^= 1;
  rig.wire.inbound = record;
  rig.wire.options.onReadable.call(rig.wire, record.length);
  await rig.ended("BadRecord");
  equal([rig.readable, rig.server.alerts], [[], [20]]);
  rig.wire.end();
});

test("a session has its time, and the time of the handshake ends with it", async () => {
  const late = new TLSRig({ socket: { timeout: 20 } });
  late.wire.open();
  await until(() => late.errors.length > 0);
  equal([late.codes, late.wire.closed], [["HandshakeTimeout"], 1]);
  const inTime = new TLSRig({ socket: { timeout: 500 } }).connect();
  await sleep(600);
  equal(inTime.codes, []);
});

for (const callback of ["onReadable", "onWritable"] as const)
  test(`${callback} throws: CallbackFailed, and the server hears goodbye`, async () => {
    const cause = new Error("on purpose");
    const rig = new TLSRig({
      socket: {
        [callback]: () => {
          throw cause;
        },
      },
    }).connect();
    if (callback === "onReadable") rig.send(pattern(10));
    equal([rig.codes, rig.errors[0].cause === cause, rig.server.alerts], [["CallbackFailed"], true, [0]]);
    rig.wire.end();
    equal(rig.wire.closed, 1);
  });

for (const callback of ["onReadable", "onWritable"] as const)
  test(`${callback} closes and throws: the owner is told nothing more`, async () => {
    const rig: TLSRig = new TLSRig({
      socket: {
        [callback](this: TLSSocket) {
          this.close();
          throw new Error("on purpose");
        },
      },
    }).connect();
    rig.send(pattern(10));
    await turns(2);
    equal([rig.errors, rig.wire.closed], [[], 1]);
  });

test("the owner closes in its callbacks", async () => {
  for (const callback of ["onReadable", "onWritable", "onError"] as const) {
    let count = 0;
    const rig: TLSRig = new TLSRig({
      socket: {
        [callback](this: TLSSocket) {
          count += 1;
          this.close();
        },
      },
    }).connect();
    rig.send(pattern(1000));
    rig.server.closeNotify();
    rig.wire.deliver();
    if (callback === "onError") while (rig.socket.read()) await turns(2);
    await turns(3);
    equal([count, rig.errors], [1, []], callback);
    rig.wire.end();
    equal(rig.wire.closed, 1);
  }
});

test("without callbacks", async () => {
  const rig = new TLSRig({ socket: { onReadable: undefined, onWritable: undefined, onError: undefined } }).connect();
  rig.send(pattern(3));
  equal(rig.socket.read() as ArrayBuffer, pattern(3));
  rig.wire.end();
  await turns(2);
  equal(rig.wire.closed, 1);
});

test("a key that is none: BadKey, and no connection", async () => {
  const rig = new TLSRig({ secure: { key: "nonsense" } });
  await rig.ended("BadKey");
  equal(rig.wire, undefined);
  assert(rig.errors[0].cause instanceof Error);
});

test("roots of another kind: InternalError, and no connection", async () => {
  const rig = new TLSRig({ secure: { roots: [1 as never] } });
  await rig.ended("InternalError");
  equal(rig.wire, undefined);
});

test("the owner's key stays its own", () => {
  const key = new KeyPair();
  const rig = new TLSRig({ secure: { key } });
  rig.socket.close();
  assert(key.sign(new Uint8Array(1)).byteLength > 0);
  key.close();
});

test("dates that are judged later: good ones, and those that are over", async () => {
  const released = Date.UTC(2026, 0, 1);
  const credentials = issueServer({ from: "260101000000Z", to: "260701000000Z" });
  const secure = { datesLater: true, clock: { isSet: true, now: () => released } };
  const good = new TLSRig({ credentials, secure }).connect();
  equal(good.writable[0], 512, "all that may go out before");
  equal(good.socket.judgeDates(Date.UTC(2026, 5, 1)), true);
  equal(good.errors, []);
  const over = new TLSRig({ credentials, secure }).connect();
  equal(over.socket.judgeDates(Date.UTC(2026, 6, 1, 0, 0, 1)), false);
  equal(over.errors, [], "not before the owner's own call has returned");
  await over.ended("Expired");
  equal([over.server.alerts, over.wire.closed], [[45], 0]);
  over.wire.end();
});
