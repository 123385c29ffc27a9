import { JSONError } from "../../../modules/json/json-error";
import { MemberStream } from "../../../modules/json/member-stream";
import { parseJSON } from "../../../modules/json/parse-json";
import type { Dice } from "./mutator";

const bounds = Object.freeze({ bytes: 600, depth: 5, values: 60, text: 100, name: 40 });
/** Bounds that no input reaches. */
const wide = Object.freeze({ bytes: 100_000, depth: 31, values: 10_000, text: 10_000, name: 10_000 });

class Counting extends MemberStream {
  members = 0;

  protected override roomFor(): number {
    return 64;
  }

  protected override member(): void {
    this.members += 1;
  }

  protected override enters(): boolean {
    return true;
  }
}

/** @returns the code of its error, or "" */
function verdict(read: () => void): string {
  try {
    read();
    return "";
  } catch (error) {
    if (error instanceof JSONError) return error.code;
    throw error;
  }
}

function inPieces(bytes: Uint8Array, dice: Dice): string {
  const stream = new Counting(wide);
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + 1 + dice.roll(40));
    stream.write(bytes, at, end);
    at = end;
  }
  return verdict(() => stream.finish());
}

/** XS's own opinion, of what is small and flat enough for it. */
function nativeValue(bytes: Uint8Array): string | undefined {
  try {
    return JSON.stringify(JSON.parse(String.fromArrayBuffer(bytes.slice().buffer as ArrayBuffer)));
  } catch {
    return undefined;
  }
}

/** Bounds hold, pieces make no difference, and what is accepted has the value that the engine's own parser finds in it. */
export function readJSON(bytes: Uint8Array, dice: Dice): boolean {
  let value: unknown;
  // It uses its bytes up.
  const code = verdict(() => {
    value = parseJSON(bytes.slice(), bounds);
  });
  const wideCode = verdict(() => parseJSON(bytes.slice(), { ...wide, names: [] }));
  const pieces = inPieces(bytes, dice);
  if (pieces !== wideCode) throw new Error(`in pieces it is "${pieces}", in one it is "${wideCode}"`);
  if (code === "Malformed" || code === "" ? wideCode !== code : false) throw new Error(`"${code}", but "${wideCode}"`);
  if (code) return false;
  const known = nativeValue(bytes);
  const ours = JSON.stringify(value);
  if (known !== undefined && known !== ours && !known.includes("__proto__"))
    throw new Error(`${ours} instead of ${known}`);
  return true;
}
