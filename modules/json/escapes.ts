const backslash = 0x5c;
const unicode = 0x75;
/** b, f, n, r, t; all others stand for themselves. */
const letters: readonly number[] = Object.freeze([0x62, 0x66, 0x6e, 0x72, 0x74]) as number[];
const controls: readonly number[] = Object.freeze([0x08, 0x0c, 0x0a, 0x0d, 0x09]) as number[];

/**
 * Resolves the escapes of a string of JSON that has been checked, where it stands: what comes out is never longer. A text with line breaks, as a certificate has
 * them, is in memory once less than with a buffer of its own.
 *
 * @param from behind the quote
 * @param to of the other quote
 * @returns where it ends now. NUL and lone surrogates are written as the engine has them in its strings: C0 80, and three bytes
 */
export function resolveEscapes(bytes: Uint8Array, from: number, to: number): number {
  let out = bytes.indexOf(backslash, from);
  for (let at = out; at < to; ) {
    const byte = bytes[at];
    if (byte !== backslash) {
      bytes[out++] = byte;
      at += 1;
    } else if (bytes[at + 1] !== unicode) {
      const letter = letters.indexOf(bytes[at + 1]);
      bytes[out++] = letter < 0 ? bytes[at + 1] : controls[letter];
      at += 2;
    } else {
      let code = codeAt(bytes, at);
      at += 6;
      if (code >> 10 === 0x36 && bytes[at] === backslash && bytes[at + 1] === unicode) {
        const low = codeAt(bytes, at);
        if (low >> 10 === 0x37) {
          code = 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff);
          at += 6;
        }
      }
      out = putCharacter(bytes, out, code);
    }
  }
  return out;
}

/** The four digits of an escape that begins there. */
function codeAt(bytes: Uint8Array, at: number): number {
  let code = 0;
  for (let i = at + 2; i < at + 6; i += 1) {
    const byte = bytes[i];
    code = (code << 4) | (byte & 0x40 ? (byte & 0x0f) + 9 : byte & 0x0f);
  }
  return code;
}

function putCharacter(bytes: Uint8Array, at: number, code: number): number {
  if (code < 0x80 && code) {
    bytes[at] = code;
    return at + 1;
  }
  const length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (let i = length - 1; i > 0; i -= 1) {
    bytes[at + i] = 0x80 | (code & 0x3f);
    code >>= 6;
  }
  bytes[at] = ((0xf00 >> length) & 0xff) | code;
  return at + length;
}
