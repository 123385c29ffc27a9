/** One room: which of its mutants the tests notice. */
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { buildDirectory, top } from "../../sim/host/paths.ts";
import { BoundSuite } from "./bound-suite.ts";
import { mutantsOfC } from "./c-mutants.ts";
import { CSuite } from "./c-suite.ts";
import type { MutateOptions } from "./cli.ts";
import { type Mutant, type Outcome, sample } from "./mutant.ts";
import { endToEnd, type Room } from "./rooms.ts";
import { mutantsOfTypeScript } from "./typescript-mutants.ts";
import { WholeSuite } from "./whole-suite.ts";
import { XSSuite } from "./xs-suite.ts";

export interface Score {
  room: string;
  killed: number;
  survived: number;
  /** All places of the room that could be changed. */
  places: number;
}

interface Suite {
  covers(file: string): boolean;
  run(mutant: Mutant): Promise<Outcome>;
}

export async function scoreRoom(room: Room, options: MutateOptions): Promise<Score> {
  const mutants = await mutantsOf(room, options.file);
  const chosen = sample(mutants, options.count, options.seed);
  const score: Score = { room: room.name, killed: 0, survived: 0, places: mutants.length };
  if (options.list) {
    for (const { file, line, what } of chosen) console.log(`${file}:${line}  ${what}`);
    return score;
  }
  await mkdir(buildDirectory, { recursive: true });
  const isC = chosen[0]?.file.endsWith(".c");
  const suites: Suite[] = isC ? [await CSuite.open(), await BoundSuite.open()] : [await XSSuite.open()];
  let survivors: Mutant[] = [];
  let done = 0;
  await inParallel(options.jobs, chosen, async (mutant) => {
    const suite = suites.find((it) => it.covers(mutant.file));
    const outcome = suite ? await suite.run(mutant) : "survived";
    done += 1;
    if (outcome === "survived") survivors.push(mutant);
    // A survivor is told at once, unless there is somebody else to ask.
    if (outcome !== "survived" || !options.whole) tell(mutant, outcome, options);
    if (outcome === "killed" || outcome === "timeout") score.killed += 1;
    progress(`${room.name}: ${done} of ${chosen.length}`, options);
  });
  if (options.whole) survivors = await askWhole(room, survivors, score, options);
  score.survived = survivors.length;
  if (options.json) console.log(JSON.stringify(score));
  return score;
}

async function mutantsOf(room: Room, part: string): Promise<Mutant[]> {
  const mutants: Mutant[] = [];
  for (const file of room.files) {
    if (!file.includes(part)) continue;
    const text = await readFile(join(top, file), "utf8");
    mutants.push(...(file.endsWith(".c") ? mutantsOfC(file, text) : mutantsOfTypeScript(file, text)));
  }
  return mutants;
}

async function askWhole(room: Room, mutants: Mutant[], score: Score, options: MutateOptions): Promise<Mutant[]> {
  const tests = endToEnd[room.name] ?? [];
  if (!tests.length || !mutants.length) return mutants;
  const suite = await WholeSuite.open(room.name);
  const survivors: Mutant[] = [];
  try {
    for (const [index, mutant] of mutants.entries()) {
      progress(`${room.name}: end to end, ${index + 1} of ${mutants.length}`, options);
      const outcome = await suite.run(mutant, tests);
      tell(mutant, outcome, options);
      if (outcome === "survived") survivors.push(mutant);
      else score.killed += 1;
    }
  } finally {
    await suite.close();
  }
  return survivors;
}

function tell(mutant: Mutant, outcome: Outcome, { json }: MutateOptions): void {
  const { file, line, what } = mutant;
  if (json) console.log(JSON.stringify({ file, line, what, outcome }));
  else if (outcome === "survived") console.log(`${file}:${line}  ${what}`);
}

function progress(text: string, { json }: MutateOptions): void {
  if (json || !process.stderr.isTTY) return;
  // Written over by what comes next.
  process.stderr.write(`${text}\x1b[K\r`);
}

async function inParallel<Item>(jobs: number, items: readonly Item[], work: (item: Item) => Promise<void>) {
  const rest = items.values();
  const worker = async () => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: jobs }, worker));
}
