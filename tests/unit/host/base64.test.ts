import Base64 from "base64";
import { equal, test, throws } from "../harness";

// RFC 4648, section 10
const vectors = [
  ["", ""],
  ["f", "Zg=="],
  ["fo", "Zm8="],
  ["foo", "Zm9v"],
  ["foob", "Zm9vYg=="],
  ["fooba", "Zm9vYmE="],
  ["foobar", "Zm9vYmFy"],
];

test("the vectors of RFC 4648", () => {
  for (const [plain, encoded] of vectors) {
    equal(Base64.encode(ArrayBuffer.fromString(plain)), encoded);
    equal(String.fromArrayBuffer(Base64.decode(encoded)), plain);
  }
});

test("all bytes, from a part of a buffer", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_value, index) => index);
  equal(Base64.decode(Base64.encode(bytes.buffer)), bytes);
  equal(Base64.encode(bytes.subarray(251, 254) as unknown as ArrayBuffer), "+/z9");
});

test("what is no base64 is refused", () => {
  for (const text of ["A", "Zm9v*", "Zg==x"]) throws(() => Base64.decode(text));
});
