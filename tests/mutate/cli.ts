import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { type Room, readRooms } from "./rooms.ts";
import { type Score, scoreRoom } from "./score.ts";

const help = `npm run mutate -- [ROOM...] [options]

Changes one place of the code at a time (a comparison, a number, a statement left out) and runs the tests that reach it. A change that no test
notices is shown: there a test is missing, or the code is not needed. Nothing in the project's files is changed.

  ROOM            a folder of modules/ or native/: storage, upload, tls, ... Default: all of them
  --count N       so many changes in each room, chosen at random. Default: 100
  --seed N        other changes for another number. Default: 1
  --file TEXT     only files whose path contains the text
  --jobs N        so many at a time. Default: one for each core
  --whole         ask the room's end-to-end tests about what the unit tests let live (minutes for each)
  --at-least N    exit code 1 when less than N percent are noticed in a room
  --list          show the changes, run nothing
  --json          one JSON object a line for each change, and one for each room
`;

export interface MutateOptions {
  count: number;
  seed: number;
  file: string;
  jobs: number;
  whole: boolean;
  list: boolean;
  json: boolean;
}

/** @returns the exit code */
export async function main(args: string[]): Promise<number> {
  try {
    return await run(args);
  } catch (error) {
    console.error((error as Error).message);
    return 2;
  }
}

async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      count: { type: "string", default: "100" },
      seed: { type: "string", default: "1" },
      file: { type: "string", default: "" },
      jobs: { type: "string", default: String(availableParallelism()) },
      "at-least": { type: "string", default: "0" },
      whole: { type: "boolean", default: false },
      list: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(help);
    return 0;
  }
  const options = {
    ...values,
    count: wholeNumber("count", values.count, 1),
    seed: wholeNumber("seed", values.seed, 0),
    jobs: wholeNumber("jobs", values.jobs, 1),
  };
  const floor = wholeNumber("at-least", values["at-least"], 0);
  const scores: Score[] = [];
  for (const room of choose(await readRooms(), positionals)) scores.push(await scoreRoom(room, options));
  if (!options.list && !options.json) for (const line of table(scores)) console.log(line);
  return scores.some((score) => percent(score) < floor) ? 1 : 0;
}

function wholeNumber(name: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least) return value;
  throw new Error(`--${name} wants a whole number from ${least} on, not "${text}"`);
}

function choose(rooms: Room[], names: string[]): Room[] {
  const unknown = names.find((name) => !rooms.some((room) => room.name === name));
  if (unknown) throw new Error(`there is no room "${unknown}"; there are ${rooms.map(({ name }) => name).join(", ")}`);
  return names.length ? rooms.filter(({ name }) => names.includes(name)) : rooms;
}

function percent({ killed, survived }: Score): number {
  return killed + survived ? (100 * killed) / (killed + survived) : 100;
}

function table(scores: Score[]): string[] {
  const row = (name: string, ...cells: string[]) => name.padEnd(14) + cells.map((cell) => cell.padStart(10)).join("");
  const rows = scores.map((score) => {
    const { room, killed, survived, places } = score;
    return row(room, String(killed + survived), String(killed), `${percent(score).toFixed(1)} %`, String(places));
  });
  return ["", row("room", "mutants", "noticed", "score", "places"), ...rows];
}
