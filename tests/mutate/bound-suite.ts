/** C that is bound into XS: a host with the changed file, and the unit tests that reach the script of the same name with its bindings. */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { buildHost } from "../../sim/host/build.ts";
import { asBuildPath, buildDirectory, top } from "../../sim/host/paths.ts";
import { type Mutant, mutate, type Outcome } from "./mutant.ts";
import { XSSuite } from "./xs-suite.ts";

const run = promisify(execFile);
const host = join(buildDirectory, "host");
const compiler = process.env.CC ?? "cc";

/** The makefile's files of flags have one flag, or one object file, a line; the first line of link.flags has several. */
const words = (text: string) => text.split(/\s+/).filter(Boolean);
const unquoted = (flag: string) => flag.replaceAll('\\"', '"');

export class BoundSuite {
  #suite: XSSuite;
  #compile: string[];
  #link: string[];

  private constructor(suite: XSSuite, compile: string[], link: string[]) {
    this.#suite = suite;
    this.#compile = compile;
    this.#link = link;
  }

  static async open(): Promise<BoundSuite> {
    await buildHost();
    const compile = words(await readFile(join(host, "native.flags"), "utf8")).map(unquoted);
    const link = words(await readFile(join(host, "link.flags"), "utf8"));
    return new BoundSuite(await XSSuite.open(), compile, link);
  }

  covers(file: string): boolean {
    return this.#suite.covers(scriptOf(file));
  }

  /** @throws Error when a test fails without a mutant */
  async run(mutant: Mutant): Promise<Outcome> {
    const directory = await mkdtemp(join(buildDirectory, "mutant-"));
    try {
      const executable = await this.build(mutant, directory);
      return executable ? await this.#suite.ask(scriptOf(mutant.file), { executable }) : "invalid";
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  /** @returns undefined when the mutant cannot be compiled */
  private async build(mutant: Mutant, directory: string): Promise<string | undefined> {
    const original = join(top, mutant.file);
    const source = join(directory, basename(original));
    const object = `${source}.o`;
    await writeFile(source, mutate(await readFile(original, "utf8"), mutant));
    try {
      await run(compiler, [...this.#compile, "-w", "-iquote", dirname(original), "-c", source, "-o", object]);
    } catch {
      return undefined;
    }
    const replaced = join(host, "objects", `${asBuildPath(original)}.o`);
    const executable = join(directory, "xs-host");
    const objects = this.#link.filter((word) => word.endsWith(".o")).map((path) => (path === replaced ? object : path));
    const libraries = this.#link.filter((word) => !word.endsWith(".o"));
    await run(compiler, ["-rdynamic", "-o", executable, ...objects, ...libraries]);
    return executable;
  }
}

/** The script of the folder that binds functions of the file; "" when there is none. */
function scriptOf(file: string): string {
  const source = readFileSync(join(top, file), "utf8");
  const scripts = readdirSync(join(top, dirname(file))).filter((name) => name.endsWith(".js"));
  const found = scripts.find((name) => {
    const bindings = readFileSync(join(top, dirname(file), name), "utf8").matchAll(/@ "(\w+)"/g);
    return [...bindings].some(([, binding]) => source.includes(`void ${binding}(`));
  });
  return found ? join(dirname(file), found) : "";
}
