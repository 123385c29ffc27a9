import { endOfParameter, parameterValue } from "./query";

/** A word as long as this may be a secret or have one in it, and as much of a secret must not be seen, whatever is around it. */
const PIECE = 12;

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

type Headers = Readonly<Record<string, string>>;

/**
 * `text` with every word that repeats twelve characters or more of a value of the query or of a header replaced by an ellipsis: also where
 * it is decoded, cut, in other letters, or in the middle of something. For what a store says about a request, which it may echo.
 *
 * @param from the first character of the query
 */
export function maskSecrets(text: string, url: string, from: number, headers?: Headers): string {
  return text.replace(/[^\s"'<>,]{12,}/g, (word) => {
    const lower = word.toLowerCase();
    return isInQuery(lower, url, from) || isInHeaders(lower, headers) ? "..." : word;
  });
}

function isInQuery(word: string, url: string, from: number): boolean {
  for (let start = from; start < url.length; start = endOfParameter(url, start) + 1) {
    const end = endOfParameter(url, start);
    const equals = url.indexOf("=", start);
    if (equals < 0 || end - equals <= PIECE || publicParameters.includes(url.slice(start, equals))) continue;
    // Of a credential only the key: region and service are in many a message.
    const isCredential = url.startsWith("X-Amz-Credential", start);
    const decoded = parameterValue(url, equals + 1) ?? "";
    if (repeats(word, isCredential ? decoded.split("/")[0] : decoded)) return true;
    if (!isCredential && repeats(word, url.slice(equals + 1, end))) return true;
  }
  return false;
}

function isInHeaders(word: string, headers: Headers | undefined): boolean {
  for (const [name, value] of Object.entries(headers ?? {}))
    if (!publicHeaders.includes(name.toLowerCase()) && repeats(word, String(value))) return true;
  return false;
}

/** @param word in lower case */
function repeats(word: string, secret: string): boolean {
  if (secret.length < PIECE) return false;
  const known = secret.toLowerCase();
  for (let i = 0; i + PIECE <= word.length; i += 1) if (known.includes(word.slice(i, i + PIECE))) return true;
  return false;
}
