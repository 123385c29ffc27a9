/** Fuzzes for as long as one likes, each time with another seed unless it is given. See README.md. */
import { findTargets, noClang } from "./compile.ts";
import { fuzz } from "./fuzz.ts";
import { fuzzInXS, kinds } from "./xs.ts";

const usage = "npm run fuzz [-- [TARGET...] [SECONDS] [--seed N]]";
const args = process.argv.slice(2).filter((arg) => arg !== "--");
const at = args.indexOf("--seed");
const [, given] = at < 0 ? [] : args.splice(at, 2);
const seed = given === undefined ? Math.floor(Math.random() * 2 ** 31) + 1 : Number(given);
const numbers = args.filter((arg) => /^\d+$/.test(arg));
const names = args.filter((arg) => !numbers.includes(arg));
const seconds = Number(numbers[0] ?? 60);
const targets = noClang ? [] : await findTargets();
const known = [...targets.map(({ name }) => name), ...kinds];
const unknown = names.filter((name) => !known.includes(name));

/** Inputs at a time in XS, between two looks at the clock. */
const portion = 20_000;

async function inXS(kind: (typeof kinds)[number]): Promise<string> {
  const end = Date.now() + seconds * 1000;
  let runs = 0;
  for (let turn = 0; Date.now() < end; turn++) {
    const result = await fuzzInXS({ kind, seed: seed + turn, runs: portion });
    runs += result.runs;
    if (result.finding) return `seed ${seed + turn}: ${result.finding}`;
  }
  console.log(`${kind}: ${runs} inputs, nothing found`);
  return "";
}

async function inC(name: string): Promise<string> {
  const target = targets.find((one) => one.name === name)!;
  const { finding, runs, coverage } = await fuzz({ target, seed, seconds, verbose: true });
  if (!finding) console.log(`${name}: ${runs} inputs, ${coverage} edges, nothing found`);
  return finding;
}

if (unknown.length || numbers.length > 1 || !(seed > 0)) {
  console.error(`${usage}\nTARGET: ${known.join(", ")}${noClang ? `\n${noClang}` : ""}`);
  process.exit(2);
}
if (noClang) console.error(`C is left out: ${noClang}`);
console.log(`seed ${seed}, ${seconds} s for each target`);
for (const name of names.length ? names : known) {
  const kind = kinds.find((one) => one === name);
  const finding = await (kind ? inXS(kind) : inC(name));
  if (!finding) continue;
  console.error(`${name}: ${finding}`);
  process.exitCode = 1;
}
