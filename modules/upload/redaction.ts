import type { HeaderList } from "./header-list";
import { endOfParameter } from "./query";

/** A word as long as this may be a secret or have one in it, and as much of a secret must not be seen, whatever is around it. */
const PIECE = 12;

/** Characters of a value that are looked at together: one of 4 KB, as it stands, decoded, and in small letters, would be 16 KB of the machine. */
const WINDOW = 240;
/** So that each piece is whole in one of them, with every character written as `%41`. */
const OVERLAP = 3 * PIECE;

/** What everybody knows: to hide it would make messages useless. */
const publicParameters: readonly string[] = [
  "X-Amz-Algorithm",
  "X-Amz-Date",
  "X-Amz-Expires",
  "X-Amz-SignedHeaders",
  "q-sign-algorithm",
  "response-content-type",
  "x-id",
];
const publicHeaders: readonly string[] = ["content-type", "host"];

/**
 * `text` with every word that repeats twelve characters or more of a value of the query or of a header replaced by an ellipsis: also where
 * it is decoded, cut, in other letters, or in the middle of something. For what a store says about a request, which it may echo.
 *
 * @param from the first character of the query
 */
export function maskSecrets(text: string, url: string, from: number, headers?: HeaderList): string {
  // Not by String.prototype.replace: it gathers all matches before it goes on, which is kilobytes for a text of 512 characters.
  const words = /[^\s"'<>,]{12,}/g;
  let masked = "";
  let seen = 0;
  for (let match = words.exec(text); match; match = words.exec(text)) {
    const word = match[0].toLowerCase();
    if (!isInQuery(word, url, from) && !isInHeaders(word, headers)) continue;
    masked += `${text.slice(seen, match.index)}...`;
    seen = words.lastIndex;
  }
  return masked + text.slice(seen);
}

function isInQuery(word: string, url: string, from: number): boolean {
  for (let start = from; start < url.length; start = endOfParameter(url, start) + 1) {
    const end = endOfParameter(url, start);
    const equals = url.indexOf("=", start);
    if (equals < 0 || end - equals <= PIECE || publicParameters.includes(url.slice(start, equals))) continue;
    // Of a credential only the key: region and service are in many a message.
    const isCredential = url.startsWith("X-Amz-Credential", start);
    if (isInValue(word, url, equals + 1, isCredential ? endOfKey(url, equals + 1, end) : end)) return true;
  }
  return false;
}

/** As it stands in the URL, and decoded. */
function isInValue(word: string, url: string, from: number, to: number): boolean {
  for (let at = from; at < to; at += WINDOW) {
    const piece = url.slice(at, Math.min(at + WINDOW + OVERLAP, to));
    if (repeats(word, piece)) return true;
    if (piece.includes("%") && repeats(word, decoded(piece))) return true;
  }
  return false;
}

/** Of printable ASCII; see maskSecrets for why it is done by hand. */
function decoded(coded: string): string {
  let text = "";
  let seen = 0;
  for (let at = coded.indexOf("%"); at >= 0; at = coded.indexOf("%", at + 1)) {
    const digits = coded.slice(at + 1, at + 3);
    if (!/^[2-7][0-9a-f]$/i.test(digits)) continue;
    text += coded.slice(seen, at) + String.fromCharCode(Number.parseInt(digits, 16));
    seen = at + 3;
  }
  return text + coded.slice(seen);
}

function endOfKey(url: string, from: number, to: number): number {
  const length = url.slice(from, Math.min(from + WINDOW, to)).search(/\/|%2f/i);
  return length < 0 ? to : from + length;
}

function isInHeaders(word: string, headers: HeaderList | undefined): boolean {
  for (const [name, value] of headers ?? [])
    if (!publicHeaders.includes(name.toLowerCase()) && repeats(word, value)) return true;
  return false;
}

/** @param word in lower case */
function repeats(word: string, secret: string): boolean {
  if (secret.length < PIECE) return false;
  const known = secret.toLowerCase();
  for (let i = 0; i + PIECE <= word.length; i += 1) if (known.includes(word.slice(i, i + PIECE))) return true;
  return false;
}
