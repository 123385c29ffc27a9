import type { JSONMap } from "./parse-json";

/** What an object of strings with names of somebody else's may have at most. */
export interface TextMapBounds {
  readonly count: number;
  /** Characters. */
  readonly name: number;
  readonly value: number;
  /** Names and values together. */
  readonly total: number;
}

/**
 * An object of strings of what was read as a list of pairs. It is for what is about to be used: each new name takes a slot of the machine for good.
 *
 * @param what it is called in the error
 * @throws RangeError when it is none, or over a bound
 */
export function textMap(value: unknown, what: string, bounds: TextMapBounds): Record<string, string> {
  if (!Array.isArray(value)) throw new RangeError(`${what} is an object of strings`);
  if (value.length > bounds.count) throw new RangeError(`${what} has more than ${bounds.count} members`);
  const map: Record<string, string> = Object.create(null);
  let total = 0;
  for (const pair of value as JSONMap) {
    const [name, text] = Array.isArray(pair) ? pair : [];
    if (typeof name !== "string" || typeof text !== "string") throw new RangeError(`${what} is an object of strings`);
    if (!name || name.length > bounds.name)
      throw new RangeError(`a name in ${what} has 1 to ${bounds.name} characters`);
    if (text.length > bounds.value) throw new RangeError(`a value in ${what} has more than ${bounds.value} characters`);
    total += name.length + text.length;
    if (total > bounds.total) throw new RangeError(`${what} has more than ${bounds.total} characters`);
    if (/[\r\n]/.test(name) || /[\r\n]/.test(text)) throw new RangeError(`${what} has a line break in it`);
    map[name] = text;
  }
  return map;
}
