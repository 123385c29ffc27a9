/** XS also takes an offset and a length, which spares a copy; the published typings do not know. */
const fromArrayBuffer = String.fromArrayBuffer as (buffer: ArrayBufferLike, offset?: number, length?: number) => string;

/** @throws an error when the bytes are not UTF-8 */
export function decodeText(bytes: Uint8Array): string {
  return fromArrayBuffer(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function encodeText(text: string): Uint8Array {
  return new Uint8Array(ArrayBuffer.fromString(text));
}
