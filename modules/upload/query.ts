/**
 * Query strings of presigned URLs, read in place: positions in the whole URL instead of slices, because the query is 1.5 kB and more
 * when it carries an STS token.
 */

/** Query values at least this long are treated as secret when they turn up in a text. Shorter ones are dates, numbers and names. */
const SECRET_LENGTH = 16;

/** Position of the value of parameter `name` (exact, as it stands in the URL); `from` is the first character of the query. */
export function findParameter(url: string, from: number, name: string): number | undefined {
  let start = from;
  while (start < url.length) {
    const end = endOfParameter(url, start);
    if (url.startsWith(name, start)) {
      const after = start + name.length;
      if (after === end) return after;
      if (url[after] === "=") return after + 1;
    }
    start = end + 1;
  }
  return undefined;
}

/** The percent-decoded value that begins at `at`; undefined if its percent-encoding is broken. */
export function parameterValue(url: string, at: number): string | undefined {
  try {
    return decodeURIComponent(url.slice(at, endOfParameter(url, at)));
  } catch {
    return undefined;
  }
}

/** `text` with every long query value, encoded or decoded, replaced by an ellipsis. */
export function maskQueryValues(url: string, from: number, text: string): string {
  let masked = text;
  let start = from;
  while (start < url.length) {
    const end = endOfParameter(url, start);
    const equals = url.indexOf("=", start);
    if (equals >= 0 && end - equals > SECRET_LENGTH) {
      masked = mask(masked, url.slice(equals + 1, end));
      masked = mask(masked, parameterValue(url, equals + 1));
    }
    start = end + 1;
  }
  return masked;
}

function mask(text: string, secret: string | undefined): string {
  return secret && text.includes(secret) ? text.split(secret).join("...") : text;
}

function endOfParameter(url: string, start: number): number {
  const end = url.indexOf("&", start);
  return end < 0 ? url.length : end;
}
