import { JSONError } from "../../../modules/json/json-error";
import type { JSONBounds } from "../../../modules/json/json-scanner";
import { MemberStream, streamBounds, wholeNumber } from "../../../modules/json/member-stream";
import { equal, test, throws } from "../harness";
import { feed } from "./feed";

/** Wants members whose name begins with w, of up to `room` bytes, and enters objects whose name begins with we. */
class Picker extends MemberStream {
  told: unknown[] = [];
  asked: string[] = [];
  #room: number;

  constructor(room = 20, bounds: JSONBounds = streamBounds) {
    super(bounds);
    this.#room = room;
  }

  protected override roomFor(name: string, level: number): number {
    this.asked.push(`${name} ${level}`);
    return name.startsWith("w") ? this.#room : 0;
  }

  protected override member(name: string, value: unknown, level: number): void {
    this.told.push([name, value, level]);
  }

  protected override enters(name: string): boolean {
    return name.startsWith("we");
  }
}

const pieces = [1, 2, 3, 5, 7, 1000];

test("members that are wanted are handed over, each with its level, in pieces of any length", () => {
  const message =
    '{"w1":"a\\u0062c","x":{"w":1},"w2":-1.5e3,"we":{"w3":null,"y":[1],"we2":{"w4":true}},"w5":false,"z":"w","w6":"ü"}';
  for (const piece of pieces) {
    const picker = feed(new Picker(), message, piece);
    picker.finish();
    equal(
      picker.told,
      [
        ["w1", "abc", 1],
        ["w2", -1500, 1],
        ["w3", null, 2],
        ["w4", true, 3],
        ["w5", false, 1],
        ["w6", "ü", 1],
      ],
      `${piece} bytes at a time`,
    );
    equal(picker.asked, ["w1 1", "x 1", "w2 1", "we 1", "w3 2", "y 2", "we2 2", "w4 3", "w5 1", "z 1", "w6 1"]);
  }
});

test("in the place of an array, and of an object that is not entered, there is nothing; what is in it is nobody's", () => {
  for (const piece of pieces) {
    const picker = feed(new Picker(), '{"w":[{"w":1},"w"],"w1":{"w":2,"we":{"w":3}},"we":[{"w":4}],"w2":5}', piece);
    picker.finish();
    equal(picker.told, [
      ["w", undefined, 1],
      ["w1", undefined, 1],
      ["we", undefined, 1],
      ["w2", 5, 1],
    ]);
    equal(picker.asked, ["w 1", "w1 1", "we 1", "w2 1"]);
  }
});

test("a value may have as many bytes as there is room for, quotes and escapes included; of a longer one nothing is kept", () => {
  for (const piece of pieces)
    for (const [value, fits] of [
      ['"123456"', true],
      ['"1234567"', false],
      ['"\\u0041"', true],
      ['"äää"', true],
      ['"äääa"', false],
      ["12345678", true],
      ["123456789", false],
    ] as const) {
      const picker = feed(new Picker(8), `{"w":${value},"w1":1}`, piece);
      picker.finish();
      equal(picker.told, [
        ["w", fits ? JSON.parse(value) : undefined, 1],
        ["w1", 1, 1],
      ]);
    }
});

test("a name of 64 bytes may be ours, a longer one is passed over with its value", () => {
  const name = (length: number) => "w".padEnd(length, "x");
  for (const piece of pieces) {
    const picker = feed(new Picker(), `{"${name(64)}":1,"${name(65)}":2,"${name(200)}":[3],"w":4}`, piece);
    picker.finish();
    equal(picker.told, [
      [name(64), 1, 1],
      ["w", 4, 1],
    ]);
  }
});

test("nothing is thrown while bytes come; what was wrong first is told in the end, and nothing after it handed over", () => {
  for (const [message, code] of [
    ["", "Malformed"],
    ['{"w":1', "Malformed"],
    ['{"w":"', "Malformed"],
    ['{"w":1,}', "Malformed"],
    ['{"w":\\', "Malformed"],
    [`{"w":${"[".repeat(40)}`, "TooDeep"],
    [`{"w":${"1".repeat(50)}}`, "NumberTooLong"],
  ] as const)
    for (const piece of pieces) throws(() => feed(new Picker(), message, piece).finish(), code);
  for (const piece of pieces) {
    const picker = feed(new Picker(), '{"w1":1,}', piece);
    feed(picker, ',"w2":2}{"w3":3}', piece);
    throws(() => picker.finish(), "Malformed");
    equal(picker.told, [["w1", 1, 1]]);
  }
});

test("what the class itself throws is the message's fault, and nothing else comes out", () => {
  class Refusing extends Picker {
    protected override member(): void {
      throw this.asked[0] === "w 1" ? new JSONError("TooLong", "mine") : new TypeError("mine");
    }
  }
  throws(() => feed(new Refusing(), '{"w":1}').finish(), "TooLong");
  throws(() => feed(new Refusing(), '{"w1":1}').finish(), "Malformed");
});

test("only the bytes that are meant are read", () => {
  const bytes = new Uint8Array(ArrayBuffer.fromString('}}{"w":"abc"}{{'));
  for (const cut of [3, 6, 9, 12]) {
    const picker = new Picker();
    picker.write(bytes, 2, cut);
    picker.write(bytes, cut, 13);
    picker.finish();
    equal(picker.told, [["w", "abc", 1]]);
  }
  const whole = new Picker();
  whole.write(bytes.slice(2, 13));
  whole.finish();
  equal(whole.told, [["w", "abc", 1]]);
});

test("a value whose bytes are lent is kept, also when they are written over", () => {
  const picker = new Picker();
  const lent = new Uint8Array(4);
  const message = new Uint8Array(ArrayBuffer.fromString('{"w":"abcdef"}'));
  for (let at = 0; at < message.length; at += 4) {
    const count = Math.min(4, message.length - at);
    lent.set(message.subarray(at, at + count));
    picker.write(lent, 0, count);
    lent.fill(0);
  }
  picker.finish();
  equal(picker.told, [["w", "abcdef", 1]]);
});

test("a whole number is one from 0 on", () => {
  for (const value of [0, 1, Number.MAX_SAFE_INTEGER]) equal(wholeNumber(value), value);
  for (const value of [-1, 0.5, Number.MAX_SAFE_INTEGER + 1, Number.NaN, Infinity, "1", null, undefined, true, []])
    throws(() => wholeNumber(value), "Malformed");
});

test("a message of 128 KB is the longest", () => {
  const spaces = new Uint8Array(1024).fill(0x20);
  for (const [extra, code] of [
    [0, undefined],
    [1, "TooLong"],
  ] as const) {
    const picker = feed(new Picker(), '{"w":1}');
    for (let i = 0; i < 127; i += 1) picker.write(spaces);
    picker.write(spaces, 0, 1024 - 7 + extra);
    if (code) throws(() => picker.finish(), code);
    else equal(picker.finish(), undefined);
  }
});
