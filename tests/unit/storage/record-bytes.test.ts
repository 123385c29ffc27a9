import { recordBytes } from "../../../modules/storage/record-bytes";
import { equal, test } from "../harness";

const read = (record: object) => JSON.parse(String.fromArrayBuffer(recordBytes(record)));

/** Above and below the length from which a text is written piece by piece, and with pairs of surrogates across a piece's end. */
const texts = [
  "",
  "x".repeat(256),
  "x".repeat(257),
  "x".repeat(512),
  "line\n".repeat(300),
  `${"x".repeat(255)}😀${"y".repeat(254)}😀`,
  "😀".repeat(300),
  '"\\\u0001\t'.repeat(100),
  "äé€".repeat(200),
];

test("a record of any texts is what was written", () => {
  for (const text of texts) {
    equal(read({ text }), { text });
    equal(read({ a: 1, text, b: [text, 2], c: text, d: null, e: { text } }), {
      a: 1,
      text,
      b: [text, 2],
      c: text,
      d: null,
      e: { text },
    });
  }
});

test("it is as long as it has to be, and members without a value are left out", () => {
  const long = "x".repeat(300);
  equal(recordBytes({ long, more: long }).byteLength, JSON.stringify({ long, more: long }).length);
  equal(recordBytes({ a: 1, long, none: undefined }).byteLength, JSON.stringify({ a: 1, long }).length);
  equal(read({}), {});
  equal(read({ none: undefined, long }), { long });
});
