/** The unit tests of modules/, inside XS, against a firmware in which one module is another one. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ts from "typescript";
import { buildFirmware, buildHost, type CompiledFirmware } from "../../sim/host/build.ts";
import { startDevice } from "../../sim/host/device-process.ts";
import { importsOf } from "../../sim/host/imports.ts";
import { buildDirectory, top } from "../../sim/host/paths.ts";
import { makePictures } from "../pictures.ts";
import { type Mutant, mutate, type Outcome } from "./mutant.ts";

/** A test may take this many times as long as without a mutant, and so many milliseconds, before it counts as hung. */
const slowness = 10;
const patience = 10_000;
const testLimit = 60_000;

interface Module {
  script: string;
  source: string;
}

/** What a test runs on instead. */
interface Changed {
  manifest?: CompiledFirmware;
  executable?: string;
}

export class XSSuite {
  #firmware: CompiledFirmware;
  /** Of the manifest's file. */
  #lines: string[];
  #modules: Map<string, Module>;
  /** Who imports a module, directly. */
  #importers = new Map<string, string[]>();
  /** Milliseconds that a test takes without a mutant. */
  #durations = new Map<string, number>();
  #pictures: string;

  private constructor(firmware: CompiledFirmware, lines: string[], modules: Map<string, Module>, pictures: string) {
    this.#pictures = pictures;
    this.#firmware = firmware;
    this.#lines = lines;
    this.#modules = modules;
  }

  static async open(): Promise<XSSuite> {
    await buildHost();
    const firmware = await buildFirmware(join(top, "tests/unit/manifest.json"));
    const lines = (await readFile(firmware.path, "utf8")).trimEnd().split("\n");
    const modules = new Map<string, Module>();
    for (const line of lines) {
      const [what, name, script, , source] = line.split("\t");
      if (what === "module") modules.set(name, { script, source });
    }
    const suite = new XSSuite(firmware, lines, modules, await makePictures());
    for (const [name, { script }] of modules)
      for (const imported of await importsOf(name, script))
        suite.#importers.set(imported, [...(suite.#importers.get(imported) ?? []), name]);
    return suite;
  }

  /** Whether the file is a module of the firmware that a unit test reaches. */
  covers(file: string): boolean {
    return this.testsOf(file).length > 0;
  }

  /** The first test that fails decides; the nearest ones are run first. @throws Error when a test fails without a mutant */
  async run(mutant: Mutant): Promise<Outcome> {
    const text = await readFile(join(top, mutant.file), "utf8");
    const result = ts.transpileModule(mutate(text, mutant), {
      fileName: mutant.file,
      reportDiagnostics: true,
      compilerOptions: {
        target: ts.ScriptTarget.ES2022,
        module: ts.ModuleKind.ESNext,
        verbatimModuleSyntax: true,
        isolatedModules: true,
      },
    });
    if (result.diagnostics?.length) return "invalid";
    const directory = await mkdtemp(join(buildDirectory, "mutant-"));
    try {
      const manifest = await this.firmwareWith(mutant.file, result.outputText, directory);
      return await this.ask(mutant.file, { manifest });
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  /** The tests that reach the file, on another firmware or another host. @throws Error when a test fails without a mutant */
  async ask(file: string, changed: Changed): Promise<Outcome> {
    for (const test of this.testsOf(file)) {
      const limit = (await this.measure(test)) * slowness + patience;
      const outcome = await this.execute(test, limit, changed);
      if (outcome !== "survived") return outcome;
    }
    return "survived";
  }

  /** The unit tests that import the file, over others too, nearest first. */
  private testsOf(file: string): string[] {
    const first = [...this.#modules].find(([, { source }]) => source === file)?.[0];
    if (!first) return [];
    const reached = new Set([first]);
    for (const name of reached) for (const importer of this.#importers.get(name) ?? []) reached.add(importer);
    return [...reached].filter((name) => name.startsWith("tests/unit/") && name.endsWith(".test"));
  }

  private async firmwareWith(file: string, script: string, directory: string): Promise<CompiledFirmware> {
    const path = join(directory, "firmware.manifest");
    const scriptPath = join(directory, "mutant.js");
    const lines = this.#lines.map((line) => {
      const fields = line.split("\t");
      if (fields[0] !== "module" || fields[4] !== file) return line;
      fields[2] = scriptPath;
      fields[3] = "";
      return fields.join("\t");
    });
    await writeFile(scriptPath, script);
    await writeFile(path, `${lines.join("\n")}\n`);
    return { ...this.#firmware, path };
  }

  private async measure(test: string): Promise<number> {
    const known = this.#durations.get(test);
    if (known !== undefined) return known;
    const start = performance.now();
    const outcome = await this.execute(test, testLimit);
    if (outcome !== "survived") throw new Error(`${test} fails without a mutant: run npm test first`);
    const duration = performance.now() - start;
    this.#durations.set(test, duration);
    return duration;
  }

  private async execute(module: string, limit: number, changed: Changed = {}): Promise<Outcome> {
    const storage = await mkdtemp(join(tmpdir(), "devicelink-mutant-"));
    let failed = false;
    let done = false;
    let isLate = false;
    const device = await startDevice({
      manifest: this.#firmware,
      ...changed,
      module,
      environment: { STORAGE_DIRECTORY: storage, CAMERA_FRAMES: this.#pictures },
      onTrace: (line) => {
        if (line.startsWith('{"done":')) done = true;
        else if (!line.startsWith('{"test":') || JSON.parse(line).ok) return;
        else failed = true;
        if (failed) device.kill("SIGKILL");
      },
    });
    const timer = setTimeout(() => {
      isLate = true;
      device.kill("SIGKILL");
    }, limit);
    const exit = await device.exited;
    clearTimeout(timer);
    await rm(storage, { recursive: true, force: true });
    if (isLate && !failed) return "timeout";
    return failed || !done || exit.code !== 0 ? "killed" : "survived";
  }
}
