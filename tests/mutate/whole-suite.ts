/** Test files of node's runner against a copy of the project in which one file is another one. Slow: what the suites inside XS and in C let live. */
import { spawn } from "node:child_process";
import { cp, mkdir, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { top } from "../../sim/host/paths.ts";
import { type Mutant, mutate, type Outcome } from "./mutant.ts";

/** Real time for all test files of a room, milliseconds. */
const limit = 600_000;
const copied = [
  "main.ts",
  "manifest.json",
  "package.json",
  "tsconfig.json",
  "certs",
  "modules",
  "native",
  "sim",
  "tests",
  ".build",
];

export class WholeSuite {
  #directory: string;
  #passed = new Set<string>();

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** @param name of the copy: each that is used at the same time has its own */
  static async open(name: string): Promise<WholeSuite> {
    const directory = join(top, ".build/mutants", name);
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory, { recursive: true });
    const isCopied = (path: string) => !path.startsWith(join(top, ".build/mutants"));
    for (const path of copied)
      await cp(join(top, path), join(directory, path), { recursive: true, preserveTimestamps: true, filter: isCopied });
    await symlink(join(top, "node_modules"), join(directory, "node_modules"));
    return new WholeSuite(directory);
  }

  /** @param tests paths from the project's folder @throws Error when they fail without a mutant */
  async run(mutant: Mutant, tests: readonly string[]): Promise<Outcome> {
    await this.prove(tests);
    const path = join(this.#directory, mutant.file);
    const text = await readFile(path, "utf8");
    try {
      await this.write(path, mutate(text, mutant));
      return await this.execute(tests);
    } finally {
      await this.write(path, text);
    }
  }

  async close(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }

  private async write(path: string, text: string): Promise<void> {
    await writeFile(path, text);
    // What is out of date is told by time, in milliseconds.
    const soon = new Date(Date.now() + 10);
    await utimes(path, soon, soon);
  }

  private async prove(tests: readonly string[]): Promise<void> {
    const key = tests.join(" ");
    if (this.#passed.has(key)) return;
    if ((await this.execute(tests)) !== "survived")
      throw new Error(`${key} fails without a mutant: run npm test first`);
    this.#passed.add(key);
  }

  private execute(tests: readonly string[]): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const args = ["--import", "tsx", "--test", "--test-concurrency=1", ...tests];
      const child = spawn(process.execPath, args, { cwd: this.#directory, stdio: "ignore", detached: true });
      let isLate = false;
      const timer = setTimeout(() => {
        isLate = true;
        process.kill(-child.pid!, "SIGKILL");
      }, limit);
      child.on("error", reject);
      child.on("close", (code) => {
        clearTimeout(timer);
        if (isLate) resolve("timeout");
        else resolve(code === 0 ? "survived" : "killed");
      });
    });
  }
}
