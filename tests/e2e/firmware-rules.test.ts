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

test("JSON is read by modules/json alone: what comes in is measured before anything is made of it", async () => {
  const found: string[] = [];
  for (const file of await firmwareSources())
    if (
      !file.startsWith("modules/json/") &&
      !file.startsWith("sim/") &&
      /JSON\s*\.\s*parse\b|\bJSON\[/.test(await readFile(join(top, file), "utf8"))
    )
      found.push(file);
  assert.deepEqual(found, [], "call parseJSON, or extend MemberStream");
});

test("no name from outside is looked up as a property: the engine would keep it for good", async () => {
  const found: string[] = [];
  for (const file of await firmwareSources())
    if (!file.startsWith("sim/") && /\bhasOwn\w*\(/.test(await readFile(join(top, file), "utf8"))) found.push(file);
  assert.deepEqual(found, [], "call memberOf of modules/json/member-of");
});

test("every field that a command reads is one of those that are read of a message", async () => {
  const text = await readFile(join(top, "modules/app/command-shape.ts"), "utf8");
  const names = new Set(text.slice(0, text.indexOf("export")).match(/(?<=")\w+(?=")/g));
  assert.ok(names.size > 20, `${names.size} names`);
  const field =
    /Field\(message, "(\w+)"|optionalString\(message, "(\w+)"|\bmessage\.(\w+)\b(?!\()|\{ (\w+) \} = message;/g;
  const missing: string[] = [];
  let fields = 0;
  for (const file of await readdir(join(top, "modules/app"))) {
    const source = await readFile(join(top, "modules/app", file), "utf8");
    if (!/\bmessage: Message\b/.test(source)) continue;
    for (const [, ...found] of source.matchAll(field)) {
      const name = found.find((each) => each !== undefined) as string;
      if (name === "message") continue;
      fields += 1;
      if (!names.has(name)) missing.push(`${file}: ${name}`);
    }
  }
  assert.ok(fields > 20, `${fields} fields`);
  assert.deepEqual(missing, [], "enter them in modules/app/command-shape.ts");
});

/** `  #name(`, also async, a generator, an accessor, or with type parameters; not a static one. */
const privateMethod = /^ {2}(async )?((get|set) )?\*?#(\w+)(<[^>]*>)?\(/gm;

test("no class has #private methods: XS keeps a slot for each in every instance", async () => {
  const found: string[] = [];
  for (const file of await firmwareSources())
    for (const [, , , , name] of (await readFile(join(top, file), "utf8")).matchAll(privateMethod))
      found.push(`${file}: #${name}`);
  assert.deepEqual(found, [], "make them private");
});
