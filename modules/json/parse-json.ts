import { resolveEscapes } from "./escapes";
import { JSONError } from "./json-error";
import { type JSONBounds, JSONScanner } from "./json-scanner";
import { memberOf } from "./member-of";

export type { JSONBounds } from "./json-scanner";

/** What is read of a message. */
export interface JSONShape extends JSONBounds {
  /**
   * The members that become properties, at whatever level they stand; others are measured and passed over. Every new name of a property takes
   * a slot of the machine for good, so names that somebody else makes up must not become properties. Undefined: all of them, for what
   * this firmware has written itself.
   */
  readonly names?: readonly string[];
  /** Further names, which depend on what kind of message it is. */
  readonly variants?: JSONVariants;
  /** Of those, objects with names that somebody else makes up: they become lists of pairs. */
  readonly maps?: readonly string[];
  /**
   * Of those, the ones that may be an array, or an object whose members are of `names`. In the place of all others, and within arrays and maps, an array or an
   * object becomes an empty one, whatever is in it. Undefined: all of them.
   */
  readonly nested?: readonly string[];
}

/** A member of the outermost object says what kind of message it is, wherever it stands (what OpenAPI calls a discriminator). */
export interface JSONVariants {
  readonly by: string;
  /** By its text. */
  readonly names: Readonly<Record<string, readonly string[]>>;
}

/** Bytes of the text that says what kind of message it is, quotes included. Longer ones are none that is known. */
const variantLimit = 66;

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
 * What nobody has asked for takes no memory beside the bytes: values are held for as long as the message is used. The bytes are used up: escapes are resolved where
 * they stand.
 *
 * @throws JSONError
 */
export function parseJSON(payload: ArrayBuffer | Uint8Array, shape: JSONShape): Record<string, unknown> {
  const bytes = payload instanceof Uint8Array ? payload : new Uint8Array(payload);
  const { variants } = shape;
  const scanner = variants ? new VariantScanner(bytes, shape, variants) : new JSONScanner(shape);
  scanner.push(bytes);
  scanner.end();
  const builder = new Builder(bytes, shape, scanner instanceof VariantScanner ? scanner.names : none);
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

const none = Object.freeze([]) as readonly string[];

/** Finds out which names the message has as one of its kind. The bytes come in one piece. */
class VariantScanner extends JSONScanner {
  names = none;
  #bytes: Uint8Array;
  #variants: JSONVariants;
  /** The value that is awaited is the one that decides. */
  #isAwaited = false;

  constructor(bytes: Uint8Array, bounds: JSONBounds, variants: JSONVariants) {
    super(bounds);
    this.#bytes = bytes;
    this.#variants = variants;
  }

  protected override tokenEnds(at: number): void {
    if (this.depth !== 1) return;
    if (this.isName) this.#isAwaited = this.text(at) === this.#variants.by;
    else if (this.#isAwaited) this.names = this.namesOf(this.text(at));
  }

  protected override opened(): void {
    if (this.depth === 2 && this.#isAwaited) this.names = none;
  }

  private text(at: number): unknown {
    return at - this.start > variantLimit ? undefined : parseToken(this.#bytes, this.start, at, this.isEscaped);
  }

  private namesOf(kind: unknown): readonly string[] {
    const { names } = this.#variants;
    return (typeof kind === "string" && memberOf(names, kind)) || none;
  }
}

/** Makes the values. The bytes come in one piece. */
class Builder extends JSONScanner {
  root?: Container;
  #bytes: Uint8Array;
  #shape: JSONShape;
  #more: readonly string[];
  /** Objects and arrays that are open; undefined for those that are passed over. */
  #open: (Container | undefined)[] = [];
  /** Of the member whose value is awaited; undefined for one that is passed over. */
  #name?: string;

  /** @param more names beside those of the shape */
  constructor(bytes: Uint8Array, shape: JSONShape, more: readonly string[]) {
    super(shape);
    this.#bytes = bytes;
    this.#shape = shape;
    this.#more = more;
  }

  protected override tokenEnds(at: number): void {
    const container = this.#open[this.depth - 1];
    if (!container || (!this.isName && !this.isWanted(container))) return;
    const value = this.value(at);
    if (!this.isName) this.add(container, value, this.depth);
    else this.#name = Array.isArray(container) || this.isRead(value as string) ? (value as string) : undefined;
  }

  private value(at: number): unknown {
    const bytes = this.#bytes;
    const { start } = this;
    if (!this.isEscaped || this.isName) return parseToken(bytes, start, at, this.isEscaped);
    const end = resolveEscapes(bytes, start + 1, at - 1);
    return fromArrayBuffer(bytes.buffer, bytes.byteOffset + start + 1, end - start - 1);
  }

  protected override opened(): void {
    const parent = this.#open[this.depth - 2];
    let container: Container | undefined;
    if (this.depth === 1) this.root = container = Object.create(null) as Container;
    else if (parent && this.isWanted(parent)) {
      const isObject = this.isObjectAt(this.depth) && !this.becomesMap(parent);
      container = isObject ? (Object.create(null) as Container) : [];
      this.add(parent, container, this.depth - 1);
      if (!this.enters(parent)) container = undefined;
    }
    this.#open.push(container);
  }

  protected override closed(): void {
    this.#open.pop();
  }

  private isWanted(container: Container): boolean {
    return Array.isArray(container) || this.#name !== undefined;
  }

  private isRead(name: string): boolean {
    const { names } = this.#shape;
    return !names || names.includes(name) || this.#more.includes(name);
  }

  /** What is in an array or an object of that parent's is read. */
  private enters(parent: Container): boolean {
    const { nested } = this.#shape;
    if (!nested) return true;
    return !Array.isArray(parent) && (nested.includes(this.#name as string) || this.becomesMap(parent));
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
