import { JSONError } from "./json-error";
import { type JSONBounds, JSONScanner } from "./json-scanner";

export type { JSONBounds } from "./json-scanner";

/** What is read of a message. */
export interface JSONShape extends JSONBounds {
  /**
   * The members that become properties, at whatever level they stand; others are measured and passed over. Every new name of a property takes
   * a slot of the machine for good, so names that somebody else makes up must not become properties. Undefined: all of them, for what
   * this firmware has written itself.
   */
  readonly names?: readonly string[];
  /** Of those, objects with names that somebody else makes up: they become lists of pairs. */
  readonly maps?: readonly string[];
}

/** A pair takes some hundred bytes. Nobody takes more than 16: the seventeenth is there to be noticed, and others are not made. */
const mapLimit = 17;

/** An object with names that are not ours, in the order in which they stand. A name may be there twice. */
export type JSONMap = [name: string, value: unknown][];

type Container = Record<string, unknown> | unknown[];

/** XS also takes an offset and a length; the published typings do not know. */
const fromArrayBuffer = String.fromArrayBuffer as (buffer: ArrayBufferLike, offset?: number, length?: number) => string;

/**
 * Reads an object. Before anything is made of it all of it has been checked and measured, so what is made is bounded, and so is the depth.
 * Objects have no prototype. Of a name that is there twice the last one counts.
 *
 * @throws JSONError
 */
export function parseJSON(payload: ArrayBuffer | Uint8Array, shape: JSONShape): Record<string, unknown> {
  const bytes = payload instanceof Uint8Array ? payload : new Uint8Array(payload);
  const scanner = new JSONScanner(shape);
  scanner.push(bytes);
  scanner.end();
  const builder = new Builder(bytes, shape);
  builder.push(bytes);
  return builder.root as Record<string, unknown>;
}

/**
 * One token of JSON. Strings are made of their bytes directly: with the whole text beside the bytes a message would be in memory three times.
 *
 * @param isEscaped it is a string with a backslash in it
 */
export function parseToken(bytes: Uint8Array, start: number, end: number, isEscaped: boolean): unknown {
  const first = bytes[start];
  const from = bytes.byteOffset + start;
  if (first === 0x22 && !isEscaped) return fromArrayBuffer(bytes.buffer, from + 1, end - start - 2);
  try {
    return JSON.parse(fromArrayBuffer(bytes.buffer, from, end - start));
  } catch {
    throw new JSONError("Malformed", "a value cannot be read");
  }
}

/** Makes the values. The bytes come in one piece. */
class Builder extends JSONScanner {
  root?: Container;
  #bytes: Uint8Array;
  #shape: JSONShape;
  /** Objects and arrays that are open; undefined for those that are passed over. */
  #open: (Container | undefined)[] = [];
  /** Of the member whose value is awaited; undefined for one that is passed over. */
  #name?: string;

  constructor(bytes: Uint8Array, shape: JSONShape) {
    super(shape);
    this.#bytes = bytes;
    this.#shape = shape;
  }

  protected override tokenEnds(at: number): void {
    const container = this.#open[this.depth - 1];
    if (!container || (!this.isName && !this.isWanted(container))) return;
    const value = parseToken(this.#bytes, this.start, at, this.isEscaped);
    if (!this.isName) this.add(container, value, this.depth);
    else {
      const { names } = this.#shape;
      const isRead = Array.isArray(container) || !names || names.includes(value as string);
      this.#name = isRead ? (value as string) : undefined;
    }
  }

  protected override opened(): void {
    const parent = this.#open[this.depth - 2];
    let container: Container | undefined;
    if (this.depth === 1) this.root = container = Object.create(null) as Container;
    else if (parent && this.isWanted(parent)) {
      const isObject = this.isObjectAt(this.depth) && !this.becomesMap(parent);
      container = isObject ? (Object.create(null) as Container) : [];
      this.add(parent, container, this.depth - 1);
    }
    this.#open.push(container);
  }

  protected override closed(): void {
    this.#open.pop();
  }

  private isWanted(container: Container): boolean {
    return Array.isArray(container) || this.#name !== undefined;
  }

  private becomesMap(parent: Container): boolean {
    return !Array.isArray(parent) && this.#shape.maps !== undefined && this.#shape.maps.includes(this.#name as string);
  }

  private add(container: Container, value: unknown, depth: number): void {
    const name = this.#name as string;
    if (!Array.isArray(container)) container[name] = value;
    else if (!this.isObjectAt(depth)) container.push(value);
    else if (container.length < mapLimit) container.push([name, value]);
  }
}
