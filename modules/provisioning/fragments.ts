import type { MessageSecurity } from "./message-security";
import { encodeText } from "./text";

/**
 * Messages of the camera endpoints, cut to the size of an attribute value. Every value begins with a header byte: bit 7 is set
 * on the last fragment, bits 6 to 0 count the fragments from 0 and go on with 0 after 126. The header 0xFF is not a fragment:
 * an error outside the session follows, as plain JSON.
 */
export const lastFragment = 0x80;
export const indexModulus = 127;
export const errorHeader = 0xff;

export type FragmentProblem = "OutOfOrder" | "TooLong";

export interface MessageLimit {
  /** Bytes of the longest message that may begin now. */
  readonly longestMessage: number;
}

/**
 * Puts a message together. A message of several fragments gets a buffer for the longest one at once: a buffer that grows is there twice
 * while it is copied, which is more. It is given away with the message, so that it is free again when the message has been read.
 */
export class FragmentReader {
  #host: MessageLimit;
  #buffer: Uint8Array | undefined;
  #length = 0;
  #index = 0;

  constructor(host: MessageLimit) {
    this.#host = host;
  }

  /**
   * Takes one value: its header and what is behind it.
   * @returns the whole message after its last fragment, undefined before it, or the name of the problem; then the reader is
   * back at the beginning
   */
  push(header: number, payload: Uint8Array): Uint8Array | FragmentProblem | undefined {
    if ((header & 0x7f) !== this.#index) return this.fail("OutOfOrder");
    const end = this.#length + payload.length;
    const longest = this.#buffer ? this.#buffer.length : this.#host.longestMessage;
    if (end > longest) return this.fail("TooLong");
    const isLast = (header & lastFragment) !== 0;
    if (isLast && !this.#buffer) return payload;
    this.#buffer ??= new Uint8Array(longest);
    const buffer = this.#buffer;
    buffer.set(payload, this.#length);
    this.#length = end;
    this.#index = (this.#index + 1) % indexModulus;
    if (!isLast) return undefined;
    const message = buffer.subarray(0, end);
    this.reset();
    return message;
  }

  private reset(): void {
    this.#buffer = undefined;
    this.#length = 0;
    this.#index = 0;
  }

  private fail(problem: FragmentProblem): FragmentProblem {
    this.reset();
    return problem;
  }
}

/** Hands out a text value by value. Only the piece that is on its way exists as bytes. */
export class FragmentWriter {
  #text: string;
  #security: MessageSecurity;
  #position = 0;
  #rest: Uint8Array = new Uint8Array(0);
  #index = 0;

  /** @param security seals each fragment, with its header */
  constructor(text: string, security: MessageSecurity) {
    this.#text = text;
    this.#security = security;
  }

  /** Whether the last fragment has been handed out. */
  get done(): boolean {
    return this.#index > 0 && this.#position === this.#text.length && !this.#rest.length;
  }

  /** The next value, at most `limit` bytes with its header; there must be room for more than that and the tag. */
  next(limit: number): ArrayBuffer {
    const { overhead } = this.#security;
    const room = limit - 1 - overhead;
    const bytes = this.#rest.length ? this.#rest : this.encode(room);
    const count = Math.min(room, bytes.length);
    this.#rest = bytes.subarray(count);
    const value = new Uint8Array(1 + count + overhead);
    value.set(bytes.subarray(0, count), 1);
    value[0] = this.#index % indexModulus;
    this.#index += 1;
    if (this.done) value[0] |= lastFragment;
    this.#security.seal(value, 1);
    return value.buffer as ArrayBuffer;
  }

  /** As many characters as may fit; characters outside ASCII take more bytes than room is, and leave a rest. */
  private encode(room: number): Uint8Array {
    let end = Math.min(this.#position + room, this.#text.length);
    if (end < this.#text.length && isHighSurrogate(this.#text.charCodeAt(end - 1))) end += 1;
    const piece = this.#text.slice(this.#position, end);
    this.#position = end;
    return encodeText(piece);
  }
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code < 0xdc00;
}
