import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const top = fileURLToPath(new URL("../..", import.meta.url));

/** Where the processes of the simulator lie, each as one file. */
export const bundleDirectory = join(top, ".build/sim");
/** Scripts that are bundled, by the name of their bundle. */
export const bundles: ReadonlyMap<string, string> = new Map([
  ["cloud.mjs", join(top, "sim/cloud/main.ts")],
  ["radio.mjs", join(top, "sim/radio/main.ts")],
]);

/**
 * What Node is called with to run a script of the simulator: its bundle, which starts in a third of the time, or the TypeScript itself where there is
 * no bundle, or where modules are to be loaded before it (they share its modules, and a bundle has its own).
 */
export function nodeArguments(script: string, imports: string[] = []): string[] {
  const bundle = [...bundles].find(([, path]) => path === script)?.[0];
  const path = bundle && join(bundleDirectory, bundle);
  if (path && !imports.length && existsSync(path)) return [path];
  return [...["tsx", ...imports].flatMap((module) => ["--import", module]), script];
}
