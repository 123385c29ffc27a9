import { JSONError } from "./json-error";
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

const malformed = (detail: string) => new JSONError("Malformed", detail);

/**
 * Goes through JSON byte by byte, in pieces of any length: checks it (RFC 8259, UTF-8; the text has to be an object) and measures it, in
 * memory that does not depend on it, without recursion. Nothing is made of what it reads; that is for classes that extend it.
 */
export class JSONScanner {
  protected readonly bounds: JSONBounds;
  /** Open objects and arrays. */
  protected depth = 0;
  /** The token that is read is, or was, a member's name. */
  protected isName = false;
  /** It has a backslash in it. */
  protected isEscaped = false;
  #state: number = State.value;
  /** A bit for each open level: 1 for an object. */
  #kinds = 0;
  #values = 0;
  #total = 0;
  /** Bytes of the token, and of its string without the quotes. */
  #length = 0;
  /** Bytes that are still to come of an escape, of a character, or of a word. */
  #rest = 0;
  /** What the next byte of a character has to be between. */
  #low = 0;
  #high = 0;
  #number: number = NumberState.minus;
  #word = "";

  constructor(bounds: JSONBounds) {
    this.bounds = bounds;
  }

  /** Takes the next bytes. @throws JSONError */
  push(bytes: Uint8Array, from = 0, to = bytes.length): void {
    this.#total += to - from;
    if (this.#total > this.bounds.bytes) throw new JSONError("TooLong", `more than ${this.bounds.bytes} bytes`);
    for (let at = from; at < to; at += 1) {
      // Most of all bytes are the inside of a string.
      if (this.#state === State.string) {
        const end = endOfPlain(bytes, at, to);
        this.#length += end - at;
        at = end;
        if (at === to) break;
      }
      this.step(bytes[at], at);
    }
    if (this.#state >= State.string) {
      this.checkLength();
      this.paused(bytes, to);
    }
  }

  /** There is no more. @throws JSONError */
  end(): void {
    if (this.#state !== State.nothing) throw malformed("it ends early");
  }

  /** A token (name, string, number, true, false, null) begins; `at` is its first byte, quote included. */
  protected tokenBegins(_at: number): void {}

  /** `at` is behind its last byte, quote included. */
  protected tokenEnds(_at: number): void {}

  /** The piece has ended within a token. */
  protected paused(_bytes: Uint8Array, _at: number): void {}

  protected opened(_isObject: boolean): void {}

  /** `depth` is that of what contains it. */
  protected closed(): void {}

  /** Whether what is open at that level, of 1 to `depth`, is an object. */
  protected isObjectAt(depth: number): boolean {
    return ((this.#kinds >> (this.depth - depth)) & 1) === 1;
  }

  private step(byte: number, at: number): void {
    const state = this.#state;
    if (state === State.string) this.takeInString(byte, at);
    else if (state === State.escape) this.takeEscape(byte);
    else if (state === State.hex) this.takeHex(byte);
    else if (state === State.continuation) this.takeContinuation(byte);
    else if (state === State.number) this.takeInNumber(byte, at);
    else if (state === State.word) this.takeInWord(byte, at);
    else if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) this.takeBetween(state, byte, at);
  }

  private takeBetween(state: number, byte: number, at: number): void {
    if (state === State.commaOrEnd) this.takeCommaOrEnd(byte);
    else if (state === State.colon) {
      if (byte !== colon) throw malformed("a colon is missing");
      this.#state = State.value;
    } else if (state === State.nothing) throw malformed("something follows it");
    else if (state === State.nameOrEnd && byte === closeBrace) this.close();
    else if (state === State.valueOrEnd && byte === closeBracket) this.close();
    else if (state === State.name || state === State.nameOrEnd) this.beginName(byte, at);
    else this.beginValue(byte, at);
  }

  private takeCommaOrEnd(byte: number): void {
    const isObject = (this.#kinds & 1) === 1;
    if (byte === comma) this.#state = isObject ? State.name : State.value;
    else if (byte === (isObject ? closeBrace : closeBracket)) this.close();
    else throw malformed("a comma or a bracket is missing");
  }

  private beginName(byte: number, at: number): void {
    if (byte !== quote) throw malformed("a name is missing");
    this.isName = true;
    this.begin(State.string, at);
  }

  private beginValue(byte: number, at: number): void {
    if (!this.depth && byte !== openBrace)
      throw malformed(byte === 0xef ? "it begins with a byte order mark" : "an object was expected");
    this.#values += 1;
    if (this.#values > this.bounds.values)
      throw new JSONError("TooManyValues", `more than ${this.bounds.values} values`);
    this.isName = false;
    if (byte === openBrace || byte === openBracket) this.open(byte === openBrace);
    else if (byte === quote) this.begin(State.string, at);
    else if (byte === 0x2d || isDigit(byte)) {
      this.begin(State.number, at);
      this.#number = NumberState.start;
      this.takeInNumber(byte, at);
    } else this.beginWord(byte, at);
  }

  private beginWord(byte: number, at: number): void {
    const word = byte === 0x74 ? "true" : byte === 0x66 ? "false" : byte === 0x6e ? "null" : "";
    if (!word) throw malformed("a value is missing");
    this.begin(State.word, at);
    this.#word = word;
    this.#rest = word.length - 1;
  }

  private begin(state: number, at: number): void {
    this.#state = state;
    this.#length = 0;
    this.isEscaped = false;
    this.tokenBegins(at);
  }

  private open(isObject: boolean): void {
    if (this.depth === this.bounds.depth) throw new JSONError("TooDeep", `more than ${this.bounds.depth} levels`);
    this.depth += 1;
    this.#kinds = (this.#kinds << 1) | (isObject ? 1 : 0);
    this.#state = isObject ? State.nameOrEnd : State.valueOrEnd;
    this.opened(isObject);
  }

  private close(): void {
    this.depth -= 1;
    this.#kinds >>= 1;
    this.#state = this.depth ? State.commaOrEnd : State.nothing;
    this.closed();
  }

  private takeInString(byte: number, at: number): void {
    if (byte === quote) {
      this.checkLength();
      this.#state = this.isName ? State.colon : State.commaOrEnd;
      this.tokenEnds(at + 1);
      return;
    }
    this.#length += 1;
    if (byte === backslash) {
      this.isEscaped = true;
      this.#state = State.escape;
    } else if (byte < 0x20) throw malformed("a string has a control character in it");
    else if (byte >= 0x80) this.beginCharacter(byte);
  }

  private takeEscape(byte: number): void {
    this.#length += 1;
    this.#state = State.string;
    if (byte === 0x75) {
      this.#rest = 4;
      this.#state = State.hex;
    } else if (!escapes.includes(byte)) throw malformed("an unknown escape");
  }

  private takeHex(byte: number): void {
    const letter = byte | 0x20;
    if (!isDigit(byte) && !(letter >= 0x61 && letter <= 0x66)) throw malformed("an escape without its four digits");
    this.#length += 1;
    this.#rest -= 1;
    if (!this.#rest) this.#state = State.string;
  }

  /** The first byte of a character tells how many follow, and what the second may be (RFC 3629, section 4). */
  private beginCharacter(byte: number): void {
    if (byte < 0xc2 || byte > 0xf4) throw malformed("it is no UTF-8");
    this.#rest = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    this.#low = byte === 0xe0 ? 0xa0 : byte === 0xf0 ? 0x90 : 0x80;
    this.#high = byte === 0xed ? 0x9f : byte === 0xf4 ? 0x8f : 0xbf;
    this.#state = State.continuation;
  }

  private takeContinuation(byte: number): void {
    if (byte < this.#low || byte > this.#high) throw malformed("it is no UTF-8");
    this.#low = 0x80;
    this.#high = 0xbf;
    this.#length += 1;
    this.#rest -= 1;
    if (!this.#rest) this.#state = State.string;
  }

  private takeInNumber(byte: number, at: number): void {
    const next = nextNumberState(this.#number, byte);
    if (next !== NumberState.end) {
      this.#number = next;
      this.#length += 1;
      return;
    }
    if (!endsNumber(this.#number)) throw malformed("a number is cut off");
    this.checkLength();
    this.#state = State.commaOrEnd;
    this.tokenEnds(at);
    this.step(byte, at);
  }

  private takeInWord(byte: number, at: number): void {
    if (byte !== this.#word.charCodeAt(this.#word.length - this.#rest)) throw malformed("an unknown word");
    this.#rest -= 1;
    if (this.#rest) return;
    this.#state = State.commaOrEnd;
    this.tokenEnds(at + 1);
  }

  /** Of the token so far: one that fills piece after piece is noticed before its end. */
  private checkLength(): void {
    const { text, name } = this.bounds;
    if (this.#state === State.number) {
      if (this.#length > numberLimit) throw new JSONError("NumberTooLong", `more than ${numberLimit} characters`);
    } else if (this.#length > (this.isName ? name : text))
      throw new JSONError(
        "StringTooLong",
        this.isName ? `a name of more than ${name} bytes` : `more than ${text} bytes`,
      );
  }
}

/** `"`, `\`, `/`, b, f, n, r, t */
const escapes: readonly number[] = Object.freeze([quote, backslash, 0x2f, 0x62, 0x66, 0x6e, 0x72, 0x74]) as number[];

/** The index of the first byte that is no printable ASCII, or a quote or a backslash. */
function endOfPlain(bytes: Uint8Array, at: number, to: number): number {
  for (; at < to; at += 1) {
    const byte = bytes[at];
    if (byte < 0x20 || byte >= 0x80 || byte === quote || byte === backslash) break;
  }
  return at;
}
