import { JSONError } from "../../../modules/json/json-error";
import { MemberStream } from "../../../modules/json/member-stream";
import { parseJSON } from "../../../modules/json/parse-json";
import type { Dice } from "./mutator";

const bounds = Object.freeze({ bytes: 600, depth: 5, values: 60, text: 100, name: 40 });
/** Bounds that no input reaches. */
const wide = Object.freeze({ bytes: 100_000, depth: 31, values: 10_000, text: 10_000, name: 10_000 });

class Recording extends MemberStream {
  members: unknown[] = [];

  protected override roomFor(): number {
    return 64;
  }

  protected override member(name: string, value: unknown, level: number): void {
    this.members.push([name, value, level]);
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

/** @param longest bytes of a piece; 0: all in one @returns the verdict, and what was read until then */
function streamed(bytes: Uint8Array, dice: Dice, longest: number): { code: string; members: string } {
  const stream = new Recording(wide);
  for (let at = 0; at < bytes.length; ) {
    const end = longest ? Math.min(bytes.length, at + 1 + dice.roll(longest)) : bytes.length;
    stream.write(bytes, at, end);
    at = end;
  }
  const code = verdict(() => stream.finish());
  return { code, members: code ? "" : JSON.stringify(stream.members) };
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
  const whole = streamed(bytes, dice, 0);
  const pieces = streamed(bytes, dice, 40);
  const single = streamed(bytes, dice, 1);
  if (pieces.code !== wideCode) throw new Error(`in pieces it is "${pieces.code}", in one it is "${wideCode}"`);
  for (const { code, members } of [whole, single])
    if (code !== pieces.code || members !== pieces.members) throw new Error(`${pieces.members}, but also ${members}`);
  if (code === "Malformed" || code === "" ? wideCode !== code : false) throw new Error(`"${code}", but "${wideCode}"`);
  if (code) return false;
  const known = nativeValue(bytes);
  const ours = JSON.stringify(value);
  if (known !== undefined && known !== ours && !known.includes("__proto__"))
    throw new Error(`${ours} instead of ${known}`);
  return true;
}
