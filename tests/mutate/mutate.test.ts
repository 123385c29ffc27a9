/** The tool itself: which changes it makes, and what it makes of a test that notices one. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { top } from "../../sim/host/paths.ts";
import { BoundSuite } from "./bound-suite.ts";
import { mutantsOfC } from "./c-mutants.ts";
import { CSuite } from "./c-suite.ts";
import { type Mutant, mutate, sample } from "./mutant.ts";
import { readRooms } from "./rooms.ts";
import { mutantsOfTypeScript } from "./typescript-mutants.ts";
import { XSSuite } from "./xs-suite.ts";

const results = (mutants: Mutant[], text: string) => mutants.map((mutant) => mutate(text, mutant));

test("TypeScript: operators, conditions, literals, statements; no types, no texts for people", () => {
  const text = `import a from "a"; type B = 1 | 2;\nif (a < 1) say("too small");`;
  const head = text.slice(0, text.indexOf("if"));
  assert.deepEqual(results(mutantsOfTypeScript("x.ts", text), text), [
    `${head}if (true) say("too small");`,
    `${head}if (false) say("too small");`,
    `${head}if (a <= 1) say("too small");`,
    `${head}if (a < 2) say("too small");`,
    `${head}if (a < 1) ;`,
  ]);
  assert.equal(mutantsOfTypeScript("x.ts", text)[0].line, 2);
});

test("TypeScript: a text is joined, not added; a negation goes; a word is a value", () => {
  const text = `const c = "is " + d;\nconst e = !f ?? "code";`;
  const [first] = text.split("\n");
  assert.deepEqual(results(mutantsOfTypeScript("x.ts", text), text), [
    `${first}\nconst e = !f && "code";`,
    `${first}\nconst e = f ?? "code";`,
    `${first}\nconst e = !f ?? "";`,
  ]);
});

test("C: the same by tokens; pointers, comments and preprocessor lines stay", () => {
  const text = `#define LIMIT 4\n// a < b\nint f(int *p) {\n  if (*p >= 0x0f)\n    stop(p);\n  return -1;\n}`;
  const [before, after] = text.split("  if (*p >= 0x0f)\n    stop(p);\n  return -1;");
  assert.deepEqual(results(mutantsOfC("x.c", text), text), [
    `${before}  if (0)\n    stop(p);\n  return -1;${after}`,
    `${before}  if (1)\n    stop(p);\n  return -1;${after}`,
    `${before}  if (*p > 0x0f)\n    stop(p);\n  return -1;${after}`,
    `${before}  if (*p >= 16)\n    stop(p);\n  return -1;${after}`,
    `${before}  if (*p >= 0x0f)\n    ;\n  return -1;${after}`,
    `${before}  if (*p >= 0x0f)\n    stop(p);\n  return -2;${after}`,
  ]);
});

test("a seed chooses the same mutants again, another one others", () => {
  const all = mutantsOfTypeScript("x.ts", Array.from({ length: 50 }, (_, i) => `x = ${i};`).join("\n"));
  assert.equal(all.length, 100);
  assert.deepEqual(sample(all, 10, 1), sample(all, 10, 1));
  assert.notDeepEqual(sample(all, 10, 1), sample(all, 10, 2));
  assert.equal(new Set(sample(all, 1000, 3)).size, 100);
});

test("every room has mutants, and all that is mutated is there", async () => {
  const names = (await readRooms()).map(({ name }) => name);
  for (const name of ["storage", "network", "camera", "upload", "cloud", "provisioning", "app", "arducam", "tls"])
    assert.ok(names.includes(name), name);
});

/** The mutant of that text in the file. */
async function mutantOf(file: string, before: string, replacement: string): Promise<Mutant> {
  const start = (await readFile(join(top, file), "utf8")).indexOf(before);
  assert.ok(start >= 0, `${file} has no ${before}`);
  return { file, line: 0, start, end: start + before.length, replacement, what: "" };
}

test("inside XS: a change that matters is noticed, one that does not is not", async () => {
  const suite = await XSSuite.open();
  const file = "modules/storage/record-store.ts";
  assert.ok(suite.covers(file));
  assert.equal(await suite.run(await mutantOf(file, "value?.byteLength", "false")), "killed");
  assert.equal(await suite.run(await mutantOf(file, "keyLimit = 15", "keyLimit = 14 + 1")), "survived");
  assert.equal(await suite.run(await mutantOf(file, "keyLimit = 15", "keyLimit = = 15")), "invalid");
});

test("in C: a change that matters is noticed, one that does not is not", async () => {
  const suite = await CSuite.open();
  const file = "native/arducam/mega-models.c";
  assert.ok(suite.covers(file));
  const text = await readFile(join(top, file), "utf8");
  const change = { file, line: 0, start: text.length, end: text.length, what: "" };
  assert.equal(await suite.run({ ...change, replacement: "\n// nothing\n" }), "survived");
  assert.equal(await suite.run({ ...change, replacement: "\nthis is no C\n" }), "invalid");
  assert.equal(await suite.run(await mutantOf(file, "return", "return 0 &&")), "killed");
  const leftOut = await mutantOf("native/tls/tls-memory.c", "heap_caps_get_allocated_size", "0");
  assert.equal(await suite.run(leftOut), "invalid", "only the chip compiles it");
});

test("in C that is bound into XS: the unit tests of its script notice", async () => {
  const suite = await BoundSuite.open();
  const file = "native/arducam/arducam.c";
  assert.ok(suite.covers(file));
  assert.ok(suite.covers("native/tls/crypto-session.c"), "bound by crypto.js");
  assert.ok(!suite.covers("native/arducam/mega.c"));
  assert.equal(await suite.run(await mutantOf(file, "mega_rewind(", "!mega_rewind(")), "killed");
  assert.equal(await suite.run(await mutantOf(file, "mega_rewind(", "no_such_function_at_all[")), "invalid");
});
