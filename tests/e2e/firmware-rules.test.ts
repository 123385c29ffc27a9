/** Rules of modules/README.md that no type checker knows. */
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const top = fileURLToPath(new URL("../..", import.meta.url));

async function firmwareSources(): Promise<string[]> {
  const folders = ["modules", "sim/host/device", "sim/radio/device"];
  const files = ["main.ts"];
  for (const folder of folders)
    for (const name of await readdir(join(top, folder), { recursive: true }))
      if (name.endsWith(".ts") && !name.endsWith(".d.ts")) files.push(join(folder, name));
  return files;
}

/** `  #name(`, also async, a generator, an accessor, or with type parameters; not a static one. */
const privateMethod = /^ {2}(async )?((get|set) )?\*?#(\w+)(<[^>]*>)?\(/gm;

test("no class has #private methods: XS keeps a slot for each in every instance", async () => {
  const found: string[] = [];
  for (const file of await firmwareSources())
    for (const [, , , , name] of (await readFile(join(top, file), "utf8")).matchAll(privateMethod))
      found.push(`${file}: #${name}`);
  assert.deepEqual(found, [], "make them private");
});
