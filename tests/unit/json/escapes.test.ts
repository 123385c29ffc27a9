import { resolveEscapes } from "../../../modules/json/escapes";
import { parseJSON } from "../../../modules/json/parse-json";
import { equal, test } from "../harness";

const bounds = { bytes: 10_000, depth: 3, values: 20, text: 10_000, name: 100 };
const bytesOf = (text: string) => new Uint8Array(ArrayBuffer.fromString(text));

for (const text of [
  "\\n",
  "a\\nb",
  '\\"\\\\\\/\\b\\f\\n\\r\\t',
  "\\\\n",
  "\\u0041\\u007f\\u0080\\u07ff\\u0800\\uffff",
  "\\u00e9\\u20AC\\uABCD\\uabcd",
  "\\ud83d\\ude00",
  "\\uD83D\\uDE00x",
  "a\\u0000b",
  "\\u0000",
  "\\ud800",
  "\\udc00",
  "\\udbff\\ud800",
  "\\ud83dx\\ude00",
  "\\ud83d\\n",
  "\\ud83d\\u0041",
  "\\u0041\\udc00",
  "\\udc00\\udc00",
  "\\ud83dxxdc00",
  "\\ud83d\\ndc00",
  "\\ud800\\udc00\\udbff\\udfff",
  "äö\\u00fc😀\\t€",
  `${"-----BEGIN-----\\n".repeat(90)}`,
])
  test(`"${text.slice(0, 40)}" is what the engine makes of it`, () => {
    const json = `{"a":["${text}","${text}"],"b":"${text}","c":"plain"}`;
    equal(parseJSON(bytesOf(json), bounds), JSON.parse(json));
  });

test("what stands around it is left alone", () => {
  const bytes = bytesOf('"a\\u0041\\n"\\n');
  equal(resolveEscapes(bytes, 1, 10), 4);
  equal(Array.from(bytes.subarray(0, 4)), [0x22, 0x61, 0x41, 0x0a]);
  equal(Array.from(bytes.subarray(10)), [0x22, 0x5c, 0x6e]);
});
