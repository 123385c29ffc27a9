import KeyValueStorage, { type StorageFormat } from "embedded:storage/key-value";
import { equal, test, throws } from "../harness";

const open = (path: string, format: StorageFormat = "buffer") => KeyValueStorage.open({ path, format });

test("a value is there for another instance, until it is deleted", () => {
  const text = open("first", "string");
  text.write("greeting", "Grüße");
  equal(open("first", "string").read("greeting"), "Grüße");
  text.delete("greeting");
  equal(open("first", "string").read("greeting"), undefined);
  text.delete("greeting");
});

test("buffers of any length, zeroes included", () => {
  const storage = open("buffers");
  for (const length of [0, 1, 5, 4096]) {
    const bytes = Uint8Array.from({ length }, (_value, index) => index % 7);
    storage.write("bytes", bytes);
    equal(storage.read("bytes"), bytes);
  }
});

test("integers of each format keep their sign", () => {
  const values: [StorageFormat, number][] = [
    ["uint8", 255],
    ["int8", -128],
    ["uint16", 65535],
    ["int16", -32768],
    ["uint32", 4294967295],
    ["int32", -2147483648],
  ];
  for (const [format, value] of values) {
    const storage = open("integers", format);
    storage.write(format, value);
    equal(storage.read(format), value);
  }
});

test("reading another type than was written throws", () => {
  open("types", "string").write("a", "text");
  throws(() => open("types").read("a"), TypeError);
});

test("domains are apart, and keys may hold any character", () => {
  const storage = open("keys", "string");
  storage.write("a/../b", "1");
  storage.write("ä.new", "2");
  equal(storage.read("a/../b"), "1");
  equal(open("other", "string").read("a/../b"), undefined);
  equal([...(storage as unknown as Iterable<string>)].sort(), ["a/../b", "ä.new"]);
});

test("what the chip's NVS would refuse is refused", () => {
  const storage = open("limits", "string");
  throws(() => storage.write("sixteen letters!", "x"), RangeError);
  throws(() => storage.write("", "x"), RangeError);
  throws(() => storage.write("long", "x".repeat(4000)), RangeError);
  throws(() => open("sixteen letters!"), RangeError);
  throws(() => open("limits", "float64" as StorageFormat), RangeError);
});

test("a storage that was opened for reading refuses to write", () => {
  open("reading", "string").write("a", "1");
  const storage = KeyValueStorage.open({ path: "reading", format: "string", mode: "r" });
  equal(storage.read("a"), "1");
  throws(() => storage.write("a", "2"));
  throws(() => storage.delete("a"));
});

test("a closed storage throws", () => {
  const storage = open("closed");
  storage.close();
  storage.close();
  throws(() => storage.read("a"));
});
