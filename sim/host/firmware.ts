/** Compiles what a manifest lists into what the host reads. */
import { dirname, join, resolve } from "node:path";
import { compileScript, type Script } from "./compile.ts";
import { writeIfChanged } from "./files.ts";
import { findUnresolved } from "./imports.ts";
import { isPreloaded, type Manifest, readManifests } from "./manifest.ts";
import { asBuildPath, buildDirectory, fromTop, top } from "./paths.ts";

export interface CompiledFirmware {
  /** "firmware" for the manifest at the top, else its folder: "tests-unit". */
  name: string;
  /** For --manifest. */
  path: string;
  modules: string[];
  preload: string[];
  /** Imports of modules that are not there. Who imports them, directly or not, is not preloaded and fails when it is loaded. */
  warnings: string[];
}

/** The modules that the host itself provides. */
export const hostManifest = join(top, "sim/host/manifest.json");

/** Defaults of mcconfig for a chip, where the manifest says nothing. */
const CREATION = { chunk: { initial: 24576, incremental: 0 }, heap: { initial: 2048, incremental: 0 }, stack: 384 };
const KEYS = { initial: 128, incremental: 32 };

/** @throws Error with file and line where a source cannot be compiled */
export async function buildFirmware(manifestPath = join(top, "manifest.json")): Promise<CompiledFirmware> {
  const name = asBuildPath(dirname(resolve(manifestPath))).replaceAll("/", "-") || "firmware";
  const manifest = await readManifests([hostManifest, manifestPath]);
  manifest.modules.set("mc/config", await writeConfig(name, manifest));
  const scripts = new Map<string, Script>();
  for (const [module, source] of manifest.modules) scripts.set(module, await compileScript(source));
  const { unresolved, broken } = await findUnresolved(
    new Map([...scripts].map(([module, { script }]) => [module, script])),
  );
  const lines = [creationLine(manifest)];
  const preload: string[] = [];
  for (const [module, source] of manifest.modules) {
    const { script, map } = scripts.get(module)!;
    const preloaded = isPreloaded(module, manifest.preload) && !broken.has(module);
    if (preloaded) preload.push(module);
    lines.push(["module", module, script, map, fromTop(source), preloaded ? 1 : 0].join("\t"));
  }
  const path = join(buildDirectory, "firmware", `${name}.manifest`);
  await writeIfChanged(path, `${lines.join("\n")}\n`);
  const warnings = unresolved.map(({ module, specifier }) => `${module} imports "${specifier}", which is not there`);
  return { name, path, modules: [...manifest.modules.keys()], preload, warnings };
}

function creationLine({ creation }: Manifest): string {
  const { chunk, heap, stack } = { ...CREATION, ...creation };
  const keys = { ...KEYS, ...creation.keys };
  return [
    "creation",
    chunk.initial,
    chunk.incremental ?? 0,
    heap.initial,
    heap.incremental ?? 0,
    stack,
    creation.static ?? 0,
    keys.available ?? keys.initial,
    keys.incremental,
  ].join("\t");
}

async function writeConfig(name: string, { config }: Manifest): Promise<string> {
  const path = join(buildDirectory, "firmware", `${name}.config.js`);
  await writeIfChanged(path, `export default Object.freeze(${JSON.stringify(config, null, 2)}, true);\n`);
  return path;
}
