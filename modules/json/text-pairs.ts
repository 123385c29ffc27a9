import type { JSONMap } from "./parse-json";

/**
 * Texts with names of somebody else's, each name once. They are no object, because each new name of a property takes a slot of the machine for good.
 */
export type TextPairs = readonly (readonly [name: string, value: string])[];

/** What an object of strings with names of somebody else's may have at most. */
export interface TextPairBounds {
  readonly count: number;
  /** Characters. */
  readonly name: number;
  readonly value: number;
  /** Names and values together. */
  readonly total: number;
}

/**
 * Checks what was read as a list of pairs.
 *
 * @param what it is called in the error
 * @throws RangeError when it is none, or over a bound
 */
export function textPairs(value: unknown, what: string, bounds: TextPairBounds): TextPairs {
  if (!Array.isArray(value)) throw new RangeError(`${what} is an object of strings`);
  if (value.length > bounds.count) throw new RangeError(`${what} has more than ${bounds.count} members`);
  let total = 0;
  for (const pair of value as JSONMap) {
    const [name, text] = Array.isArray(pair) && pair.length === 2 ? pair : [];
    if (typeof name !== "string" || typeof text !== "string") throw new RangeError(`${what} is an object of strings`);
    if (!name || name.length > bounds.name)
      throw new RangeError(`a name in ${what} has 1 to ${bounds.name} characters`);
    if (text.length > bounds.value) throw new RangeError(`a value in ${what} has more than ${bounds.value} characters`);
    total += name.length + text.length;
    if (total > bounds.total) throw new RangeError(`${what} has more than ${bounds.total} characters`);
    if (/[\r\n]/.test(name) || /[\r\n]/.test(text)) throw new RangeError(`${what} has a line break in it`);
  }
  return lastOfEach(value as unknown as TextPairs);
}

/** Of a name that is there twice the last one counts, as in an object. */
export function lastOfEach(pairs: TextPairs): TextPairs {
  return pairs.filter(([name], at) => !pairs.some((other, later) => later > at && other[0] === name));
}

/** The value of that name. */
export function textOf(pairs: TextPairs, name: string): string | undefined {
  for (const pair of pairs) if (pair[0] === name) return pair[1];
  return undefined;
}

/** The object of JSON that the pairs stand for. */
export function pairsToJSON(pairs: TextPairs): string {
  return `{${pairs.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join()}}`;
}

/** All of it in one text, for what is kept for a while: as arrays three short pairs take half a kilobyte. There is no line break in any of them. */
export function packPairs(pairs: TextPairs): string {
  return pairs.map((pair) => pair.join("\n")).join("\n");
}

export function unpackPairs(packed: string): TextPairs {
  const texts = packed.split("\n");
  const pairs: [string, string][] = [];
  for (let i = 1; i < texts.length; i += 2) pairs.push([texts[i - 1], texts[i]]);
  return pairs;
}
