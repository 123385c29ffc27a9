/** What the broker sends, packet by packet, without a connection: what passes, what is held back, what is told. */
import { PacketFilter, type PublishHeader } from "../../../modules/cloud/packet-filter";
import { equal, test, throws } from "../harness";
import { text, utf8 } from "./fake-broker";

const maximum = 10;
const connack = [0x20, 2, 0, 0];

/** Feeds a filter in pieces and keeps what came of it. */
class Bench {
  passed: number[] = [];
  told: string[] = [];
  /** Type and flags of each PUBLISH that would stand at the gate, and its header as it is known there. */
  stops: unknown[] = [];
  filter: PacketFilter;

  constructor() {
    this.filter = new PacketFilter(this, maximum);
  }

  onConnack(sessionPresent: boolean, returnCode: number): void {
    this.told.push(`connack ${sessionPresent} ${returnCode}`);
  }

  onWithholding(topic: string | undefined, byteLength: number): void {
    this.told.push(`begins ${topic?.slice(0, 9)} ${byteLength}`);
  }

  onWithheldPiece(bytes: Uint8Array, from: number, to: number): void {
    this.told.push(`piece ${text(bytes.slice(from, to))}`);
  }

  onWithheld(topic: string | undefined, byteLength: number, { QoS, id, duplicate, retain }: PublishHeader): void {
    this.told.push(`over ${topic?.slice(0, 9)} ${byteLength} ${QoS} ${id} ${duplicate} ${retain}`);
  }

  /** @param pace the most bytes that are there at a time */
  feed(bytes: number[], pace = bytes.length): this {
    const { filter } = this;
    for (let start = 0; start < bytes.length; start += pace) {
      const piece = Uint8Array.from(bytes.slice(start, start + pace));
      for (let from = 0; from < piece.length; ) {
        const taken = filter.next(piece, from, piece.length);
        if (filter.startsMessage) this.stops.push({ ...filter.publish });
        if (filter.verdict === "head") this.passed.push(...filter.head.subarray(0, filter.headLength));
        else if (filter.verdict === "body") this.passed.push(...piece.subarray(from, from + taken));
        from += taken;
      }
    }
    return this;
  }
}

const connected = () => new Bench().feed(connack);

function publish(topic: string, payload: string, { flags = 2, id = 0x1234 } = {}): number[] {
  const name = utf8(topic);
  const body = [name.length >> 8, name.length & 255, ...name];
  if (flags & 6) body.push(id >> 8, id & 255);
  body.push(...utf8(payload));
  const length = body.length < 128 ? [body.length] : [(body.length & 127) | 128, body.length >> 7];
  return [0x30 | flags, ...length, ...body];
}

test("CONNACK passes and is told of, with its session flag and return code, however it is cut", () => {
  for (const pace of [1, 2, 3, 4])
    for (const [flags, code, told] of [
      [0, 0, "connack false 0"],
      [1, 0, "connack true 0"],
      [0, 5, "connack false 5"],
    ] as const) {
      const bytes = [0x20, 2, flags, code];
      const bench = new Bench().feed(bytes, pace);
      equal([bench.passed, bench.told, bench.stops.length], [bytes, [told], 0]);
    }
});

test("CONNACK is the first packet, comes once, and has one flag", () => {
  for (const bytes of [
    [0xd0, 0],
    [...connack, ...connack],
    [0x20, 2, 2, 0],
    [0x20, 2, 0x80, 0],
  ])
    throws(() => new Bench().feed(bytes), "MalformedPacket");
});

test("packets of each type pass with the length that theirs has, and with no other", () => {
  const lengths: [number, number, number][] = [
    [0x40, 2, 2],
    [0xb0, 2, 2],
    [0x90, 3, 10],
    [0xd0, 0, 0],
  ];
  for (const [first, least, most] of lengths) {
    for (let length = least; length <= most; length += 1) {
      const bytes = [first, length, ...new Array(length).fill(7)];
      for (const pace of [1, 2, bytes.length]) {
        const bench = connected().feed(bytes, pace).feed([0xd0, 0]);
        equal([bench.passed.slice(4), bench.told.length, bench.stops.length], [[...bytes, 0xd0, 0], 1, 0]);
      }
    }
    if (least) throws(() => connected().feed([first, least - 1, 0, 0]), "MalformedPacket");
    throws(() => connected().feed([first, most + 1, 0, 0]), "MalformedPacket");
  }
  for (const first of [0x00, 0x10, 0x50, 0x60, 0x70, 0x80, 0xa0, 0xc0, 0xe0, 0xf0])
    for (const length of [0, 2]) throws(() => connected().feed([first, length]), "MalformedPacket");
});

