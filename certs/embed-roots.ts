/**
 * Writes modules/network/roots.ts from certs/roots/: as text in a module, the roots are in flash on the chip and cost no RAM.
 * `node --import tsx certs/embed-roots.ts`; tests/e2e/certs.test.ts fails when it was forgotten.
 */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
export const target = join(here, "../modules/network/roots.ts");

/** The module's text. */
export async function embedRoots(): Promise<string> {
  const files = (await readdir(join(here, "roots"))).filter((name) => name.endsWith(".pem")).sort();
  const roots = await Promise.all(
    files.map(async (name) => {
      const pem = (await readFile(join(here, "roots", name), "utf8")).trim();
      return `  // ${basename(name, ".pem")}\n  \`${pem}\`,\n`;
    }),
  );
  return `// Made by certs/embed-roots.ts from certs/roots/*.pem: change those.

/** The authorities that Amazon's servers chain to (AWS IoT Core, "Server authentication"; S3): PEM. */
export const amazonRoots: readonly string[] = Object.freeze([
${roots.join("")}]);
`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await writeFile(target, await embedRoots());
