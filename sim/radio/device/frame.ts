import { headerLength, maximumPayload } from "./protocol";

/** A frame for the radio daemon. @throws RangeError when it is longer than the protocol allows */
export function frame(type: number, head: number[], value?: Uint8Array): Uint8Array {
  const length = head.length + (value?.length ?? 0);
  if (length > maximumPayload) throw new RangeError(`frame of ${length} bytes`);
  const bytes = new Uint8Array(headerLength + length);
  bytes[0] = type;
  bytes[1] = length & 255;
  bytes[2] = length >> 8;
  bytes.set(head, headerLength);
  if (value) bytes.set(value, headerLength + head.length);
  return bytes;
}
