/**
 * Reads manifests as mcconfig does, for the platform "xs-host": `include`, `modules` (module name to path without extension; "*" is a glob
 * that does not go into folders; "~" takes away), `preload`, `config`, `defines`, `creation`, `platforms`.
 * `platforms["xs-host"].libraries` names the system libraries that natives need. What lies in the Moddable SDK is left out: the host has its
 * own modules of the same names.
 */
import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";

export interface Creation {
  chunk: { initial: number; incremental: number };
  heap: { initial: number; incremental: number };
  stack: number;
  static?: number;
  keys?: { initial?: number; incremental?: number; available?: number };
}

export interface Manifest {
  /** Module name to source file (.ts, .js, .mjs). */
  modules: Map<string, string>;
  /** C files. */
  natives: Set<string>;
  /** Names and patterns. */
  preload: Set<string>;
  config: Record<string, unknown>;
  defines: Record<string, unknown>;
  creation: Partial<Creation>;
  libraries: Set<string>;
}

type Section = {
  include?: string | string[];
  modules?: Record<string, string | string[]>;
  preload?: string | string[];
  config?: Record<string, unknown>;
  defines?: Record<string, unknown>;
  creation?: Partial<Creation>;
  libraries?: string[];
};

const PLATFORM = "xs-host";
const SCRIPTS = [".ts", ".js", ".mjs"];

const list = (value: string | string[] | undefined) =>
  value === undefined ? [] : Array.isArray(value) ? value : [value];
const isInSDK = (path: string) => path.includes("$(MODDABLE)") || path.includes("$(MODULES)");

export async function readManifests(paths: string[]): Promise<Manifest> {
  const manifest: Manifest = {
    modules: new Map(),
    natives: new Set(),
    preload: new Set(),
    config: {},
    defines: {},
    creation: {},
    libraries: new Set(),
  };
  const seen = new Set<string>();
  for (const path of paths) await readManifest(resolve(path), manifest, seen);
  return manifest;
}

async function readManifest(path: string, into: Manifest, seen: Set<string>): Promise<void> {
  if (seen.has(path)) return;
  seen.add(path);
  const text = await readFile(path, "utf8");
  let json: Section & { platforms?: Record<string, Section> };
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${path} is no JSON: ${(cause as Error).message}`, { cause });
  }
  const sections: Section[] = [json, json.platforms?.[PLATFORM] ?? {}];
  for (const section of sections)
    for (const include of list(section.include))
      if (!isInSDK(include)) await readManifest(resolve(dirname(path), include), into, seen);
  for (const section of sections) await readSection(section, dirname(path), into);
}

async function readSection(section: Section, directory: string, into: Manifest): Promise<void> {
  for (const name of list(section.preload)) into.preload.add(name);
  for (const library of section.libraries ?? []) into.libraries.add(library);
  merge(into.config, section.config ?? {});
  merge(into.defines, section.defines ?? {});
  merge(into.creation as Record<string, unknown>, section.creation ?? {});
  const { "~": removed, ...modules } = section.modules ?? {};
  for (const [target, sources] of Object.entries(modules))
    for (const source of list(sources))
      if (!isInSDK(source)) await addModules(target, resolve(directory, source), into);
  for (const source of list(removed))
    if (!isInSDK(source)) for (const file of await findSources(resolve(directory, source))) remove(file, into);
}

function merge(into: Record<string, unknown>, from: object): void {
  for (const [name, value] of Object.entries(from)) {
    const old = into[name];
    if (isPlain(old) && isPlain(value)) merge(old, value);
    else into[name] = structuredClone(value);
  }
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

async function addModules(target: string, pattern: string, into: Manifest): Promise<void> {
  for (const file of await findSources(pattern)) {
    if (extname(file) === ".c") into.natives.add(file);
    else into.modules.set(target.replace("*", basename(file, extname(file))), file);
  }
}

function remove(file: string, into: Manifest): void {
  into.natives.delete(file);
  for (const [name, source] of into.modules) if (source === file) into.modules.delete(name);
}

/** The .ts, .js, .mjs and .c files of a path without extension; the last part may contain one "*". A path may also have its extension. */
async function findSources(pattern: string): Promise<string[]> {
  const [before, after] = basename(pattern).split("*");
  const entries = await readdir(dirname(pattern)).catch(() => [] as string[]);
  const matches = (name: string) => {
    const extension = extname(name);
    if (name.endsWith(".d.ts") || (!SCRIPTS.includes(extension) && extension !== ".c")) return false;
    if (name === before && after === undefined) return true;
    const stem = basename(name, extension);
    if (after === undefined) return stem === before;
    return stem.startsWith(before) && stem.endsWith(after) && stem.length >= before.length + after.length;
  };
  return entries
    .filter(matches)
    .sort()
    .map((name) => join(dirname(pattern), name));
}

/** Whether a module is in the preload list; "*" there stands for any text without a slash. */
export function isPreloaded(name: string, preload: Set<string>): boolean {
  if (preload.has(name)) return true;
  for (const pattern of preload) {
    if (!pattern.includes("*")) continue;
    const expression = pattern.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", "[^/]*");
    if (new RegExp(`^${expression}$`).test(name)) return true;
  }
  return false;
}
