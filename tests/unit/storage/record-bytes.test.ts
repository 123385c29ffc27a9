import { recordBytes } from "../../../modules/storage/record-bytes";
import { assert, equal, test } from "../harness";

const written = (record: object) => String.fromArrayBuffer(recordBytes(record));
const read = (record: object) => JSON.parse(written(record));

/** Above and below the length from which a text is written piece by piece, and with pairs of surrogates across a piece's end. */
const texts = [
  "",
  "x".repeat(256),
  "x".repeat(257),
  "x".repeat(512),
  "line\n".repeat(300),
  `${"x".repeat(255)}😀${"y".repeat(254)}😀`,
  `${"x".repeat(256)}😀`,
  "😀".repeat(300),
  `x${"😀".repeat(300)}`,
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

test("pieces leave no trace: the bytes are those of the whole text, no half of a pair is written by itself", () => {
  for (const text of texts) {
    assert(written({ text }) === JSON.stringify({ text }), JSON.stringify(text.slice(250, 260)));
    const plain = JSON.stringify({ a: 1, text, more: text });
    assert(written({ a: 1, text, more: text }) === plain, JSON.stringify(text.slice(250, 260)));
  }
});

test("a text of 256 characters stays in its place, longer ones follow the rest in their order", () => {
  const short = "s".repeat(256);
  const long = "l".repeat(257);
  equal(written({ short, a: 1 }), JSON.stringify({ short, a: 1 }));
  equal(written({ long, a: 1, longer: `${long}l`, b: 2 }), JSON.stringify({ a: 1, b: 2, long, longer: `${long}l` }));
});
