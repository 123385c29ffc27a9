/** The bytes of a message, or of any text, handed to a stream in pieces of so many bytes. */
export function feed<Stream extends { write(bytes: Uint8Array, from: number, to: number): void }>(
  stream: Stream,
  message: object | string,
  piece = 7,
): Stream {
  const bytes = new Uint8Array(ArrayBuffer.fromString(typeof message === "string" ? message : JSON.stringify(message)));
  for (let from = 0; from < bytes.length; from += piece)
    stream.write(bytes, from, Math.min(from + piece, bytes.length));
  return stream;
}

/** So many spaces, which JSON may have between any two tokens. */
export function feedSpace(stream: { write(bytes: Uint8Array, from: number, to: number): void }, count: number): void {
  const bytes = new Uint8Array(256).fill(0x20);
  for (let rest = count; rest > 0; rest -= 256) stream.write(bytes, 0, Math.min(rest, 256));
}
