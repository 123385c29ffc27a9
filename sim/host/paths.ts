import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's folder. */
export const top = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
export const buildDirectory = join(top, ".build");
export const hostExecutable = join(buildDirectory, "xs-host");
export const engineDirectory = join(top, "node_modules/@agoric/xsnap/moddable/xs");

/** A path as it is shown: from the project's folder, with slashes. */
export function fromTop(path: string): string {
  return relative(top, path).replaceAll("\\", "/");
}

/** The same as a path below .build: what lies outside of the project stays outside of its names. */
export function asBuildPath(path: string): string {
  return fromTop(path).replaceAll("../", "_/");
}
