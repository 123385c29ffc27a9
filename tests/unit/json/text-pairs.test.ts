import { parseJSON } from "../../../modules/json/parse-json";
import {
  lastOfEach,
  packPairs,
  pairsToJSON,
  type TextPairs,
  textOf,
  textPairs,
  unpackPairs,
} from "../../../modules/json/text-pairs";
import { equal, test, throws } from "../harness";

const bounds = { count: 3, name: 4, value: 5, total: 12 };
const shape = { bytes: 1000, depth: 4, values: 40, text: 100, name: 20, names: ["map"], maps: ["map"] };

function read(text: string): TextPairs {
  return textPairs(parseJSON(ArrayBuffer.fromString(`{"map":${text}}`), shape).map, "map", bounds);
}

test("strings by their names, as many and as long as they may be", () => {
  equal(read("{}"), []);
  equal(read('{"abcd":"12345","b":"","c":"3"}'), [
    ["abcd", "12345"],
    ["b", ""],
    ["c", "3"],
  ]);
  equal(read('{"\\u005f_p":"a"}'), [["__p", "a"]]);
  equal(read('{"a":"12345","b":"12345"}').length, 2);
});

test("of a name that is there twice the last one counts", () => {
  equal(read('{"a":"y","1":"x","a":"z"}'), [
    ["1", "x"],
    ["a", "z"],
  ]);
  equal(read('{"a":"1","a":"2","a":"3"}'), [["a", "3"]]);
  equal(read('{"a":"1","A":"2"}').length, 2);
  equal(lastOfEach([]), []);
});

test("a value by its name", () => {
  const pairs = read('{"a":"1","b":"","c":"3"}');
  equal([textOf(pairs, "a"), textOf(pairs, "b"), textOf(pairs, "c")], ["1", "", "3"]);
  for (const name of ["A", "toString", "length", "0", ""]) equal(textOf(pairs, name), undefined, name);
});

test("packed and unpacked", () => {
  const all = ["{}", '{"a":""}', '{"a":"1","b":": 2","c:":""}'];
  for (const text of all) equal(unpackPairs(packPairs(read(text))), read(text), text);
  equal(packPairs(read(all[2])), "a\n1\nb\n: 2\nc:\n");
});

test("the object of JSON that pairs stand for", () => {
  equal(pairsToJSON([]), "{}");
  const odd = 'q"\\\n\u00e9';
  const pairs: TextPairs = [
    ["a", "1"],
    [odd, odd],
    ["c", "3"],
  ];
  equal(pairsToJSON(pairs), JSON.stringify({ a: "1", [odd]: odd, c: "3" }));
});

for (const [text, message] of [
  ["1", "an object of strings"],
  ["null", "an object of strings"],
  ['"x"', "an object of strings"],
  ['["x"]', "an object of strings"],
  ['[["a","b","c"]]', "an object of strings"],
  ['{"a":1}', "an object of strings"],
  ['{"a":null}', "an object of strings"],
  ['{"a":{}}', "an object of strings"],
  ['{"a":"1","b":"2","c":"3","d":"4"}', "more than 3 members"],
  ['{"":"1"}', "1 to 4 characters"],
  ['{"abcde":"1"}', "1 to 4 characters"],
  ['{"a":"123456"}', "more than 5 characters"],
  ['{"a":"12345","bc":"12345"}', "more than 12 characters"],
  ['{"a":"b\\nc"}', "line break"],
  ['{"a\\r":"b"}', "line break"],
] as const)
  test(`not ${text}`, () => {
    equal(throws(() => read(text), RangeError).message.includes(message), true, message);
  });
