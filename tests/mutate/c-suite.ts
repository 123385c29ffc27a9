/** The C tests of tests/native, with sanitizers, against sources of which one is another one. */
import { execFile, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { buildDirectory, fromTop, top } from "../../sim/host/paths.ts";
import { findTests, type NativeTest } from "../native/compile.ts";
import { type Mutant, mutate, type Outcome } from "./mutant.ts";

const run = promisify(execFile);
// Warnings are no concern here: a mutant that leaves a variable unused is one all the same.
const flags = ["-std=gnu17", "-O1", "-w", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
const testLimit = 120_000;
const slowness = 10;
const patience = 10_000;
const mutants = join(buildDirectory, "mutants");

export class CSuite {
  #tests: NativeTest[];
  /** Of this run alone: another one may go on in the same clone. */
  #directory: string;
  /** Object files by test and source. */
  #objects = new Map<string, Promise<string>>();
  /** Milliseconds that a test takes without a mutant. */
  #durations = new Map<NativeTest, number>();

  private constructor(tests: NativeTest[], directory: string) {
    this.#tests = tests;
    this.#directory = directory;
  }

  static async open(): Promise<CSuite> {
    await mkdir(mutants, { recursive: true });
    const directory = await mkdtemp(join(mutants, "objects-"));
    process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
    return new CSuite(await findTests(top, join(top, "tests/native")), directory);
  }

  /** Whether a C test compiles the file. */
  covers(file: string): boolean {
    return this.testsOf(file).length > 0;
  }

  /** The first test that fails decides. @throws Error when a test fails without a mutant */
  async run(mutant: Mutant): Promise<Outcome> {
    const directory = await mkdtemp(join(buildDirectory, "mutant-"));
    try {
      const source = join(directory, basename(mutant.file));
      const text = await readFile(join(top, mutant.file), "utf8");
      await writeFile(source, mutate(text, { ...mutant, replacement: " @ " }));
      if (await this.compilesAll(mutant.file, source, directory)) return "invalid";
      await writeFile(source, mutate(text, mutant));
      for (const test of this.testsOf(mutant.file)) {
        const limit = (await this.measure(test)) * slowness + patience;
        const program = await this.build(test, directory, mutant.file, source);
        if (!program) return "invalid";
        const outcome = await execute(program, limit);
        if (outcome !== "survived") return outcome;
      }
      return "survived";
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  /** What is no C compiles where the preprocessor leaves the place out: for another library, or for the chip. */
  private async compilesAll(file: string, source: string, directory: string): Promise<boolean> {
    try {
      for (const test of this.testsOf(file))
        await compile(source, dirname(join(top, file)), test, join(directory, "left-out.o"));
      return true;
    } catch {
      return false;
    }
  }

  private testsOf(file: string): NativeTest[] {
    return this.#tests.filter(({ sources }) => sources.some((source) => fromTop(source) === file));
  }

  private async measure(test: NativeTest): Promise<number> {
    const known = this.#durations.get(test);
    if (known !== undefined) return known;
    const directory = await mkdtemp(join(buildDirectory, "mutant-"));
    try {
      const program = await this.build(test, directory);
      const start = performance.now();
      const outcome = program && (await execute(program, testLimit));
      if (outcome !== "survived")
        throw new Error(`tests/native/${test.name} fails without a mutant: run npm test first`);
      const duration = performance.now() - start;
      this.#durations.set(test, duration);
      return duration;
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  /** @returns undefined when the mutant cannot be compiled */
  private async build(
    test: NativeTest,
    directory: string,
    file?: string,
    mutated?: string,
  ): Promise<string | undefined> {
    const inputs: string[] = [];
    for (const source of [test.file, ...test.sources]) {
      if (fromTop(source) !== file) inputs.push(await this.object(test, source));
      else {
        const object = join(directory, `${test.name}.o`);
        try {
          await compile(mutated as string, dirname(source), test, object);
        } catch {
          return undefined;
        }
        inputs.push(object);
      }
    }
    const program = join(directory, test.name);
    await run("gcc", [...flags, ...inputs, ...test.libs, "-o", program], { cwd: top });
    return program;
  }

  /** Compiled once. */
  private object(test: NativeTest, source: string): Promise<string> {
    const name = `${test.name}-${fromTop(source).replaceAll("/", "-")}.o`;
    const known = this.#objects.get(name);
    if (known) return known;
    const object = join(this.#directory, name);
    const made = compile(source, dirname(source), test, object).then(() => object);
    this.#objects.set(name, made);
    return made;
  }
}

async function compile(source: string, directory: string, test: NativeTest, object: string): Promise<void> {
  await run("gcc", [...flags, ...test.flags, "-iquote", directory, "-c", source, "-o", object], { cwd: top });
}

function execute(program: string, limit: number): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [], { cwd: top, stdio: ["ignore", "pipe", "ignore"] });
    let isLate = false;
    let failed = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill("SIGKILL");
    }, limit);
    let rest = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      if (!lines.some((line) => line.startsWith("not ok"))) return;
      failed = true;
      child.kill("SIGKILL");
    });
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      if (failed || rest.startsWith("not ok")) resolve("killed");
      else if (isLate) resolve("timeout");
      else resolve(code === 0 ? "survived" : "killed");
    });
  });
}
