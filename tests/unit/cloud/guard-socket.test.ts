/** The guard between a client and a transport that do what the test says. */
import type { CloudError } from "../../../modules/cloud/cloud-error";
import { GuardSocket, type GuardWatcher } from "../../../modules/cloud/guard-socket";
import { equal, test, turns } from "../harness";

/** TCP, as ECMA-419 has it: what is there is told again until it has been read. */
class Transport {
  options: Record<string, unknown>;
  target: unknown;
  inbound: number[] = [];
  /** Sizes of what was read at a time. */
  reads: number[] = [];
  written: number[] = [];
  closed = 0;
  /** Thrown by `write`. */
  problem?: Error;

  constructor(options: Record<string, unknown>) {
    this.options = options;
    this.target = options.target;
  }

  tell(name: "onReadable" | "onWritable" | "onError", value?: unknown): void {
    (this.options[name] as (value?: unknown) => void).call(this, value);
  }

  /** A list: the stack has room for few arguments. */
  receive(bytes: ArrayLike<number>): void {
    for (let i = 0; i < bytes.length; i += 1) this.inbound.push(bytes[i]);
    this.tell("onReadable", this.inbound.length);
  }

  read(buffer: Uint8Array): void {
    this.reads.push(buffer.length);
    if (buffer.length > this.inbound.length) throw new RangeError("more than there is");
    buffer.set(this.inbound.splice(0, buffer.length));
  }

  write(data: Uint8Array): number {
    if (this.problem) throw this.problem;
    for (const byte of data) this.written.push(byte);
    return 77;
  }

  close(): void {
    this.closed += 1;
    throw new Error("closed already");
  }
}

class Bench implements GuardWatcher {
  transports: Transport[] = [];
  told: unknown[] = [];
  shown: number[] = [];
  /** What the client does when it is shown bytes. */
  onShown = (count: number): void => {
    for (const byte of new Uint8Array(this.guard.read(count) as ArrayBuffer)) this.shown.push(byte);
  };
  onRoom = (count: number): void => {
    this.told.push(["room", count]);
  };
  guard: GuardSocket;

  constructor(onMade = (_: Transport): void => {}) {
    const { transports } = this;
    class Made extends Transport {
      constructor(options: Record<string, unknown>) {
        super(options);
        transports.push(this);
        onMade(this);
      }
    }
    this.guard = new GuardSocket({
      transport: { io: Made as never, secure: { roots: ["root"] } },
      watcher: this,
      maximumMessage: 600,
      address: "192.0.2.1",
      host: "broker.example",
      port: 8883,
      onReadable: (count) => this.onShown(count),
      onWritable: (count) => this.onRoom(count),
      onError() {},
    });
  }

  get transport(): Transport {
    return this.transports[0];
  }

  onGuard(): void {
    this.told.push("guard");
  }
  onOpen(): void {
    this.told.push("open");
  }
  onMessageAtGate(): void {
    this.told.push("gate");
  }
  onError({ code }: CloudError): void {
    this.told.push(code);
  }
  onConnack(sessionPresent: boolean, returnCode: number): void {
    this.told.push(["connack", sessionPresent, returnCode]);
  }
  onWithholding(topic: string | undefined, byteLength: number): void {
    this.told.push(["withholding", topic, byteLength]);
  }
  onWithheldPiece(_bytes: Uint8Array, from: number, to: number): void {
    this.told.push(to - from);
  }
  onWithheld(topic: string | undefined): void {
    this.told.push(["withheld", topic]);
  }

  /** After CONNACK. */
  async ready(): Promise<this> {
    this.transport.receive(connack);
    await turns(2);
    this.told = [];
    this.shown = [];
    this.transport.reads = [];
    return this;
  }
}

const connack = [0x20, 2, 1, 0];
/** QoS 0, topic "t". */
const publish = (payload: readonly number[]) => [0x30, ...varint(payload.length + 3), 0, 1, 0x74].concat(payload);
const varint = (value: number) => (value < 128 ? [value] : [(value & 127) | 128, value >> 7]);
const pong = [0xd0, 0];

