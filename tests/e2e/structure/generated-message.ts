import { jsonVerdicts, type Kind } from "../firmware/structure/wire.ts";
import { type Bounds, expectedVerdict } from "./message-bounds.ts";
import { MessageGenerator } from "./message-generator.ts";
import { MessageWriter } from "./message-writer.ts";
import { Random } from "./random.ts";

/** What the README of each room promises. */
const command = { bytes: 6144, depth: 4, values: 40, text: 4608, name: 64 };
const answer = { bytes: 4096, depth: 8, values: 256, text: 4096, name: 128 };
const stream = { bytes: 131_072, depth: 31 };
const bounds: Readonly<Record<Kind, Bounds>> = {
  command,
  bluetooth: command,
  grant: { bytes: 4096, depth: 3, values: 32, text: 4096, name: 64 },
  shadow: stream,
  job: stream,
  certificate: answer,
  "certificate refused": answer,
  thing: answer,
  "thing refused": answer,
  record: { bytes: 9216, depth: 6, values: 256, text: 6144, name: 64 },
};
/** Bytes that a message may have to come as far as its reader: what the session takes, what AWS sends, what the firmware writes. */
export const limits: Readonly<Record<Kind, number>> = {
  command: 4096,
  bluetooth: 6144,
  grant: 4096,
  shadow: 131_072,
  job: 131_072,
  certificate: 4096,
  "certificate refused": 4096,
  thing: 4096,
  "thing refused": 4096,
  record: 2048,
};

const often: readonly Kind[] = ["command", "command", "bluetooth", "bluetooth", "grant", "shadow", "job"];
/** A damaged name in a record takes a slot for good. */
const seldom: readonly Kind[] = ["record", "record", "certificate", "certificate refused", "thing", "thing refused"];

export interface Generated {
  readonly kind: Kind;
  readonly bytes: Buffer;
  readonly isDamaged: boolean;
}

/** The same message for the same seed. */
export function generateMessage(seed: number): Generated {
  const random = new Random(Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995);
  const kind = random.below(10) ? often[random.below(often.length)] : seldom[random.below(seldom.length)];
  const size = random.below(50) ? random.skewed(600) : random.skewed(limits[kind]);
  return generate(random, kind, size);
}

export function generate(random: Random, kind: Kind, size: number): Generated {
  const pieces: Buffer[] = [];
  const write = (bytes: Uint8Array, from: number, to: number) => pieces.push(Buffer.from(bytes.subarray(from, to)));
  const writer = new MessageWriter(random, size, new Uint8Array(4096), { write });
  new MessageGenerator(random, writer, kind, size);
  const bytes = Buffer.concat(pieces).subarray(0, limits[kind]);
  return { kind, bytes: bytes.length ? bytes : Buffer.from(" "), isDamaged: writer.damage !== "none" };
}

/** @returns what is wrong with the verdict; "" when it is right */
export function wrongVerdict({ kind, bytes }: Generated, verdict: string): string {
  const expected = expectedVerdict(bytes, bounds[kind]);
  const isRefused = (jsonVerdicts as readonly string[]).includes(verdict);
  if (kind === "record") return verdict === (expected ? "Absent" : "") ? "" : `"${verdict}", not "${expected}"`;
  // What breaks a bound before it is no JSON any more may be refused for either.
  if (expected === "Malformed") return isRefused ? "" : `"${verdict}" of what is no JSON`;
  // The shadow and a job have members that have to be of some type.
  if ((kind === "shadow" || kind === "job") && verdict === "Malformed") return "";
  if (expected) return verdict === expected ? "" : `"${verdict}", not "${expected}"`;
  return isRefused ? `"${verdict}" of a sound message` : "";
}
