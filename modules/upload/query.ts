/**
 * Query strings of presigned URLs, read in place: positions in the whole URL instead of slices, because the query is 1.5 kB and more
 * when it carries an STS token.
 */

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

/** True if a parameter's name begins so. */
export function hasParameter(url: string, from: number, prefix: string): boolean {
  for (let start = from; start < url.length; start = endOfParameter(url, start) + 1)
    if (url.slice(start, start + prefix.length).toLowerCase() === prefix) return true;
  return false;
}

/** Where the parameter that begins at `start` ends. */
export function endOfParameter(url: string, start: number): number {
  const end = url.indexOf("&", start);
  return end < 0 ? url.length : end;
}
