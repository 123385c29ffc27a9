import { spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { NativeTest } from "../native/compile.ts";
import { compileTarget, top } from "./compile.ts";
import { writeCorpus } from "./corpus.ts";

/** Inputs that C targets take: a certificate chain is the longest. */
const longest: Record<string, number> = { driver: 300, tls: 600, credentials: 4000 };

export interface Fuzzing {
  target: NativeTest;
  seed: number;
  /** Inputs to try, or seconds to go on. */
  runs?: number;
  seconds?: number;
  /** Shows what libFuzzer says as it says it. */
  verbose?: boolean;
}

export interface FuzzResult {
  runs: number;
  seeds: number;
  /** Edges of the program that were reached. */
  coverage: number;
  /** How it ended, and what the sanitizers said; empty when nothing was found. */
  finding: string;
}

function run(program: string, args: string[], verbose: boolean): Promise<{ output: string; end: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: top, stdio: ["ignore", "ignore", "pipe"] });
    let output = "";
    child.stderr.on("data", (text) => {
      output = (output + text).slice(-200_000);
      if (verbose) process.stderr.write(text);
    });
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ output, end: signal ?? `${code}` }));
  });
}

const last = (output: string, pattern: RegExp) => Number([...output.matchAll(pattern)].at(-1)?.[1] ?? 0);

/** Fuzzes one target. What makes it fail lies in `.build/fuzz/findings` then: give the file to the program to see it again. */
export async function fuzz({ target, seed, runs, seconds, verbose = false }: Fuzzing): Promise<FuzzResult> {
  const { name } = target;
  const program = await compileTarget(target);
  const corpus = join(top, ".build/fuzz/corpus", name);
  const findings = join(top, ".build/fuzz/findings", name);
  const seeds = await writeCorpus(name, corpus);
  await mkdir(findings, { recursive: true });
  const { output, end } = await run(
    program,
    [
      `-seed=${seed}`,
      `-max_len=${longest[name] ?? 300}`,
      "-len_control=0",
      "-timeout=20",
      `-artifact_prefix=${findings}/`,
      ...(runs === undefined ? [] : [`-runs=${runs}`]),
      ...(seconds === undefined ? [] : [`-max_total_time=${seconds}`]),
      corpus,
    ],
    verbose,
  );
  return {
    runs: last(output, /^Done (\d+) runs/gm),
    coverage: last(output, /cov: (\d+)/g),
    seeds,
    finding: end === "0" ? "" : `${end}\n${output.slice(-4000)}`,
  };
}
