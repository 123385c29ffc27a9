/** Which modules can be loaded: those whose static imports, and the imports of these, are all there. */
import { readFile } from "node:fs/promises";
import { posix } from "node:path";

const STATIC_IMPORT = /^(?:import|export)\b(?:[^;'"]*?\bfrom)?\s*["']([^"']+)["']/gm;

export interface Unresolved {
  module: string;
  specifier: string;
}

/** `scripts`: module name to JavaScript file. Returns what is imported but not there, and the modules that cannot be loaded because of it. */
export async function findUnresolved(
  scripts: Map<string, string>,
): Promise<{ unresolved: Unresolved[]; broken: Set<string> }> {
  const imports = new Map<string, string[]>();
  const unresolved: Unresolved[] = [];
  const broken = new Set<string>();
  for (const [module, script] of scripts) {
    const names = await importsOf(module, script);
    for (const name of names) {
      if (scripts.has(name)) continue;
      unresolved.push({ module, specifier: name });
      broken.add(module);
    }
    imports.set(module, names);
  }
  for (let size = -1; size !== broken.size; ) {
    size = broken.size;
    for (const [module, names] of imports) if (names.some((name) => broken.has(name))) broken.add(module);
  }
  return { unresolved, broken };
}

/** The modules that a module imports, as they are called in a manifest. @param script its JavaScript file */
export async function importsOf(module: string, script: string): Promise<string[]> {
  const matches = (await readFile(script, "utf8")).matchAll(STATIC_IMPORT);
  return [...matches].map(([, specifier]) => resolveSpecifier(module, specifier));
}

function resolveSpecifier(module: string, specifier: string): string {
  const name = specifier.replace(/\.m?js$/, "");
  return name.startsWith(".") ? posix.join(posix.dirname(module), name) : name;
}
