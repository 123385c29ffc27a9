/** A change of one place of a source file that a good test suite notices. */

export interface Mutant {
  /** From the project's folder. */
  file: string;
  /** Of the place, from 1. */
  line: number;
  /** The place in the file's text: UTF-16 indices. */
  start: number;
  end: number;
  replacement: string;
  /** For people: what stands there, and what stands there instead. */
  what: string;
}

export type Outcome =
  /** A test failed, or the process ended otherwise than it should. */
  | "killed"
  /** A test did not end in many times the time that it needs. */
  | "timeout"
  /** All tests passed. */
  | "survived"
  /** It cannot be compiled: no change at all. */
  | "invalid";

export function mutate(text: string, { start, end, replacement }: Mutant): string {
  return text.slice(0, start) + replacement + text.slice(end);
}

/** One line of at most 60 characters. */
export function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > 60 ? `${line.slice(0, 57)}...` : line;
}

export function describe(before: string, after: string): string {
  return after ? `${oneLine(before)}  ->  ${oneLine(after)}` : `${oneLine(before)}  removed`;
}

/** The same numbers for the same seed, 0 to 1 (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4294967296;
  };
}

/** `count` of them, each with the same chance, in the order of the files. */
export function sample(mutants: readonly Mutant[], count: number, seed: number): Mutant[] {
  const random = randomNumbers(seed);
  const pool = [...mutants];
  for (let i = pool.length - 1; i > 0; i -= 1) {
    const other = Math.floor(random() * (i + 1));
    [pool[i], pool[other]] = [pool[other], pool[i]];
  }
  return pool.slice(0, count).sort((a, b) => a.file.localeCompare(b.file) || a.start - b.start);
}
