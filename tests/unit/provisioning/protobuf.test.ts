import { MalformedMessage, ProtobufReader, ProtobufWriter } from "../../../modules/provisioning/protobuf";
import { equal, test, throws } from "../harness";
import { bytes } from "./phone";

function readAll(data: Uint8Array): number {
  let fields = 0;
  for (const reader = new ProtobufReader(data); reader.next(); fields++) reader.skip();
  return fields;
}

test("writes what the protobuf encoding prescribes", () => {
  equal(new ProtobufWriter(16).uint32(1, 150).finish(), bytes(0x08, 0x96, 0x01));
  equal(new ProtobufWriter(16).string(2, "testing").finish(), bytes(0x12, 0x07, "testing"));
  equal(new ProtobufWriter(16).message(3, new ProtobufWriter(4).uint32(1, 150)).finish(), bytes(0x1a, 3, 8, 0x96, 1));
  equal(new ProtobufWriter(16).uint32(16, 0xffffffff).finish(), bytes(0x80, 0x01, 0xff, 0xff, 0xff, 0xff, 0x0f));
});

test("a negative int32 takes ten bytes and comes back", () => {
  for (const value of [-1, -48, -127, -128, -32768, -2147483648]) {
    const written = new ProtobufWriter(16).int32(3, value).finish();
    equal(written.byteLength, 11);
    const reader = new ProtobufReader(new Uint8Array(written));
    reader.next();
    equal(reader.int32(), value);
  }
  equal(new ProtobufWriter(16).int32(3, -1).finish(), bytes(0x18, [...Array(9).fill(0xff)], 0x01));
});

test("leaves out zero and empty values, but not members of a oneof and sub-messages", () => {
  const writer = new ProtobufWriter(16).uint32(1, 0).bool(2, false).bytes(3, new Uint8Array(0));
  equal(writer.finish().byteLength, 0);
  equal(new ProtobufWriter(16).enumeration(10, 0).finish(), bytes(0x50, 0));
  equal(new ProtobufWriter(16).message(10, new ProtobufWriter(0)).finish(), bytes(0x52, 0));
});

test("does not write beyond its buffer", () => {
  throws(() => new ProtobufWriter(3).uint32(1, 0xffffffff), RangeError);
  throws(() => new ProtobufWriter(8).bytes(1, new Uint8Array(7)), RangeError);
  equal(new ProtobufWriter(9).bytes(1, new Uint8Array(7)).finish().byteLength, 9);
});

test("skips fields of every wire type", () => {
  const data = bytes(0x08, 0x96, 0x01, 0x11, [1, 2, 3, 4, 5, 6, 7, 8], 0x1a, 2, 9, 9, 0x25, [1, 2, 3, 4], 0x28, 1);
  equal(readAll(data), 5);
});

test("a message that is cut anywhere within a field is an error", () => {
  const data = bytes(0x08, 0x96, 0x01, 0x11, [1, 2, 3, 4, 5, 6, 7, 8], 0x1a, 2, 9, 9, 0x25, [1, 2, 3, 4]);
  const boundaries = [0, 3, 12, 16, 21];
  for (let length = 0; length <= data.length; length++) {
    if (boundaries.includes(length)) readAll(data.slice(0, length));
    else throws(() => readAll(data.slice(0, length)), MalformedMessage);
  }
});

test("refuses group wire types, field 0, endless varints and lengths beyond the end", () => {
  throws(() => readAll(bytes(0x0b)), MalformedMessage);
  throws(() => readAll(bytes(0x0e)), MalformedMessage);
  throws(() => readAll(bytes(0x00, 0x00)), MalformedMessage);
  throws(() => readAll(bytes(0x08, [...Array(11).fill(0x80)], 0)), MalformedMessage);
  throws(() => readAll(bytes(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 1)), MalformedMessage);
});

test("refuses a value of another wire type than asked for", () => {
  const reader = new ProtobufReader(bytes(0x08, 1));
  reader.next();
  throws(() => reader.bytes(), MalformedMessage);
  const other = new ProtobufReader(bytes(0x0a, 1, 7));
  other.next();
  throws(() => other.uint32(), MalformedMessage);
});

test("a 64-bit varint keeps its low 32 bits", () => {
  const reader = new ProtobufReader(bytes(0x08, [...Array(9).fill(0xff)], 0x01));
  reader.next();
  equal(reader.uint32(), 0xffffffff);
});

test("the least that takes two bytes is 128", () => {
  const write = (value: number) => new Uint8Array(new ProtobufWriter(16).uint32(1, value).finish());
  equal(write(127), Uint8Array.of(8, 127));
  equal(write(128), Uint8Array.of(8, 128, 1));
});

test("what does not fit behind what is there is told as such", () => {
  const writer = (length: number) => new ProtobufWriter(6).uint32(1, 1).bytes(2, new Uint8Array(length));
  equal(writer(2).finish().byteLength, 6);
  throws(() => writer(3), /too long/);
});
