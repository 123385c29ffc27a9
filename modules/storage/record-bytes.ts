/** Characters of a text that are turned into bytes at a time; what is shorter is written with the rest of its record. */
const piece = 256;

/**
 * A record as JSON. Long texts, such as certificates, are written into it piece by piece: they are in memory as values and as bytes, and not as the text of the
 * whole record as well.
 */
export function recordBytes(record: object): ArrayBuffer {
  const isLong = ([, value]: [string, unknown]) => typeof value === "string" && value.length > piece;
  const entries: [string, unknown][] = Object.entries(record);
  const long = entries.filter(isLong) as [string, string][];
  const rest = Object.fromEntries(entries.filter((entry) => !isLong(entry)));
  let length = 0;
  for (const [name, value] of long) length += `,"${name}":""`.length + put(value);
  const text = ArrayBuffer.fromString(JSON.stringify(rest));
  if (!length) return text;
  const isEmpty = text.byteLength === 2;
  const bytes = new Uint8Array(text.byteLength + length - (isEmpty ? 1 : 0));
  bytes.set(new Uint8Array(text));
  let at = text.byteLength - 1;
  for (const [name, value] of long) {
    at = putText(`${at > 1 ? "," : ""}"${name}":"`, bytes, at);
    at = put(value, bytes, at);
    at = putText('"', bytes, at);
  }
  putText("}", bytes, at);
  return bytes.buffer as ArrayBuffer;
}

/** A text as it stands between quotes. @returns where it ends; without `bytes` it is only counted */
function put(value: string, bytes?: Uint8Array, at = 0): number {
  for (let from = 0; from < value.length; ) {
    let end = from + piece;
    // Both halves of a pair of surrogates.
    if (value.charCodeAt(end - 1) >> 10 === 0x36) end += 1;
    const text = JSON.stringify(value.slice(from, end));
    at = putText(text.slice(1, -1), bytes, at);
    from = end;
  }
  return at;
}

function putText(text: string, bytes: Uint8Array | undefined, at: number): number {
  const encoded = new Uint8Array(ArrayBuffer.fromString(text));
  bytes?.set(encoded, at);
  return at + encoded.length;
}
