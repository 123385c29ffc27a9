import { type JSONMap, type JSONShape, parseJSON } from "../../../modules/json/parse-json";
import { assert, equal, test, throws } from "../harness";

const shape: JSONShape = { bytes: 1000, depth: 4, values: 20, text: 100, name: 20 };
const roomy: JSONShape = { bytes: 100_000, depth: 31, values: 10_000, text: 100_000, name: 100_000 };

const encode = (text: string) => ArrayBuffer.fromString(text);
const bytesOf = (...parts: (string | number)[]) => {
  const all: number[] = [];
  for (const part of parts) {
    if (typeof part === "number") all.push(part);
    else for (const byte of new Uint8Array(encode(part))) all.push(byte);
  }
  return Uint8Array.from(all);
};
const parse = (text: string, bounds = shape) => parseJSON(encode(text), bounds);

test("values of all kinds are what JSON.parse makes of them", () => {
  for (const text of [
    "{}",
    ' \t\r\n{ "a" : [ ] , "b" : { } } \n',
    '{"a":true,"b":false,"c":null}',
    '{"a":[0,-0,1,-12,1.5,0.25,1e3,1E+2,1e-2,-1.5e+10,123456789012345]}',
    '{"a":"","b":"x","c":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20AC"}',
    '{"a":"äöü€😀","ä":1,"\\u0061b":2}',
    '{"a":[[1,[2]],{"b":{"c":3}}],"d":[]}',
    '{"a":1,"b":2,"a":3}',
    '{"0":1,"7":2,"-1":3,"length":4,"constructor":5,"toString":6}',
  ])
    equal(parse(text), JSON.parse(text), text);
});

test("a name is no more than a name", () => {
  const value = parse('{"__proto__":{"url":"x"},"constructor":1}');
  equal(Object.getPrototypeOf(value), null);
  equal(value.url, undefined);
  equal(Object.keys(value), ["__proto__", "constructor"]);
});

test("bytes in the middle of a buffer are read as those of a whole one", () => {
  const bytes = bytesOf("xx", '{"a":"bc","d":"\\n","e":1}', "}}");
  equal(parseJSON(bytes.subarray(2, bytes.length - 2), shape), { a: "bc", d: "\n", e: 1 });
});

test("only the names that are asked for become properties, at every level", () => {
  const named = { ...shape, depth: 5, names: ["a", "b", "list"] };
  equal(parse('{"x":{"a":1},"a":{"y":2,"b":3,"z":[{"a":1}]},"list":[{"a":1,"q":[1,[2]]},[1]],"w":"a"}', named), {
    a: { b: 3 },
    list: [{ a: 1 }, [1]],
  });
  equal(parse('{"a":1,"x":{"a":2},"a":3}', named), { a: 3 });
});

test("what kind of message it is says which further names are asked for", () => {
  const variants = { by: "kind", names: { one: ["a", "b"], two: ["b", "list"], none: [] } };
  const varied = { ...shape, names: ["kind", "c"], variants };
  const rest = '"a":1,"b":{"a":2,"c":3,"kind":"one"},"c":4,"list":[5]';
  const one = { a: 1, b: { a: 2, c: 3, kind: "one" }, c: 4, kind: "one" };
  equal(parse(`{${rest},"kind":"one"}`, varied), one);
  equal(parse(`{"kind":"two",${rest}}`, varied), { kind: "two", b: { c: 3, kind: "one" }, c: 4, list: [5] });
  for (const kind of ['"none"', '"three"', '"toString"', "7", "null", '{"kind":"one"}', '["one"]'])
    equal(parse(`{${rest},"kind":${kind}}`, varied), { c: 4, kind: JSON.parse(kind) }, kind);
  equal(parse(`{${rest}}`, varied), { c: 4 });
});

test("the kind is found as the member is: the last one, at the top, however it is written", () => {
  const varied = { ...shape, names: ["kind"], variants: { by: "kind", names: { one: ["a"], two: ["b"] } } };
  const rest = '"a":1,"b":2';
  equal(parse(`{"kind":"one",${rest},"kind":"two"}`, varied), { kind: "two", b: 2 });
  equal(parse(`{"kind":"one",${rest},"kind":[1]}`, varied), { kind: [1] });
  equal(parse(`{"kind":[1],"x":"two",${rest},"kind":"one"}`, varied), { kind: "one", a: 1 });
  equal(parse(`{"x":{"kind":"one"},"y":["kind","one"],${rest}}`, varied), {});
  equal(parse(`{"kin\\u0064":"\\u006fne",${rest}}`, varied), { kind: "one", a: 1 });
  equal(parse(`{"kind":"${"k".repeat(90)}",${rest}}`, varied), { kind: "k".repeat(90) });
  const long = { ...varied, variants: { by: "kind", names: { ["k".repeat(64)]: ["a"], ["k".repeat(65)]: ["b"] } } };
  equal(parse(`{"kind":"${"k".repeat(64)}",${rest}}`, long).a, 1);
  equal(parse(`{"kind":"${"k".repeat(65)}",${rest}}`, long).b, undefined, "longer than a kind is");
  for (const text of ['{"kind":"one"', '{"kind":"on', '{"kind":"one"}}'])
    throws(() => parse(text, varied), "Malformed");
});

