import { concat, fromUTF8 } from "./bytes.ts";
import type { MessageSecurity } from "./message-security.ts";

/** How messages of the camera endpoints are cut (modules/provisioning/README.md). */
const last = 0x80;
const modulus = 127;
const errorHeader = 0xff;

/** The message as attribute values of at most `limit` bytes, each sealed on its own, its header with it. */
export function toFragments(message: Uint8Array, limit: number, security: MessageSecurity): Uint8Array[] {
  const size = limit - 1 - security.overhead;
  const count = Math.max(1, Math.ceil(message.length / size));
  return Array.from({ length: count }, (_, i) => {
    const header = (i % modulus) | (i === count - 1 ? last : 0);
    return concat([Uint8Array.of(header), security.seal(message.subarray(i * size, (i + 1) * size), header)]);
  });
}

/** Puts an answer together. */
export class Assembler {
  #parts: Uint8Array[] = [];

  /**
   * Takes a fragment that was opened.
   * @returns the message after its last fragment, before it undefined
   * @throws Error when a fragment is missing
   */
  push(header: number, part: Uint8Array): Uint8Array | undefined {
    if ((header & 0x7f) !== this.#parts.length % modulus) throw new Error("a fragment is missing");
    this.#parts.push(part);
    return header & last ? concat(this.#parts) : undefined;
  }
}

/** The error that the camera gave in the clear, or undefined when the value is no such thing. */
export function plainError(value: Uint8Array): { code: string; message: string } | undefined {
  if (value[0] !== errorHeader) return undefined;
  try {
    return JSON.parse(fromUTF8(value.subarray(1))).error;
  } catch {
    return undefined;
  }
}
