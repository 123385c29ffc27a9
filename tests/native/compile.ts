import { execFile } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const flags = ["-std=gnu17", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-fno-omit-frame-pointer", "-MMD"];
const sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];

/** What a C test says of itself: `// sources: a.c b*.c` (from the project's top, `*` within a file name), `// libs: -lx`, `// flags: -Dx`. */
export interface NativeTest {
  file: string;
  name: string;
  sources: string[];
  libs: string[];
  flags: string[];
}

function field(text: string, name: string): string[] {
  const lines = [...text.matchAll(new RegExp(`^// ${name}:(.*)$`, "gm"))];
  return lines.flatMap((line) => line[1].trim().split(/\s+/)).filter(Boolean);
}

async function expand(root: string, pattern: string): Promise<string[]> {
  if (!pattern.includes("*")) return [join(root, pattern)];
  const directory = join(root, dirname(pattern));
  const parts = basename(pattern).split("*");
  const matches = (name: string) =>
    name.length >= parts.join("").length && name.startsWith(parts[0]) && name.endsWith(parts[parts.length - 1]);
  const names = (await readdir(directory)).filter(matches).sort();
  if (!names.length) throw new Error(`no file matches ${pattern}`);
  return names.map((name) => join(directory, name));
}

/** Finds the tests of a folder: every .c file in it. */
export async function findTests(root: string, directory: string): Promise<NativeTest[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith(".c")).sort();
  return Promise.all(
    names.map(async (name) => {
      const file = join(directory, name);
      const text = readFileSync(file, "utf8");
      const sources = await Promise.all(field(text, "sources").map((pattern) => expand(root, pattern)));
      return {
        file,
        name: basename(name, ".c"),
        sources: sources.flat(),
        libs: field(text, "libs"),
        flags: field(text, "flags"),
      };
    }),
  );
}

/** The files that an object was made of, from the compiler's own list beside it. */
function dependencies(object: string): string[] | undefined {
  const list = object.replace(/\.o$/, ".d");
  if (!existsSync(list)) return undefined;
  return readFileSync(list, "utf8").replace(/\\\n/g, " ").split(/\s+/).slice(1).filter(Boolean);
}

/** @param test says what flags it is compiled with: another one makes another object */
function isCurrent(object: string, test: string): boolean {
  if (!existsSync(object)) return false;
  const time = statSync(object).mtimeMs;
  const isOlder = (file: string) => existsSync(file) && statSync(file).mtimeMs <= time;
  return isOlder(test) && (dependencies(object)?.every(isOlder) ?? false);
}

/** Compiles a test with address and undefined-behaviour sanitizers; only what changed. Returns the program's path. */
export async function compileTest(root: string, test: NativeTest): Promise<string> {
  const output = join(root, ".build/tests/native", test.name);
  await mkdir(output, { recursive: true });
  const program = join(output, test.name);
  const objects: string[] = [];
  let stale = !existsSync(program);
  for (const source of [test.file, ...test.sources]) {
    const object = join(output, `${relative(root, source).replaceAll("/", "-")}.o`);
    objects.push(object);
    if (isCurrent(object, test.file)) continue;
    stale = true;
    await run("gcc", [...flags, ...sanitizers, ...test.flags, "-c", source, "-o", object], { cwd: root });
  }
  if (stale) await run("gcc", [...sanitizers, ...objects, ...test.libs, "-o", program], { cwd: root });
  return program;
}