test("the transport is made with what the client knows and what it was given, in format buffer", () => {
  const { transport, guard, told } = new Bench();
  const { address, host, port, format, target, secure } = transport.options;
  equal([address, host, port, format], ["192.0.2.1", "broker.example", 8883, "buffer"]);
  equal([target === guard, secure], [true, { roots: ["root"] }]);
  equal(told, ["guard"]);
});

test("a transport that cannot be made, or fails while it is made, is told of when the guard stands", async () => {
  const thrown = new Bench(() => {
    throw new Error("no memory");
  });
  equal(thrown.told, ["guard"]);
  await turns(2);
  equal(thrown.told, ["guard", "ClientFailed"]);
  const failed = new Bench((it) => it.tell("onError", Object.assign(new Error("x"), { code: "UnknownCA" })));
  equal(failed.told, ["guard"]);
  await turns(2);
  equal(failed.told, ["guard", "UnknownCA"]);
});

test("TLS is up with the first room, and once; the client hears of it then", () => {
  const { transport, told } = new Bench();
  transport.tell("onWritable", 500);
  transport.tell("onWritable", 0);
  equal(told, ["guard", "open", ["room", 500], ["room", 0]]);
});

test("what the client writes goes out, and it hears how much room is left", () => {
  const { transport, guard } = new Bench();
  equal(guard.write(Uint8Array.of(1, 2)), 77);
  equal(transport.written, [1, 2]);
});

test("a write that fails throws nothing; the watcher is told, of the first failure", async () => {
  const bench = new Bench();
  bench.transport.problem = Object.assign(new Error("gone"), { code: "ConnectionLost" });
  equal(bench.guard.write(Uint8Array.of(1)), 0);
  bench.transport.tell("onError");
  await turns(3);
  equal(bench.told[1], "ConnectionLost");
  equal(new Set(bench.told.slice(1)).size, 1, "the first reason stays");
});

test("packets are shown as they come, however they are cut, and nothing before it was read", async () => {
  for (const pace of [1, 2, 3, 100]) {
    const bench = new Bench();
    const bytes = [...connack, ...pong, 0x40, 2, 0, 9];
    for (let at = 0; at < bytes.length; at += pace) {
      bench.transport.receive(bytes.slice(at, at + pace));
      await turns(4);
    }
    equal(bench.shown, bytes, `${pace} at a time`);
    equal(bench.told, ["guard", ["connack", true, 0]]);
  }
});

test("a PUBLISH stands at the gate, with all behind it, until it is let in: once, and soon", async () => {
  const bench = await new Bench().ready();
  const { transport, guard } = bench;
  guard.admit();
  equal(guard.isHeld, false);
  transport.receive([...publish([1, 2, 3]), ...publish([4])]);
  await turns(3);
  equal([bench.told, bench.shown, guard.isHeld], [["gate"], [], true]);
  guard.admit();
  guard.admit();
  equal([bench.shown, guard.isHeld], [[], true], "not on top of who lets it in");
  await turns(6);
  equal([bench.shown, bench.told, guard.isHeld], [publish([1, 2, 3]), ["gate", "gate"], true]);
  guard.admit();
  await turns(6);
  equal([bench.shown, guard.isHeld], [[...publish([1, 2, 3]), ...publish([4])], false]);
});

test("256 bytes are read at a time, never more than there are", async () => {
  const bench = await new Bench().ready();
  const payload = Array.from({ length: 400 }, (_, i) => i & 255);
  const packet = Uint8Array.from(publish(payload));
  bench.transport.receive(packet);
  await turns(2);
  bench.guard.admit();
  await turns(10);
  equal(Uint8Array.from(bench.shown), packet);
  equal(bench.transport.reads, [256, packet.length - 256]);
});

test("while a message waits the client gets a PINGRESP of ours; at no other time", async () => {
  const bench = await new Bench().ready();
  bench.guard.pong();
  equal(bench.shown, []);
  bench.transport.receive(publish([1]));
  await turns(2);
  bench.guard.pong();
  equal(bench.shown, pong);
  bench.guard.admit();
  await turns(5);
  equal(bench.shown, [...pong, ...publish([1])]);
  bench.transport.receive(publish([2]));
  await turns(2);
  bench.onShown = () => {
    throw new Error("no");
  };
  bench.told = [];
  bench.guard.pong();
  await turns(2);
  equal(bench.told, ["ClientFailed"]);
});

