/**
 * Messages of the camera endpoints, cut to the size of an attribute value. Every value begins with a header byte: bit 7 is set
 * on the last fragment, bits 6 to 0 count the fragments from 0 and go on with 0 after 126. The header 0xFF is not a fragment:
 * an error outside the session follows, as plain JSON.
 */
export const lastFragment = 0x80;
export const indexModulus = 127;
export const errorHeader = 0xff;

export type FragmentProblem = "OutOfOrder" | "TooLong";

/** Puts a message together in a buffer that is as large as the longest one and never grows. */
export class FragmentReader {
  #buffer: Uint8Array;
  #length = 0;
  #index = 0;

  constructor(buffer: Uint8Array) {
    this.#buffer = buffer;
  }

  /**
   * Takes one value.
   * @returns the whole message after its last fragment (a view that the next message overwrites), undefined before it, or the
   * name of the problem; then the reader is back at the beginning.
   */
  push(value: Uint8Array): Uint8Array | FragmentProblem | undefined {
    const header = value[0];
    const payload = value.subarray(1);
    if ((header & 0x7f) !== this.#index) return this.#fail("OutOfOrder");
    if (this.#length + payload.length > this.#buffer.length) return this.#fail("TooLong");
    this.#buffer.set(payload, this.#length);
    this.#length += payload.length;
    if (!(header & lastFragment)) {
      this.#index = (this.#index + 1) % indexModulus;
      return undefined;
    }
    const message = this.#buffer.subarray(0, this.#length);
    this.reset();
    return message;
  }

  reset(): void {
    this.#length = 0;
    this.#index = 0;
  }

  #fail(problem: FragmentProblem): FragmentProblem {
    this.reset();
    return problem;
  }
}

/** Hands out a message value by value. */
export class FragmentWriter {
  #message: Uint8Array;
  #position = 0;
  #index = 0;
  #done = false;

  constructor(message: Uint8Array) {
    this.#message = message;
  }

  /** Whether the last fragment has been handed out. */
  get done(): boolean {
    return this.#done;
  }

  /** The next value, at most `limit` bytes with its header. */
  next(limit: number): ArrayBuffer {
    const count = Math.min(limit - 1, this.#message.length - this.#position);
    const value = new Uint8Array(1 + count);
    const end = this.#position + count;
    this.#done = end === this.#message.length;
    value[0] = this.#index | (this.#done ? lastFragment : 0);
    value.set(this.#message.subarray(this.#position, end), 1);
    this.#position = end;
    this.#index = (this.#index + 1) % indexModulus;
    return value.buffer as ArrayBuffer;
  }
}
