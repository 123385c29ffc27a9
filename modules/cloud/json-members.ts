/**
 * Looks into JSON without making objects of it. A shadow document has metadata twice as large as what is looked for, and objects
 * of all that would take hundreds of slots of the machine.
 */

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const comma = 0x2c;
const colon = 0x3a;

/** Deeper than any shadow document may be (AWS: 6 levels below `desired`, itself two levels down; then `metadata` and its timestamps). */
const depthLimit = 12;

const truncated = () => new SyntaxError("the JSON ends early");

function skipSpace(bytes: Uint8Array, at: number): number {
  while (at < bytes.length && bytes[at] <= 0x20) at += 1;
  if (at >= bytes.length) throw truncated();
  return at;
}

/** @param at of the opening quote @returns the index behind the closing one */
function endOfString(bytes: Uint8Array, at: number): number {
  for (at += 1; at < bytes.length; at += 1) {
    if (bytes[at] === quote) return at + 1;
    if (bytes[at] === backslash) at += 1;
  }
  throw truncated();
}

function endOfWord(bytes: Uint8Array, at: number): number {
  const start = at;
  for (; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte <= 0x20 || byte === comma || byte === closeBrace || byte === closeBracket) break;
  }
  if (at === start) throw new SyntaxError("a JSON value is missing");
  return at;
}

/**
 * The index behind the value that begins at `at`. Brackets and strings are checked, what stands between them is not.
 *
 * @throws SyntaxError
 */
export function endOfValue(bytes: Uint8Array, at: number): number {
  let depth = 0;
  /** A bit for each open level: 1 for an object. */
  let kinds = 0;
  do {
    at = skipSpace(bytes, at);
    const byte = bytes[at];
    if (byte === quote) at = endOfString(bytes, at);
    else if (byte === openBrace || byte === openBracket) {
      if (depth === depthLimit) throw new SyntaxError(`the JSON is deeper than ${depthLimit} levels`);
      depth += 1;
      kinds = (kinds << 1) | (byte === openBrace ? 1 : 0);
      at += 1;
    } else if (byte === closeBrace || byte === closeBracket) {
      if (!depth || (kinds & 1) !== (byte === closeBrace ? 1 : 0))
        throw new SyntaxError("the JSON's brackets do not match");
      depth -= 1;
      kinds >>= 1;
      at += 1;
    } else if (byte === comma || byte === colon) {
      if (!depth) throw new SyntaxError("a JSON value is missing");
      at += 1;
    } else at = endOfWord(bytes, at);
  } while (depth);
  return at;
}

/** Goes through the members of one object. */
export class MemberCursor {
  /** Of the key, with its quotes, and of the value. */
  keyStart = 0;
  keyEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  #bytes: Uint8Array;
  #at: number;

  /** @param at where the object begins @throws SyntaxError when there is none */
  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#at = skipSpace(bytes, at) + 1;
    if (bytes[this.#at - 1] !== openBrace) throw new SyntaxError("a JSON object was expected");
  }

  /** @returns false when there are no more members @throws SyntaxError */
  next(): boolean {
    const bytes = this.#bytes;
    let at = skipSpace(bytes, this.#at);
    if (bytes[at] === closeBrace) return false;
    if (this.keyEnd) {
      if (bytes[at] !== comma) throw new SyntaxError("a comma is missing in the JSON");
      at = skipSpace(bytes, at + 1);
    }
    if (bytes[at] !== quote) throw new SyntaxError("a key is missing in the JSON");
    this.keyStart = at;
    this.keyEnd = endOfString(bytes, at);
    at = skipSpace(bytes, this.keyEnd);
    if (bytes[at] !== colon) throw new SyntaxError("a colon is missing in the JSON");
    this.valueStart = skipSpace(bytes, at + 1);
    this.valueEnd = this.#at = endOfValue(bytes, this.valueStart);
    return true;
  }

  /** Goes to the member of that name; a key that is written with escapes is not found. */
  find(name: string): boolean {
    while (this.next()) if (this.isKey(name)) return true;
    return false;
  }

  get keyLength(): number {
    return this.keyEnd - this.keyStart;
  }

  get valueLength(): number {
    return this.valueEnd - this.valueStart;
  }

  /** @throws SyntaxError */
  get key(): string {
    return parse(this.#bytes, this.keyStart, this.keyEnd) as string;
  }

  /** Makes a value of it; look at its length before. @throws SyntaxError */
  get value(): unknown {
    return parse(this.#bytes, this.valueStart, this.valueEnd);
  }

  private isKey(name: string): boolean {
    if (this.keyLength !== name.length + 2) return false;
    for (let i = 0; i < name.length; i += 1)
      if (this.#bytes[this.keyStart + 1 + i] !== name.charCodeAt(i)) return false;
    return true;
  }
}

function parse(bytes: Uint8Array, start: number, end: number): unknown {
  return JSON.parse(String.fromArrayBuffer(bytes.slice(start, end).buffer as ArrayBuffer));
}
