import { execFile } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync, statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { findTests, type NativeTest } from "../native/compile.ts";

const run = promisify(execFile);
export const top = join(dirname(fileURLToPath(import.meta.url)), "../..");
const flags = ["-std=gnu17", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-fno-omit-frame-pointer"];
const sanitizers = ["-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all"];
/** Whatever a target may be made of. */
const sources = ["native", "sim/camera", "tests/native", "tests/fuzz/targets"];

/** false, or why C cannot be fuzzed here. */
export const noClang =
  isCommand("clang") && hasRuntime() ? false : "no clang with libFuzzer (Debian: clang, libclang-rt-14-dev)";

function isCommand(name: string): boolean {
  return (process.env.PATH ?? "").split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Debian keeps the sanitizers' libraries in a package of their own. */
function hasRuntime(): boolean {
  return ["/usr/lib/clang", "/usr/lib/llvm-14/lib/clang"].some(
    (folder) =>
      existsSync(folder) &&
      readdirSync(folder, { recursive: true }).some((name) => `${name}`.includes("libclang_rt.fuzzer")),
  );
}

/** A target in C says what it needs in its first lines, as the tests in tests/native do. */
export function findTargets(): Promise<NativeTest[]> {
  return findTests(top, join(top, "tests/fuzz/targets"));
}

function newest(): number {
  const files = sources.flatMap((folder) =>
    readdirSync(join(top, folder), { recursive: true })
      .filter((name) => /\.[ch]$/.test(`${name}`))
      .map((name) => join(top, folder, `${name}`)),
  );
  return Math.max(...files.map((file) => statSync(file).mtimeMs));
}

/** @returns the fuzzer's path */
export async function compileTarget({ name, file, sources, flags: own, libs }: NativeTest): Promise<string> {
  const directory = join(top, ".build/fuzz");
  const program = join(directory, name);
  if (existsSync(program) && statSync(program).mtimeMs > newest()) return program;
  await mkdir(directory, { recursive: true });
  await run("clang", [...flags, ...sanitizers, ...own, file, ...sources, ...libs, "-o", program], { cwd: top });
  return program;
}