test("where a single value is asked for an array or an object is an empty one", () => {
  const flat = { ...shape, names: ["a", "list", "map"], maps: ["map"], nested: ["list"] };
  equal(parse('{"a":[1,[2]],"list":[1,[2],{"a":3}],"map":{"x":"y","z":["w"],"a":{"b":1}}}', flat), {
    a: [],
    list: [1, [], {}],
    map: [
      ["x", "y"],
      ["z", []],
      ["a", {}],
    ],
  });
  equal(parse('{"list":{"a":{"a":1},"list":[1],"map":{"a":[1]},"x":1},"a":{"list":[1]},"map":[1,[2]]}', flat), {
    list: { a: {}, list: [1], map: [["a", []]] },
    a: {},
    map: [1, []],
  });
});

test("an object with names of somebody else's is a list of pairs", () => {
  const mapped = { ...shape, names: ["headers", "a"], maps: ["headers"] };
  const { headers } = parse('{"headers":{"x":"1","__proto__":{"a":1,"b":2},"x":[true],"y":{}},"a":1}', mapped);
  equal(headers as JSONMap, [
    ["x", "1"],
    ["__proto__", { a: 1 }],
    ["x", [true]],
    ["y", {}],
  ]);
  equal(parse('{"headers":["x"],"a":{"headers":{}}}', mapped), { headers: ["x"], a: { headers: [] } });
});

test("of an object with names of somebody else's the first seventeen members are made", () => {
  const members = Array.from({ length: 18 }, (_, i) => `"n${i}":[${i}]`);
  const { map } = parse(`{"map":{${members.join()}}}`, { ...shape, values: 40, names: ["map"], maps: ["map"] });
  equal((map as JSONMap).length, 17);
  equal((map as JSONMap)[16], ["n16", [16]]);
});

test("each bound holds: what just fits is read, one more is refused by name", () => {
  const limits: [JSONShape, string, string, string][] = [
    [{ ...shape, bytes: 10 }, '{"a":1234}', '{"a":12345}', "TooLong"],
    [{ ...shape, depth: 3 }, '{"a":[{}]}', '{"a":[{"b":[]}]}', "TooDeep"],
    [{ ...shape, values: 4 }, '{"a":[1,{}]}', '{"a":[1,{"b":0}]}', "TooManyValues"],
    [{ ...shape, text: 5 }, '{"a":"12345"}', '{"a":"123456"}', "StringTooLong"],
    [{ ...shape, text: 6 }, '{"a":"\\u0041"}', '{"a":"\\u0041b"}', "StringTooLong"],
    [{ ...shape, text: 4 }, '{"a":"ää"}', '{"a":"ääx"}', "StringTooLong"],
    [{ ...shape, name: 3 }, '{"abc":"abcd"}', '{"abcd":1}', "StringTooLong"],
    [shape, `{"a":${"1".repeat(40)}}`, `{"a":${"1".repeat(41)}}`, "NumberTooLong"],
    [shape, `{"a":[0.${"1".repeat(38)}]}`, `{"a":[0.${"1".repeat(39)}]}`, "NumberTooLong"],
  ];
  for (const [bounds, good, bad, code] of limits) {
    equal(parse(good, bounds), JSON.parse(good), good);
    const error = throws(() => parse(bad, bounds), code);
    assert(error.message.startsWith(`${code}: more than `) || error.message.startsWith(`${code}: a name of`));
  }
});

test("what kills JSON.parse is refused before anything is made of it", () => {
  throws(() => parse(`{"a":${"[".repeat(340)}${"]".repeat(340)}}`), "TooDeep");
  throws(() => parse(`{"a":${"[".repeat(340)}`), "TooDeep");
  throws(() => parse(`{"a":${'{"b":'.repeat(100)}`), "TooDeep");
  throws(() => parse(`{"a":[${"1,".repeat(300)}1]}`), "TooManyValues");
  throws(() => parse(`{"a":"${"x".repeat(800)}"}`), "StringTooLong");
  throws(() => parse(`{"a":${"9".repeat(900)}}`), "NumberTooLong");
  throws(() => parse(`{"a":1${"0".repeat(900)}`), "NumberTooLong");
});

