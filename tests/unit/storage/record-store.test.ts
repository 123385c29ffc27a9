/** Records: what is kept, what counts as absent, and the bounds of both. */
import { RecordStore } from "../../../modules/storage/record-store";
import { after, assert, equal, test, throws } from "../harness";

function fresh(): RecordStore {
  const records = new RecordStore("record-test");
  after(() => records.close());
  records.delete("record");
  return records;
}

const put = (records: RecordStore, text: string) => records.writeBytes("record", ArrayBuffer.fromString(text));

test("a record is what was written last, for another store of that path too", () => {
  const records = fresh();
  equal(records.read("record"), undefined);
  records.write("record", { a: 1 });
  records.write("record", { b: ["two"] });
  equal(records.read("record"), { b: ["two"] });
  const other = new RecordStore("record-test");
  equal(other.read("record"), { b: ["two"] });
  other.close();
  records.delete("record");
  equal(records.read("record"), undefined);
});

test("bytes are kept as they are, and are no record", () => {
  const records = fresh();
  equal(records.readBytes("record"), undefined);
  records.writeBytes("record", Uint8Array.of(0, 255, 1));
  equal(new Uint8Array(records.readBytes("record")!), Uint8Array.of(0, 255, 1));
  equal(records.read("record"), undefined);
});

test("paths and keys may have 15 characters", () => {
  const path = "fifteen-letters";
  const records = new RecordStore(path);
  after(() => records.close());
  const tooLong = /longer than 15 characters: fifteen-letters!$/;
  assert(throws(() => new RecordStore(`${path}!`), tooLong) instanceof RangeError);
  records.write(path, { a: 1 });
  equal(records.read(path), { a: 1 });
  assert(throws(() => records.write(`${path}!`, { a: 1 }), tooLong) instanceof RangeError);
  throws(() => records.writeBytes(`${path}!`, new ArrayBuffer(1)), tooLong);
  records.delete(path);
});

test("what is absent can be deleted, and cannot be read under any name", () => {
  const records = fresh();
  records.delete("record");
  records.delete("a key that no storage takes");
  equal(records.read("a key that no storage takes"), undefined);
  equal(records.readBytes("a key that no storage takes"), undefined);
});

test("a store that is closed has no records, and takes none", () => {
  const records = new RecordStore("record-test");
  records.write("record", { a: 1 });
  records.close();
  equal(records.read("record"), undefined);
  equal(records.readBytes("record"), undefined);
  throws(() => records.write("record", { a: 1 }));
  equal(fresh().read("record"), undefined);
});

/** The largest records that are read, and those that are larger by one. Worn flash may hold anything. */
const bounds: Record<string, (excess: number) => string> = {
  "9,216 bytes": (excess) => {
    const half = "x".repeat(3000);
    const rest = "x".repeat(9216 - '{"a":["","","",""]}'.length - 9000 + excess);
    return JSON.stringify({ a: [half, half, half, rest] });
  },
  "6 levels": (excess) => `{"a":${"[".repeat(5 + excess)}${"]".repeat(5 + excess)}}`,
  "256 values": (excess) => JSON.stringify({ a: new Array(254 + excess).fill(0) }),
  "a text of 6,144 bytes": (excess) => JSON.stringify({ a: "x".repeat(6144 + excess) }),
  "a name of 64 bytes": (excess) => JSON.stringify({ ["n".repeat(64 + excess)]: 1 }),
};

for (const [name, make] of Object.entries(bounds))
  test(`a record has at most ${name}`, () => {
    const records = fresh();
    put(records, make(0));
    const record = records.read("record");
    assert(record, "the largest one");
    equal(JSON.stringify(record), make(0));
    put(records, make(1));
    equal(records.read("record"), undefined, "one more");
  });

test("what is no JSON object counts as absent", () => {
  const records = fresh();
  for (const text of ["", " ", "{", '{"a":1', '{"a":1}}', "[1]", "1", "null", "\u0000"]) {
    put(records, text);
    equal(records.read("record"), undefined, text);
  }
});
