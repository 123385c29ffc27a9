/**
 * `npm test [-- NAME...]`: sets the machine up if need be, then runs every test file below this folder, or those whose
 * path contains one of the names. Ends with the summary of node's test runner.
 */
import { spawn } from "node:child_process";
import { readdir } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureSetup } from "../sim/setup.mjs";

const tests = dirname(fileURLToPath(import.meta.url));
const top = join(tests, "..");
/** Unit tests run inside XS: unit/run.test.ts is their door to node's test runner. */
const isForNode = (path) => path.endsWith(".test.ts") && (!path.startsWith("unit/") || path === "unit/run.test.ts");

const names = process.argv.slice(2);
const found = (await readdir(tests, { recursive: true })).filter(isForNode).sort();
const chosen = names.length ? found.filter((path) => names.some((name) => path.includes(name))) : found;
if (!chosen.length) {
  console.error(`No test file matches ${names.join(", ")}. There are:\n  ${found.join("\n  ")}`);
  process.exit(2);
}

await ensureSetup({ peers: true });
const files = chosen.map((path) => relative(top, join(tests, path)));
// No wait is without a bound: the longest tests, which are files as well, take some six minutes, and a busy machine more.
const limit = 20 * 60 * 1000;
const args = [
  "--import",
  "tsx",
  "--test",
  "--test-concurrency=4",
  `--test-timeout=${limit}`,
  `--test-reporter=${join(tests, "reporter.mjs")}`,
  ...files,
];
const child = spawn(process.execPath, args, { cwd: top, stdio: "inherit" });
child.on("exit", (code, signal) => {
  process.exitCode = signal ? 1 : code;
});
