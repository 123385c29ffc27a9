/**
 * Builds the page into .build/phone-page, where sim/phone/server.ts serves it from. `npx tsx sim/phone/web/build.ts` does it by hand.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { build, type InlineConfig } from "vite";

const root = fileURLToPath(new URL(".", import.meta.url));
const library = join(root, "..");
const top = join(root, "../../..");

/** The built page. */
export const pageDirectory = join(top, ".build/phone-page");
const stamp = `${pageDirectory}.stamp`;

/**
 * A strict Content-Security-Policy is served with the page: no inline scripts or styles, no eval, nothing from elsewhere. So no polyfill, no
 * asset as a data URL.
 */
export const pageConfig: InlineConfig = {
  root,
  base: "./",
  configFile: false,
  logLevel: "warn",
  publicDir: false,
  build: {
    outDir: pageDirectory,
    emptyOutDir: true,
    target: ["chrome123", "firefox128", "safari17.5"],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 900,
  },
};

/** Builds the page unless what is there was made of the same sources. @returns whether it was built now */
export async function buildPage(): Promise<boolean> {
  const now = await fingerprint();
  if (existsSync(join(pageDirectory, "index.html")) && existsSync(stamp) && (await readFile(stamp, "utf8")) === now)
    return false;
  console.error("Building the phone's page ...");
  // Beside it first: two processes may build at once, and somebody may be reading what is there.
  const outDir = `${pageDirectory}.${process.pid}`;
  try {
    await build({ ...pageConfig, build: { ...pageConfig.build, outDir } });
    await rm(pageDirectory, { recursive: true, force: true });
    await rename(outDir, pageDirectory);
  } catch (error) {
    await rm(outDir, { recursive: true, force: true });
    if ((error as NodeJS.ErrnoException).code !== "ENOTEMPTY") throw error; // the other one was faster
  }
  await writeFile(stamp, now);
  return true;
}

/** Bytes of the page as they travel, by file, gzipped. */
export async function pageSize(): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for (const path of await filesIn(pageDirectory)) sizes.set(basename(path), gzipSync(await readFile(path)).length);
  return sizes;
}

/** Of everything that the page is made of; the packages count by their versions. */
async function fingerprint(): Promise<string> {
  const hash = createHash("sha256");
  const own = (await filesIn(root)).filter((path) => !/\/(screenshots|.*\.md$)/.test(path));
  const shared = (await readdir(library)).filter((name) => name.endsWith(".ts")).map((name) => join(library, name));
  for (const path of [...own, ...shared, join(top, "package-lock.json")].sort()) {
    const { mtimeMs, size } = await stat(path);
    hash.update(`${relative(top, path)} ${mtimeMs} ${size}\n`);
  }
  return hash.digest("hex");
}

async function filesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const isNew = await buildPage();
  const sizes = await pageSize();
  for (const [name, bytes] of sizes) console.log(`${(bytes / 1000).toFixed(1).padStart(8)} KB  ${name}`);
  const total = [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
  console.log(`${(total / 1000).toFixed(1).padStart(8)} KB  in all, gzipped${isNew ? "" : " (not built again)"}`);
}