test("it is read by bytes, by counts and into buffers", async () => {
  const bench = await new Bench().ready();
  const { guard, transport } = bench;
  equal(guard.read(1), undefined, "nothing is there");
  bench.onShown = () => {};
  transport.receive([0x40, 2, 0, 9]);
  await turns(3);
  const got: unknown[] = [];
  guard.format = "number";
  for (let byte = guard.read(); byte !== undefined; byte = guard.read()) got.push(byte);
  for (let turn = 0; turn < 8 && got.length < 4; turn += 1) {
    await turns(1);
    for (let byte = guard.read(); byte !== undefined; byte = guard.read()) got.push(byte);
  }
  equal(got, [0x40, 2, 0, 9]);
  guard.format = "buffer";
  const head = [0x40, 2];
  const body = [1, 2];
  for (const [read, expected] of [
    [() => [...new Uint8Array(guard.read(9) as ArrayBuffer)], [head, body]],
    [() => [...new Uint8Array(guard.read() as ArrayBuffer)], [head, body]],
    [() => [...new Uint8Array(guard.read(1) as ArrayBuffer)], [[0x40], [2], [1], [2]]],
    [() => fill(guard, new Uint8Array(9)), [head, body]],
    [() => fill(guard, new ArrayBuffer(1)), [[0x40], [2], [1], [2]]],
  ] as const) {
    transport.receive([...head, ...body]);
    const pieces: number[][] = [];
    for (let turn = 0; turn < 12 && pieces.flat().length < 4; turn += 1) {
      await turns(1);
      if (guard.read(new ArrayBuffer(0)) !== undefined) pieces.push(read());
    }
    equal(pieces, expected);
  }
});

/** What was filled in. */
function fill(guard: GuardSocket, buffer: Uint8Array | ArrayBuffer): number[] {
  const count = guard.read(buffer) as unknown as number;
  const bytes = buffer instanceof Uint8Array ? buffer : new Uint8Array(buffer);
  return [...bytes.slice(0, count)];
}

test("a client that throws, when it is shown bytes or room, is an error with a name", async () => {
  for (const part of ["onShown", "onRoom"] as const) {
    const bench = new Bench();
    bench[part] = () => {
      throw new Error("no");
    };
    if (part === "onShown") bench.transport.receive(connack);
    else bench.transport.tell("onWritable", 10);
    await turns(3);
    equal(bench.told[bench.told.length - 1], "ClientFailed", part);
  }
});

test("bytes that are no MQTT are an error with a name", async () => {
  const bench = await new Bench().ready();
  bench.transport.receive([0xf0, 0]);
  await turns(3);
  equal(bench.told, ["MalformedPacket"]);
});

test("the transport's end is told at once when nobody is at work", async () => {
  const bench = await new Bench().ready();
  bench.transport.tell("onError");
  equal(bench.told, ["ConnectionClosed"]);
});

test("after close nothing is told, read or written, and the transport is closed once", async () => {
  const bench = await new Bench().ready();
  const { transport, guard } = bench;
  transport.receive(pong);
  guard.close();
  guard.close();
  equal(transport.closed, 1);
  equal([guard.write(Uint8Array.of(1)), guard.read(1), transport.written], [0, undefined, []]);
  transport.tell("onReadable", 2);
  transport.tell("onWritable", 10);
  transport.tell("onError");
  guard.admit();
  guard.pong();
  await turns(3);
  equal([bench.told, bench.shown, transport.reads], [[], [], []]);
});

test("a client that closes while it is shown something is shown nothing more", async () => {
  const bench = await new Bench().ready();
  bench.onShown = () => bench.guard.close();
  bench.transport.receive([...pong, 0x40, 2, 0, 9]);
  await turns(4);
  equal([bench.told, bench.guard.read(1), bench.transport.closed], [[], undefined, 1]);
});