test("what is no JSON object is Malformed", () => {
  for (const text of [
    "",
    " ",
    "1",
    '"a"',
    "null",
    "[]",
    "{",
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a":1,',
    '{"a":1,}',
    "{,}",
    '{"a" 1}',
    '{"a":1 "b":2}',
    '{"a":[1 2]}',
    '{"a":[1,]}',
    '{"a":[,1]}',
    '{"a":[1}',
    '{"a":{"b":1]}',
    "{}x",
    "{}{}",
    "{a:1}",
    "{'a':1}",
    '{a":1}',
    '{"a":1,b":2}',
    '{"a":xull}',
    '{"a":frue}',
    '{"a":tru}',
    '{"a":trux}',
    '{"a":True}',
    '{"a":nulll}',
    '{"a":falsee}',
    '{"a":undefined}',
    '{"a":NaN}',
    '{"a":01}',
    '{"a":-}',
    '{"a":-a}',
    '{"a":+1}',
    '{"a":.5}',
    '{"a":1.}',
    '{"a":1.e1}',
    '{"a":1e}',
    '{"a":1e+}',
    '{"a":1e+-1}',
    '{"a":1-1}',
    '{"a":1.5.5}',
    '{"a":1e5e5}',
    '{"a":0x10}',
    '{"a":"b}',
    '{"a":"\\x"}',
    '{"a":"\\u12g4"}',
    '{"a":"\\u12"}',
    '{"a":"\\U0041"}',
    '{"a":"\n"}',
    '{"a":"\t"}',
    '{"a":1}/**/',
    '{"a":\u000b1}',
    '{"a":\u00a01}',
  ])
    throws(() => parse(text), "Malformed");
});

test("a byte order mark, a NUL and what is no UTF-8 are Malformed", () => {
  const error = throws(() => parseJSON(bytesOf(0xef, 0xbb, 0xbf, '{"a":1}'), shape), "Malformed");
  assert(error.message.includes("byte order mark"));
  for (const bytes of [
    [0],
    [0x80],
    [0xbf],
    [0xc0, 0x80],
    [0xc1, 0xbf],
    [0xc3],
    [0xc3, 0x28],
    [0xe0, 0x9f, 0x80],
    [0xe2, 0x82],
    [0xed, 0xa0, 0x80],
    [0xed, 0xbf, 0xbf],
    [0xf0, 0x8f, 0x80, 0x80],
    [0xf0, 0x9f, 0x98],
    [0xf4, 0x90, 0x80, 0x80],
    [0xf5, 0x80, 0x80, 0x80],
    [0xff],
  ]) {
    throws(() => parseJSON(bytesOf('{"a":"', ...bytes, '"}'), shape), "Malformed");
    throws(() => parseJSON(bytesOf('{"', ...bytes, '":1}'), shape), "Malformed");
    throws(() => parseJSON(bytesOf('{"a":', ...bytes, "1}"), shape), "Malformed");
  }
  for (const bytes of [
    [0x7f],
    [0xc2, 0x80],
    [0xdf, 0xbf],
    [0xe0, 0xa0, 0x80],
    [0xed, 0x9f, 0xbf],
    [0xee, 0x80, 0x80],
    [0xef, 0xbf, 0xbf],
    [0xf0, 0x90, 0x80, 0x80],
    [0xf4, 0x8f, 0xbf, 0xbf],
  ]) {
    const expected = String.fromArrayBuffer(Uint8Array.from(bytes).buffer);
    equal(parseJSON(bytesOf('{"a":"', ...bytes, '"}'), shape), { a: expected });
  }
});

test("a NUL and a lone surrogate that are written as escapes stay what they are", () => {
  const { nul, low, high } = parse('{"nul":"a\\u0000b","low":"\\udc00","high":"\\ud83d"}') as Record<string, string>;
  equal([nul.length, nul.charCodeAt(1)], [3, 0]);
  equal([low.charCodeAt(0), high.charCodeAt(0)], [0xdc00, 0xd83d]);
  const again = JSON.stringify({ nul, low, high });
  trace(`${again}\n`);
  equal(parse(again), { nul, low, high });
});

test("nothing else is refused than what JSON.parse refuses, on every prefix and with every byte changed", () => {
  const text = '{"a":[1,-2.5e+3,"x\\u00e9\\n",{"b":null,"c":[true,false]}],"d":"ü"}';
  const bytes = new Uint8Array(encode(text));
  let refused = 0;
  for (let end = 0; end < bytes.length; end += 1) throws(() => parseJSON(bytes.slice(0, end), roomy), "Malformed");
  for (let at = 0; at < bytes.length; at += 1)
    for (const byte of [0x00, 0x20, 0x22, 0x2c, 0x2d, 0x30, 0x3a, 0x5b, 0x5c, 0x5d, 0x65, 0x7b, 0x7d, 0x80, 0xff]) {
      const changed = bytes.slice();
      changed[at] = byte;
      let expected: unknown;
      try {
        expected = JSON.parse(String.fromArrayBuffer(changed.buffer as ArrayBuffer));
      } catch {
        refused += 1;
      }
      if (expected === undefined || typeof expected !== "object") throws(() => parseJSON(changed, roomy), "Malformed");
      else equal(parseJSON(changed, roomy), expected);
    }
  assert(refused > 100);
});

test("what is passed over is checked like what is read", () => {
  const named = { ...shape, names: ["a"] };
  for (const value of ["trxe", "truf", "nul1", "falze", "01", "1.", "[1,]", '"\\x"', "{,}"])
    for (const text of [`{"a":1,"x":${value}}`, `{"x":${value},"a":1}`, `{"x":[${value}],"a":1}`])
      throws(() => parse(text, named), "Malformed");
  equal(parse('{"x":[true,false,null,-0.5e+1,"\\n",{}],"a":1}', named), { a: 1 });
});
