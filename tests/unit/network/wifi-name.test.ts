import rawString from "raw-string";
import {
  driverName,
  nameFromDriver,
  readableWiFiName,
  wifiName,
  wifiNameBytes,
} from "../../../modules/network/wifi-name";
import { assert, equal, test } from "../harness";

const text = (name: string) => new Uint8Array(ArrayBuffer.fromString(name));
const names: [string, Uint8Array, string][] = [
  ["ASCII", text("Home 2"), "Home 2"],
  ["UTF-8", text("Café 网络"), "Café 网络"],
  [
    "a pair of surrogates whose second half looks like an escaped byte",
    text("\u{1f4f7}\u{100ff}"),
    "\u{1f4f7}\u{100ff}",
  ],
  ["GBK", Uint8Array.of(0xb2, 0xe2, 0xca, 0xd4), "\\xB2\\xE2\\xCA\\xD4"],
  ["Latin-1", Uint8Array.of(0x43, 0x61, 0x66, 0xe9), "Caf\\xE9"],
  ["every byte but zero of the upper half, 32 at a time", Uint8Array.from({ length: 32 }, (_, i) => 0xe0 + i), ""],
  ["the lowest ones", Uint8Array.from({ length: 32 }, (_, i) => 0x80 + i), ""],
  ["UTF-8 that is cut", text("网络").slice(0, 5), "\\xE7\\xBD\\x91\\xE7\\xBB"],
  ["a lone surrogate, encoded", Uint8Array.of(0xed, 0xb2, 0x80), ""],
  ["the first of them", Uint8Array.of(0xed, 0xa0, 0x80), "\\xED\\xA0\\x80"],
  ["a pair of them", Uint8Array.of(0xed, 0xa0, 0xbd, 0xed, 0xb3, 0xb7), ""],
  ["the last letter before them", text("\ud7ff"), "\ud7ff"],
  ["zero in two bytes", Uint8Array.of(0x41, 0xc0, 0x80), "A\\xC0\\x80"],
];
/** XS 17 reads zero in two bytes of the driver's string as zero, and a name with zero is refused. */
const readsZero = text(rawString(Uint8Array.of(0xc0, 0x80))).length === 1;

for (const [what, bytes, readable] of names)
  test(`a name's bytes come back, also from storage and from the driver: ${what}`, () => {
    const name = wifiName(bytes);
    equal(wifiNameBytes(name), bytes);
    equal(wifiNameBytes(JSON.parse(JSON.stringify({ name })).name), bytes);
    const read = text(rawString(bytes));
    equal(read, readsZero && what === "zero in two bytes" ? Uint8Array.of(0x41, 0) : bytes);
    equal(text(driverName(name)), read);
    equal(wifiNameBytes(nameFromDriver(rawString(bytes))), read);
    if (readable) equal(readableWiFiName(name), readable);
    equal(readableWiFiName(readableWiFiName(name)), readableWiFiName(name));
  });

test("a zero byte is kept, so that it can be refused", () => {
  for (const bytes of [[0], [97, 0, 98], [0xc3, 0xa9, 0], [0, 0xe9]].map((it) => Uint8Array.from(it))) {
    const name = wifiName(bytes);
    equal(wifiNameBytes(name), bytes);
    assert(name.includes("\u0000"));
  }
});

test("names are equal when their bytes are", () => {
  const gbk = names[3][1];
  assert(wifiName(gbk) === nameFromDriver(rawString(gbk)));
  assert(wifiName(gbk) !== wifiName(gbk.slice(0, 3)));
});

test("what stands for no byte is text: lone surrogates, and the first letter beyond ASCII", () => {
  for (const name of ["\u0080", "\udbff", "\udc7f", "\udd00", "\udfff"]) {
    equal(wifiNameBytes(name), text(name));
    equal(readableWiFiName(name), name);
  }
});

test("a raw string has a bound", () => {
  equal(text(rawString(new Uint8Array(64).fill(0xff))).length, 64);
  let failed = false;
  try {
    rawString(new Uint8Array(65).fill(0xff));
  } catch {
    failed = true;
  }
  assert(failed);
});