test("a message for the client passes as it is, and stops at its first character", () => {
  for (const pace of [1, 2, 3, 5, 100])
    for (const [flags, QoS, duplicate, retain] of [
      [0, 0, false, false],
      [1, 0, false, true],
      [2, 1, false, false],
      [0xb, 1, true, true],
    ] as const)
      for (const payload of ["1", "1234567890"]) {
        const bytes = publish("a/b", payload, { flags });
        const bench = connected().feed(bytes, pace).feed([0xd0, 0]);
        equal(bench.passed.slice(4), [...bytes, 0xd0, 0]);
        equal(bench.stops, [{ QoS, id: 0, duplicate, retain }]);
        equal([bench.filter.publish.id, bench.told.length], [QoS ? 0x1234 : 0, 1]);
      }
});

test("the identifier is known when the payload begins, and is that of this message", () => {
  const bench = connected();
  const bytes = publish("topic", "x", { id: 0x8001 });
  bench.feed(bytes.slice(0, -1), 1);
  equal(bench.filter.publish.id, 0x8001);
  bench.feed(bytes.slice(-1)).feed(publish("t", "y", { id: 7 }));
  equal(bench.filter.publish.id, 7);
});

test("what is empty, too large, of AWS's, or has a name too long is held back and told of", () => {
  const long = "l".repeat(257);
  for (const pace of [1, 3, 1000])
    for (const [topic, payload, told] of [
      ["a", "", ["over a 0 1 4660 false false"]],
      ["$aws", "", ["over $aws 0 1 4660 false false"]],
      ["$", "x", ["begins $ 1", "piece x", "over $ 1 1 4660 false false"]],
      ["a/b", "12345678901", ["begins a/b 11", "piece 12345678901", "over a/b 11 1 4660 false false"]],
      [long, "x", ["begins undefined 1", "piece x", "over undefined 1 1 4660 false false"]],
      [long, "", ["over undefined 0 1 4660 false false"]],
    ] as const) {
      const bench = connected().feed(publish(topic, payload), pace).feed(publish("z", "z"));
      const pieces = bench.told.filter((line) => line.startsWith("piece ")).map((line) => line.slice(6));
      equal(pieces.join(""), payload);
      const rest = bench.told.slice(1).filter((line) => !line.startsWith("piece "));
      equal(
        rest,
        told.filter((line) => !line.startsWith("piece ")),
      );
      equal([bench.passed.slice(4), bench.stops.length], [publish("z", "z"), 2], "only the next one passes");
    }
});

test("QoS 0 is held back without an identifier, marks are kept, and a name of 256 bytes is not too long", () => {
  const bench = connected();
  bench.feed(publish("$a", "x", { flags: 0 })).feed(publish("$b", "y", { flags: 0xb }));
  equal(bench.told.slice(1), [
    "begins $a 1",
    "piece x",
    "over $a 1 0 0 false false",
    "begins $b 1",
    "piece y",
    "over $b 1 1 4660 true true",
  ]);
  const longest = publish("l".repeat(256), "x");
  equal(connected().feed(longest, 7).passed.slice(4), longest);
});

test("a topic with a name as long as the packet, and lengths that cannot be", () => {
  equal(connected().feed([0x30, 3, 0, 1, 97]).told.slice(1), ["over a 0 0 0 false false"]);
  equal(connected().feed([0x32, 5, 0, 1, 97, 0, 9]).told.slice(1), ["over a 0 1 9 false false"]);
  for (const bytes of [
    [0x30, 0],
    [0x30, 1, 0],
    [0x30, 2, 0, 0],
    [0x30, 3, 0, 0, 97],
    [0x30, 3, 0, 2, 97],
    [0x32, 4, 0, 1, 97, 0],
    [0x34, 5, 0, 1, 97, 0, 1],
    [0x36, 5, 0, 1, 97, 0, 1],
    [0x30, 0x80, 0x80, 0x80, 0x80],
  ])
    throws(() => connected().feed(bytes), "MalformedPacket");
});

test("a remaining length of four bytes is taken", () => {
  // 2 MB: 0x200003 bytes, of which the topic takes three.
  const bench = connected().feed([0x30, 0x83, 0x80, 0x80, 0x01, 0, 1, 97, 98, 99]);
  equal(bench.told.slice(1), [`begins a ${128 ** 3}`, "piece bc"]);
});
