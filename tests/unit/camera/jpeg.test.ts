import { dimensionsOf, JPEGScanner } from "../../../modules/camera/jpeg";
import { assert, equal, test } from "../harness";

/** A segment: marker, length, body. */
function segment(marker: number, body: number[]): number[] {
  const length = body.length + 2;
  return [0xff, marker, length >> 8, length & 255, ...body];
}

function startOfFrame(marker: number, width: number, height: number): number[] {
  return segment(marker, [8, height >> 8, height & 255, width >> 8, width & 255, 1, 1, 0x11, 0]);
}

const application = segment(0xe0, [0x4a, 0x46, 0x49, 0x46, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0]);
const huffman = segment(0xc4, [0, 0xff, 0xc0, 0xff, 0xd9]); // looks like markers, but is the body of a table
const scan = segment(0xda, [1, 1, 0, 0, 63, 0]);
const data = [1, 2, 0xff, 0, 3, 0xff, 0xd0, 0, 0, 4];

const picture = new Uint8Array([
  ...[0xff, 0xd8],
  ...application,
  ...huffman,
  ...startOfFrame(0xc0, 640, 480),
  ...scan,
  ...data,
  ...[0xff, 0xd9],
]);

function scanInPieces(bytes: Uint8Array, size: number): JPEGScanner {
  const scanner = new JPEGScanner();
  for (let at = 0; at < bytes.length; at += size) scanner.write(bytes.subarray(at, at + size));
  return scanner;
}

function withZeros(count: number): Uint8Array {
  const longer = new Uint8Array(picture.length + count);
  longer.set(picture);
  return longer;
}

test("dimensions and end, whatever the size of the pieces", () => {
  for (let size = 1; size <= picture.length; size++) {
    const scanner = scanInPieces(picture, size);
    assert(scanner.valid, `valid in pieces of ${size}`);
    equal(scanner.width, 640);
    equal(scanner.height, 480);
    equal(scanner.endOfImage, picture.length);
    equal(scanner.position, picture.length);
  }
});

test("zeros after the end marker do not hide it", () => {
  for (const zeros of [1, 2, 7, 300])
    for (let size = 1; size <= picture.length + zeros; size++)
      equal(scanInPieces(withZeros(zeros), size).endOfImage, picture.length, `${zeros} zeros in pieces of ${size}`);
});

test("a picture that is cut off has no end", () => {
  for (let length = 2; length < picture.length; length++)
    for (let size = 1; size <= 5; size++)
      equal(scanInPieces(picture.subarray(0, length), size).endOfImage, 0, `${length}`);
});

test("an end marker in the middle is not the end", () => {
  const bytes = new Uint8Array([...picture, 5, 6]);
  for (let size = 1; size <= bytes.length; size++) equal(scanInPieces(bytes, size).endOfImage, 0, `pieces of ${size}`);
});

test("0xFF and 0xD9 with zeros between them are no end marker", () => {
  const bytes = new Uint8Array([...picture.subarray(0, picture.length - 1), 0, 0, 0xd9]);
  for (let size = 1; size <= bytes.length; size++) equal(scanInPieces(bytes, size).endOfImage, 0, `pieces of ${size}`);
});

test("progressive frames and fill bytes before a marker", () => {
  const bytes = new Uint8Array([0xff, 0xd8, 0xff, 0xff, ...startOfFrame(0xc2, 2592, 1944), ...scan]);
  for (let size = 1; size <= 8; size++) {
    const scanner = scanInPieces(bytes, size);
    equal(scanner.width, 2592);
    equal(scanner.height, 1944);
  }
});

test("what is no JPEG is not valid", () => {
  for (const bytes of [
    [0x08, 0x01, 0x08, 0x01],
    [0xff, 0xd9, 0xff, 0xd8],
    [0, 0, 0, 0],
    [0xff, 0xd8, 0x12, 0x34],
    [0xff, 0xd8, 0xff, 0xc0, 0, 3],
    [0xff, 0xd8, 0xff, 0xe0, 0, 1],
  ])
    equal(scanInPieces(new Uint8Array(bytes), 3).valid, false, bytes.join(" "));
  equal(dimensionsOf(new Uint8Array([0xff, 0xd8])), undefined);
});

test("reset begins again", () => {
  const scanner = new JPEGScanner();
  scanner.write(picture.subarray(0, 40));
  scanner.reset();
  equal(scanner.width, 0);
  scanner.write(picture);
  equal(scanner.endOfImage, picture.length);
  equal(JSON.stringify(dimensionsOf(picture)), JSON.stringify({ width: 640, height: 480 }));
});
