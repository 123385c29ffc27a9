import { JSONError, type JSONErrorCode } from "./json-error";
import { endsNumber, isDigit, NumberState, nextNumberState } from "./json-number";

/** What a message may have at most. */
export interface JSONBounds {
  /** Of all of it. */
  readonly bytes: number;
  /** Levels of objects and arrays, at most 31. */
  readonly depth: number;
  /** Values of all kinds, objects and arrays included. */
  readonly values: number;
  /** Bytes of a string as it stands in the JSON, without its quotes. */
  readonly text: number;
  /** The same of a member's name. */
  readonly name: number;
}

/** Characters of a number: a double that is written in full has 25. */
const numberLimit = 40;

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const comma = 0x2c;
const colon = 0x3a;

/** What the next byte has to be. Those from `string` on are inside of a token. */
const State = Object.freeze({
  value: 0,
  valueOrEnd: 1,
  name: 2,
  nameOrEnd: 3,
  colon: 4,
  commaOrEnd: 5,
  nothing: 6,
  string: 7,
  escape: 8,
  hex: 9,
  continuation: 10,
  number: 11,
  word: 12,
});

/** What a byte has brought about. */
const Event = Object.freeze({
  none: 0,
  opened: 1,
  closed: 2,
  /** With this byte a token is complete. */
  token: 3,
  /** A token was complete before this byte, which has to be looked at again. */
  tokenBefore: 4,
  failed: 5,
});

/**
 * Goes through JSON byte by byte, in pieces of any length: checks it (RFC 8259, UTF-8; the text has to be an object) and measures it, in
 * memory that does not depend on it, without recursion. Nothing is made of what it reads; that is for classes that extend it.
 *
 * Records are read, and messages come in, where most of the stack is used up. That is why the functions below return an event, and only `push`
 * calls what a class may add, and throws.
 */
export class JSONScanner {
  protected readonly bounds: JSONBounds;
  /** Open objects and arrays. */
  protected depth = 0;
  /** Where the token began, quote included, if it was in this piece. */
  protected start = 0;
  /** The token that is read is, or was, a member's name. */
  protected isName = false;
  /** It has a backslash in it. */
  protected isEscaped = false;
  #state: number = State.value;
  /** A bit for each open level: 1 for an object. */
  #kinds = 0;
  #values = 0;
  #total = 0;
  /** Bytes of a string without the quotes, or of a number. */
  #length = 0;
  /** Bytes that are still to come of an escape, of a character, or of a word. */
  #rest = 0;
  /** What the next byte of a character has to be between. */
  #low = 0;
  #high = 0;
  #number: number = NumberState.start;
  #word = "";
  #code: JSONErrorCode = "Malformed";
  #detail = "";

  constructor(bounds: JSONBounds) {
    this.bounds = bounds;
  }

