/**
 * What a message has to be refused for, found out with JavaScript's own parser and a regular expression: nothing of the firmware's.
 */
export interface Bounds {
  readonly bytes: number;
  readonly depth: number;
  readonly values?: number;
  readonly text?: number;
  readonly name?: number;
}

const numberLimit = 40;
const tokens = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|[{}[\]:,]/g;
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text, if it is an object of JSON in UTF-8. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    const text = decoder.decode(bytes);
    return JSON.parse(text) !== null && /^[ \t\r\n]*\{/.test(text) ? text : undefined;
  } catch {
    return undefined;
  }
}

/** @returns "" when it is sound and within its bounds, the first bound that it breaks, or Malformed */
export function expectedVerdict(bytes: Uint8Array, bounds: Bounds): string {
  if (bytes.length > bounds.bytes) return "TooLong";
  const text = textOf(bytes);
  return text === undefined ? "Malformed" : brokenBound(text, bounds);
}

function brokenBound(text: string, bounds: Bounds): string {
  const { depth, values = Infinity, text: textLimit = Infinity, name = Infinity } = bounds;
  let level = 0;
  let count = 0;
  const found = text.match(tokens) ?? [];
  for (const [i, token] of found.entries()) {
    const first = token[0];
    const isName = first === '"' && found[i + 1] === ":";
    if (first === "}" || first === "]") level -= 1;
    if (isName) {
      if (bytesIn(token) > name) return "StringTooLong";
    } else if (!"}]:,".includes(first)) {
      count += 1;
      if (count > values) return "TooManyValues";
      if (first === "{" || first === "[") level += 1;
      if (level > depth) return "TooDeep";
      if (first === '"' && bytesIn(token) > textLimit) return "StringTooLong";
      if (/[-\d]/.test(first) && token.length > numberLimit) return "NumberTooLong";
    }
  }
  return "";
}

/** Bytes between the quotes. */
const bytesIn = (token: string) => Buffer.byteLength(token) - 2;
