import { JSONError } from "../json/json-error";
import { MemberStream, streamBounds, wholeNumber } from "../json/member-stream";

/** What the cloud wants. */
export interface Wishes {
  /** Of names that are known; a value that cannot be one of a setting is undefined. */
  readonly values: Record<string, unknown>;
  /** The first eight of the other names: those of somebody else's settings, or mistyped. */
  readonly unknown: readonly string[];
}

/** What the shadow service says, as far as it is looked at. */
export interface ShadowMessage {
  /** Of the document; 0 in a rejection. */
  version: number;
  clientToken: string;
  /** Of a rejection, as in HTTP; otherwise 0. */
  code: number;
  wishes?: Wishes;
}

/** Bytes of a token (AWS: at most 64), and of a setting's value: they are short words and numbers. With their quotes. */
const valueLimit = 66;
const unknownLimit = 8;

/**
 * Reads an answer or a delta piece by piece: a document of 8 KB comes with metadata of twice that and more, and with names of whoever uses
 * the shadow. A document has the wishes in `state.desired`, a delta in `state` itself.
 */
export class ShadowReader extends MemberStream {
  #message: ShadowMessage = { version: 0, clientToken: "", code: 0 };
  /** Level of the wishes, 0 where there are none. */
  #level: number;
  #known: readonly string[];

  /**
   * @param topic what stands behind `shadow/`
   * @param known names of settings
   */
  constructor(topic: string, known: readonly string[]) {
    super(streamBounds);
    this.#level = topic === "update/delta" ? 2 : topic === "get/accepted" ? 3 : 0;
    this.#known = known;
  }

  /** To be called when it is complete. @throws JSONError */
  message(): ShadowMessage {
    this.finish();
    return this.#message;
  }

  protected override roomFor(name: string, level: number): number {
    if (level === this.#level) return valueLimit;
    const isOurs = level === 1 ? members.includes(name) : name === "desired";
    return isOurs ? valueLimit : 0;
  }

  protected override enters(name: string, level: number): boolean {
    if (level >= this.#level || (level === 1 && name !== "state")) return false;
    if (level + 1 === this.#level) this.#message.wishes = { values: Object.create(null), unknown: [] };
    return true;
  }

  protected override member(name: string, value: unknown, level: number): void {
    if (level === this.#level) this.wish(name, value);
    else if (level < this.#level && containers.includes(name))
      throw new JSONError("Malformed", "an object was expected");
    else if (name === "version" || name === "code") this.#message[name] = wholeNumber(value);
    else if (name === "clientToken") this.#message.clientToken = typeof value === "string" ? value : "";
  }

  private wish(name: string, value: unknown): void {
    const { values, unknown } = this.#message.wishes as { values: Record<string, unknown>; unknown: string[] };
    if (this.#known.includes(name)) values[name] = value;
    else if (value !== null && unknown.length < unknownLimit && !unknown.includes(name)) unknown.push(name);
  }
}

const containers: readonly string[] = Object.freeze(["state", "desired"]) as string[];
const members: readonly string[] = Object.freeze(["state", "version", "clientToken", "code"]) as string[];
