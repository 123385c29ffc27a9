import { JSONError } from "./json-error";
import { type JSONBounds, JSONScanner } from "./json-scanner";
import { parseToken } from "./parse-json";

const noBytes = new Uint8Array(0);

/** Bytes of a name that could be ours, with its quotes; longer ones are passed over. */
const nameLimit = 66;

/**
 * Reads JSON of any length piece by piece and hands what is wanted of it, member by member, to the class that extends it. Beside that it
 * holds one name or value at most.
 *
 * Nothing is thrown out of `write`, which is called where bytes come in. Whether they were sound `finish` tells: nothing of what was
 * handed over may be used before it has returned.
 */
export abstract class MemberStream extends JSONScanner {
  #error?: JSONError;
  #piece: Uint8Array = noBytes;
  /** The beginning of a token that began in an earlier piece. */
  #token?: Uint8Array;
  /** It has more bytes than are wanted. */
  #isLong = false;
  /** Bytes that may be kept of the value that is awaited. 0: it is passed over. */
  #wanted = 0;
  #name = "";
  /** Level of the object or array that is passed over, 0 for none. */
  #passing = 0;

  /**
   * A member stands in the object of that level, 1 being the outermost.
   *
   * @returns how many bytes its value may have to be wanted, quotes and escapes included; 0: it is passed over
   */
  protected abstract roomFor(name: string, level: number): number;

  /** The value of the member that was named last: undefined when it is too long, an array, or an object that is not entered. */
  protected abstract member(name: string, value: unknown, level: number): void;

  /** A wanted value is an object. @returns false: it is passed over */
  protected abstract enters(name: string, level: number): boolean;

  /** Takes the next bytes, which are lent. Never throws. */
  write(bytes: Uint8Array, from = 0, to = bytes.length): void {
    if (this.#error) return;
    this.#piece = bytes;
    this.start = from;
    try {
      this.push(bytes, from, to);
    } catch (error) {
      this.#error = error instanceof JSONError ? error : new JSONError("Malformed", "it cannot be read");
    }
    this.#piece = noBytes;
  }

  /** The message is complete. @throws JSONError when it was not sound */
  finish(): void {
    if (this.#error) throw this.#error;
    this.end();
  }

  protected override paused(bytes: Uint8Array, at: number): void {
    if (this.room) this.#token = this.joined(bytes, at);
  }

  protected override tokenEnds(at: number): void {
    if (this.#passing) return;
    const value = this.room ? this.value(at) : undefined;
    this.#token = undefined;
    this.#isLong = false;
    if (!this.isName) {
      if (this.#wanted) this.member(this.#name, value, this.depth);
      return;
    }
    this.#name = typeof value === "string" ? value : "";
    this.#wanted = typeof value === "string" ? this.roomFor(value, this.depth) : 0;
  }

  protected override opened(): void {
    const level = this.depth - 1;
    if (this.#passing || !level) return;
    if (this.isObjectAt(this.depth) && this.#wanted && this.enters(this.#name, level)) return;
    this.#passing = this.depth;
    if (this.#wanted) this.member(this.#name, undefined, level);
  }

  protected override closed(): void {
    if (this.depth < this.#passing) this.#passing = 0;
  }

  /** Bytes that may be kept of the present token. */
  private get room(): number {
    if (this.#passing || this.#isLong) return 0;
    return this.isName ? nameLimit : this.#wanted;
  }

  private value(at: number): unknown {
    const isWhole = !this.#token && at - this.start <= this.room;
    if (isWhole) return parseToken(this.#piece, this.start, at, this.isEscaped);
    const token = this.joined(this.#piece, at);
    return token && parseToken(token, 0, token.length, this.isEscaped);
  }

  /** The token up to `at`; undefined when it is too long. */
  private joined(bytes: Uint8Array, at: number): Uint8Array | undefined {
    const before = this.#token?.length ?? 0;
    const length = before + at - this.start;
    this.#isLong = length > this.room;
    if (this.#isLong) return undefined;
    const token = new Uint8Array(length);
    if (this.#token) token.set(this.#token);
    token.set(bytes.subarray(this.start, at), before);
    return token;
  }
}

/** A version, a code or the like. @throws JSONError */
export function wholeNumber(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0)
    throw new JSONError("Malformed", "a number is no whole number");
  return value as number;
}

/** For messages of AWS IoT, of which 128 KB is the largest: what stands in them beside what is ours is passed over, whatever it is. */
export const streamBounds: JSONBounds = Object.freeze({
  bytes: 131_072,
  depth: 31,
  values: Infinity,
  text: Infinity,
  name: Infinity,
});
