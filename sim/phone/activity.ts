import { Emitter } from "./emitter.ts";

/** Who is talked to. */
export type ActivityChannel = "bluetooth" | "mqtt" | "s3" | "cognito" | "iot";

/** One message, for people who want to see what goes on. Has nothing in it that must stay secret. */
export interface ActivityEntry {
  /** Counts from 1. */
  n: number;
  /** Milliseconds since 1970, of this machine's clock. */
  time: number;
  channel: ActivityChannel;
  /** "out": from here; "in": to here; "note": a change of state, such as a lost link. */
  direction: "out" | "in" | "note";
  /** A few words, such as `TakePhoto`. */
  text: string;
  /** What was in the message, with secrets taken out. */
  detail?: unknown;
}

export interface ActivityEvents {
  entry: ActivityEntry;
}

/** Fields whose content never shows, wherever they are. */
const secretFields = /^(password|passphrase|privKey|pop|proof|proofOfPossession|secret.*|.*token|signature|bytes)$/i;
const shownAnyway = new Set(["clienttoken", "continuationtoken"]);
const longest = 400;

/** The last messages between phone, camera and cloud. Event `entry` for each new one. */
export class ActivityLog extends Emitter<ActivityEvents> {
  #entries: ActivityEntry[] = [];
  #limit: number;
  #count = 0;

  /** @param limit number of entries that are kept */
  constructor(limit = 500) {
    super();
    this.#limit = limit;
  }

  /** Oldest first. */
  get entries(): readonly ActivityEntry[] {
    return this.#entries;
  }

  /** Notes a message; secrets in `detail` are taken out here, whoever brings them. */
  add(channel: ActivityChannel, direction: ActivityEntry["direction"], text: string, detail?: unknown): void {
    this.#count += 1;
    const entry: ActivityEntry = { n: this.#count, time: Date.now(), channel, direction, text: redactText(text) };
    if (detail !== undefined) entry.detail = redact(detail);
    this.#entries = [...this.#entries.slice(1 - this.#limit), entry];
    this.emit("entry", entry);
  }

  clear(): void {
    this.#entries = [];
  }
}

/** The same without secrets: fields with telling names, private keys, the query of every URL, and all that is very long. */
export function redact(value: unknown): unknown {
  if (typeof value === "string") return redactText(value);
  if (value instanceof Uint8Array) return `(${value.length} bytes)`;
  if (Array.isArray(value)) return value.map(redact);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, content]) => content !== undefined);
  return Object.fromEntries(entries.map(([name, content]) => [name, isSecret(name) ? "(not shown)" : redact(content)]));
}

function isSecret(name: string): boolean {
  return secretFields.test(name) && !shownAnyway.has(name.toLowerCase());
}

function redactText(text: string): string {
  const clean = text
    .replace(/(\w+:\/\/[^\s?"]+)\?[^\s"]*/g, "$1?(signature)")
    .replace(/-----BEGIN ([\w ]*PRIVATE KEY)-----[\s\S]*?-----END \1-----/g, "(private key)");
  return clean.length > longest ? `${clean.slice(0, longest)}… (${clean.length} characters)` : clean;
}
