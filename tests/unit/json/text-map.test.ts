import { parseJSON } from "../../../modules/json/parse-json";
import { textMap } from "../../../modules/json/text-map";
import { equal, test, throws } from "../harness";

const bounds = { count: 3, name: 4, value: 5, total: 12 };
const shape = { bytes: 1000, depth: 4, values: 40, text: 100, name: 20, names: ["map"], maps: ["map"] };

function read(text: string): Record<string, string> {
  return textMap(parseJSON(ArrayBuffer.fromString(`{"map":${text}}`), shape).map, "map", bounds);
}

test("strings by their names, as many and as long as they may be", () => {
  equal(read("{}"), {});
  equal(read('{"abcd":"12345","b":"","c":"3"}'), { abcd: "12345", b: "", c: "3" });
  equal(read('{"a":"12345","b":"12345"}'), { a: "12345", b: "12345" });
  equal(Object.keys(read('{"1":"x","a":"y","a":"z"}')), ["1", "a"]);
  const map = read('{"__proto__":"a"}'.replace("__proto__", "\\u005f_p"));
  equal(Object.getPrototypeOf(map), null);
  equal(map.toString, undefined);
});

for (const [text, message] of [
  ["1", "an object of strings"],
  ["null", "an object of strings"],
  ['"x"', "an object of strings"],
  ['["x"]', "an object of strings"],
  ['[["a","b","c"]]', undefined],
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
    if (message === undefined) equal(read(text), { a: "b" });
    else equal(throws(() => read(text), RangeError).message.includes(message), true, message);
  });
