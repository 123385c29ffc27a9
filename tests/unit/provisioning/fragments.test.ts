import { FragmentReader, FragmentWriter } from "../../../modules/provisioning/fragments";
import type { MessageSecurity } from "../../../modules/provisioning/message-security";
import { assert, equal, test } from "../harness";
import { bytes, text } from "./phone";

/** Security that is none, with room for as long a tag as a test wants. */
class Plain implements MessageSecurity {
  readonly overhead: number;
  constructor(overhead = 0) {
    this.overhead = overhead;
  }
  seal(_value: Uint8Array, _headerLength: number): void {}
  open(data: Uint8Array): Uint8Array {
    return data;
  }
  close(): void {}
}

function join(values: Uint8Array[], reader: FragmentReader) {
  let result: ReturnType<FragmentReader["push"]>;
  for (const value of values) result = reader.push(value[0], value.subarray(1));
  return result;
}

function cut(message: string, limit: number): Uint8Array[] {
  const writer = new FragmentWriter(message, new Plain());
  const values: Uint8Array[] = [];
  while (!writer.done) values.push(new Uint8Array(writer.next(limit)));
  return values;
}

const atMost = (longestMessage: number) => ({ longestMessage });

test("one fragment, several, and more than the index can count", () => {
  for (const length of [1, 18, 19, 20, 38, 39, 2412, 2413, 2432, 6000]) {
    const message = "abcdefghij".repeat(length / 10 + 1).slice(0, length);
    const values = cut(message, 20);
    equal(values.length, Math.ceil(length / 19));
    for (const [i, value] of values.entries()) {
      assert(value.length <= 20);
      equal(value[0], (i % 127) | (i === values.length - 1 ? 0x80 : 0));
      assert(value[0] !== 0xff, "0xFF is not a fragment");
    }
    equal(text(join(values, new FragmentReader(atMost(6000))) as Uint8Array), message);
  }
});

test("characters of several bytes survive the cuts", () => {
  const message = "Straße 北京 📷 ".repeat(40);
  for (const limit of [20, 21, 22, 23, 64, 512])
    equal(text(join(cut(message, limit), new FragmentReader(atMost(6000))) as Uint8Array), message);
});

test("the text is sealed once, in order, with the header of each fragment, and there is room for the tag", () => {
  class Recorder extends Plain {
    seen: number[] = [];
    headers: number[] = [];
    override seal(value: Uint8Array, headerLength: number): void {
      this.seen.push(...value.subarray(headerLength, value.length - this.overhead));
      this.headers.push(value[0]);
    }
  }
  const security = new Recorder(16);
  const writer = new FragmentWriter("0123456789", security);
  const lengths: number[] = [];
  while (!writer.done) lengths.push(writer.next(20).byteLength);
  equal(text(Uint8Array.from(security.seen)), "0123456789");
  equal(lengths, [20, 20, 20, 18]);
  equal(security.headers, [0, 1, 2, 0x83]);
});

test("a missing, repeated or swapped fragment is out of order, and the next message is read again", () => {
  const orders = [[1], [0, 0], [0, 2], [0, 1, 1], [127]];
  for (const order of orders) {
    const reader = new FragmentReader(atMost(100));
    const results = order.map((index) => reader.push(index, bytes(7)));
    equal(results.at(-1), "OutOfOrder");
    equal(reader.push(0x80, bytes("ok")), bytes("ok"));
  }
});

test("a message may have the maximum length and not a byte more", () => {
  const reader = new FragmentReader(atMost(100));
  equal((join([bytes(0, new Uint8Array(60)), bytes(0x81, new Uint8Array(40))], reader) as Uint8Array).length, 100);
  equal(join([bytes(0, new Uint8Array(60)), bytes(0x81, new Uint8Array(41))], reader), "TooLong");
  equal(reader.push(0x80, new Uint8Array(101)), "TooLong");
  equal(reader.push(0x80, bytes("ok")), bytes("ok"));
});

test("a limit that changes counts for the next message", () => {
  const limit = atMost(100);
  const reader = new FragmentReader(limit);
  equal(reader.push(0, new Uint8Array(60)), undefined);
  limit.longestMessage = 50;
  equal((reader.push(0x81, new Uint8Array(40)) as Uint8Array).length, 100);
  equal(join([bytes(0, new Uint8Array(40)), bytes(0x81, new Uint8Array(11))], reader), "TooLong");
  equal((join([bytes(0, new Uint8Array(40)), bytes(0x81, new Uint8Array(10))], reader) as Uint8Array).length, 50);
});

test("a message of many empty fragments ends as well", () => {
  const reader = new FragmentReader(atMost(10));
  for (let i = 0; i < 300; i++) equal(reader.push(i % 127, bytes()), undefined);
  equal((reader.push((300 % 127) | 0x80, bytes()) as Uint8Array).length, 0);
});

test("each fragment but its cuts is UTF-8 as the text has it: a pair of surrogates is never taken apart", () => {
  const message = "a📷".repeat(60);
  for (const limit of [5, 6, 7, 8, 20, 21, 64]) {
    const sent = bytes(...cut(message, limit).map((value) => value.subarray(1)));
    equal(sent, bytes(message), `${limit} bytes at a time`);
  }
});

test("a message is given away: the next one does not write over it", () => {
  const reader = new FragmentReader(atMost(100));
  const first = join([bytes(0, "ab"), bytes(0x81, "cd")], reader) as Uint8Array;
  const second = join([bytes(0, "wx"), bytes(0x81, "yz")], reader) as Uint8Array;
  equal([text(first), text(second)], ["abcd", "wxyz"]);
});
