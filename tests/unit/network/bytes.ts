/** What TLS and DER are written with. */

type Part = number | string | ArrayBuffer | Uint8Array | readonly number[];

function partBytes(part: Part): Uint8Array {
  if (typeof part === "number") return Uint8Array.of(part);
  if (typeof part === "string") return new Uint8Array(ArrayBuffer.fromString(part));
  return part instanceof Uint8Array ? part : new Uint8Array(part as ArrayBuffer);
}

/** One after the other; a number is a byte, a text its UTF-8. */
export function join(...parts: Part[]): Uint8Array<ArrayBuffer> {
  const pieces = parts.map(partBytes);
  const joined = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}

/** Big-endian, in `size` bytes. */
export function uint(size: number, value: number): number[] {
  const digits: number[] = [];
  for (let i = size - 1; i >= 0; i--) digits.push(Math.floor(value / 256 ** i) % 256);
  return digits;
}

/** TLS's vector: the length in `size` bytes, and the content. */
export function vector(size: number, ...parts: Part[]): Uint8Array<ArrayBuffer> {
  const content = join(...parts);
  return join(uint(size, content.length), content);
}

/** Bytes of which each says where it stands. */
export function pattern(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 255);
}