  /** Takes the next bytes. @throws JSONError */
  push(bytes: Uint8Array, from = 0, to = bytes.length): void {
    this.#total += to - from;
    if (this.#total > this.bounds.bytes) throw new JSONError("TooLong", `more than ${this.bounds.bytes} bytes`);
    for (let at = from; at < to; at += 1) {
      // Most of all bytes are the inside of a string.
      if (this.#state === State.string) at = this.passPlain(bytes, at, to);
      if (at === to) break;
      const event = this.take(bytes[at], at);
      if (event === Event.none) continue;
      if (event === Event.failed) throw new JSONError(this.#code, this.#detail);
      if (event === Event.token) this.tokenEnds(at + 1);
      else if (event === Event.opened) this.opened();
      else if (event === Event.closed) this.closed();
      else {
        this.tokenEnds(at);
        at -= 1;
      }
    }
    if (this.#state < State.string) return;
    if (this.isTooLong()) throw new JSONError(this.#code, this.#detail);
    this.paused(bytes, to);
  }

  /** There is no more. @throws JSONError */
  end(): void {
    if (this.#state !== State.nothing) throw new JSONError("Malformed", "it ends early");
  }

  /** A token (name, string, number, true, false, null) is complete; `at` is behind its last byte, quote included. */
  protected tokenEnds(_at: number): void {}

  /** The piece has ended within a token. */
  protected paused(_bytes: Uint8Array, _at: number): void {}

  /** An object or an array has begun: `depth` is its level. */
  protected opened(): void {}

  /** `depth` is that of what contains it. */
  protected closed(): void {}

  /** Whether what is open at that level, of 1 to `depth`, is an object. */
  protected isObjectAt(depth: number): boolean {
    return ((this.#kinds >> (this.depth - depth)) & 1) === 1;
  }

  private take(byte: number, at: number): number {
    const state = this.#state;
    if (state === State.string) return this.takeInString(byte);
    if (state === State.number) return this.takeInNumber(byte);
    if (state === State.word) return this.takeInWord(byte);
    if (state > State.string) return this.takeInCharacter(state, byte);
    if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) return Event.none;
    if (state === State.commaOrEnd) return this.takeCommaOrEnd(byte);
    if (state === State.colon) {
      this.#state = State.value;
      return byte === colon ? Event.none : this.fail("a colon is missing");
    }
    if (state === State.nothing) return this.fail("something follows it");
    if (state === State.nameOrEnd && byte === closeBrace) return this.close();
    if (state === State.valueOrEnd && byte === closeBracket) return this.close();
    this.start = at;
    return state === State.name || state === State.nameOrEnd ? this.beginName(byte) : this.beginValue(byte);
  }

  private fail(detail: string, code: JSONErrorCode = "Malformed"): number {
    this.#code = code;
    this.#detail = detail;
    return Event.failed;
  }

  private takeCommaOrEnd(byte: number): number {
    const isObject = (this.#kinds & 1) === 1;
    if (byte === (isObject ? closeBrace : closeBracket)) return this.close();
    this.#state = isObject ? State.name : State.value;
    return byte === comma ? Event.none : this.fail("a comma or a bracket is missing");
  }

  private beginName(byte: number): number {
    this.isName = true;
    this.isEscaped = false;
    this.#state = State.string;
    this.#length = 0;
    return byte === quote ? Event.none : this.fail("a name is missing");
  }

  private beginValue(byte: number): number {
    if (!this.depth && byte !== openBrace)
      return this.fail(byte === 0xef ? "it begins with a byte order mark" : "an object was expected");
    this.#values += 1;
    if (this.#values > this.bounds.values) return this.fail(`more than ${this.bounds.values} values`, "TooManyValues");
    this.isName = this.isEscaped = false;
    this.#length = 0;
    if (byte === openBrace || byte === openBracket) return this.open(byte === openBrace);
    if (byte === quote) this.#state = State.string;
    else if (byte === 0x2d || isDigit(byte)) {
      this.#state = State.number;
      this.#number = nextNumberState(NumberState.start, byte);
      this.#length = 1;
    } else return this.beginWord(byte);
    return Event.none;
  }

  private beginWord(byte: number): number {
    this.#state = State.word;
    this.#word = byte === 0x74 ? "true" : byte === 0x66 ? "false" : byte === 0x6e ? "null" : "";
    this.#rest = this.#word.length - 1;
    return this.#word ? Event.none : this.fail("a value is missing");
  }

  private open(isObject: boolean): number {
    if (this.depth === this.bounds.depth) return this.fail(`more than ${this.bounds.depth} levels`, "TooDeep");
    this.depth += 1;
    this.#kinds = (this.#kinds << 1) | (isObject ? 1 : 0);
    this.#state = isObject ? State.nameOrEnd : State.valueOrEnd;
    return Event.opened;
  }

  private close(): number {
    this.depth -= 1;
    this.#kinds >>= 1;
    this.#state = this.depth ? State.commaOrEnd : State.nothing;
    return Event.closed;
  }

  /** The index of the first byte that is no printable ASCII, or a quote or a backslash. */
  private passPlain(bytes: Uint8Array, from: number, to: number): number {
    let at = from;
    for (; at < to; at += 1) {
      const byte = bytes[at];
      if (byte < 0x20 || byte >= 0x80 || byte === quote || byte === backslash) break;
    }
    this.#length += at - from;
    return at;
  }

  private takeInString(byte: number): number {
    if (byte === quote) {
      if (this.isTooLong()) return Event.failed;
      this.#state = this.isName ? State.colon : State.commaOrEnd;
      return Event.token;
    }
    this.#length += 1;
    if (byte < 0x20) return this.fail("a string has a control character in it");
    if (byte >= 0x80) return this.beginCharacter(byte);
    this.isEscaped = true;
    this.#state = State.escape;
    return Event.none;
  }

  /** Of an escape, or of a character of several bytes. */
  private takeInCharacter(state: number, byte: number): number {
    this.#length += 1;
    if (state === State.escape) return this.takeEscape(byte);
    if (state === State.hex && !isHexDigit(byte)) return this.fail("an escape without its four digits");
    if (state === State.continuation && (byte < this.#low || byte > this.#high)) return this.fail("it is no UTF-8");
    this.#low = 0x80;
    this.#high = 0xbf;
    this.#rest -= 1;
    if (!this.#rest) this.#state = State.string;
    return Event.none;
  }

  private takeEscape(byte: number): number {
    this.#rest = 4;
    this.#state = byte === 0x75 ? State.hex : State.string;
    return byte === 0x75 || escapes.includes(byte) ? Event.none : this.fail("an unknown escape");
  }

  /** The first byte of a character tells how many follow, and what the second may be (RFC 3629, section 4). */
  private beginCharacter(byte: number): number {
    if (byte < 0xc2 || byte > 0xf4) return this.fail("it is no UTF-8");
    this.#rest = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    this.#low = byte === 0xe0 ? 0xa0 : byte === 0xf0 ? 0x90 : 0x80;
    this.#high = byte === 0xed ? 0x9f : byte === 0xf4 ? 0x8f : 0xbf;
    this.#state = State.continuation;
    return Event.none;
  }

  private takeInNumber(byte: number): number {
    const next = nextNumberState(this.#number, byte);
    if (next !== NumberState.end) {
      this.#number = next;
      this.#length += 1;
      return Event.none;
    }
    if (!endsNumber(this.#number)) return this.fail("a number is cut off");
    if (this.isTooLong()) return Event.failed;
    this.#state = State.commaOrEnd;
    return Event.tokenBefore;
  }

  private takeInWord(byte: number): number {
    if (byte !== this.#word.charCodeAt(this.#word.length - this.#rest)) return this.fail("an unknown word");
    this.#rest -= 1;
    if (this.#rest) return Event.none;
    this.#state = State.commaOrEnd;
    return Event.token;
  }

  /** Of the token so far: one that fills piece after piece is noticed before its end. */
  private isTooLong(): boolean {
    const { text, name } = this.bounds;
    if (this.#state === State.number) {
      if (this.#length <= numberLimit) return false;
      this.fail(`more than ${numberLimit} characters`, "NumberTooLong");
    } else if (this.isName) {
      if (this.#length <= name) return false;
      this.fail(`a name of more than ${name} bytes`, "StringTooLong");
    } else {
      if (this.#length <= text) return false;
      this.fail(`more than ${text} bytes`, "StringTooLong");
    }
    return true;
  }
}

/** `"`, `\`, `/`, b, f, n, r, t */
const escapes: readonly number[] = Object.freeze([quote, backslash, 0x2f, 0x62, 0x66, 0x6e, 0x72, 0x74]) as number[];

function isHexDigit(byte: number): boolean {
  const letter = byte | 0x20;
  return isDigit(byte) || (letter >= 0x61 && letter <= 0x66);
}
