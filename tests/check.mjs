/** `npm run check`: formatter, linter and types, in seconds. The same checks are part of `npm test`. */
import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const top = join(dirname(fileURLToPath(import.meta.url)), "..");
const tool = (name) => join(top, "node_modules", ".bin", name);

/** What was right last time and has not changed is not looked at again. */
const types = (project, name) => [
  ...[tool("tsc"), "-p", project],
  ...["--incremental", "--tsBuildInfoFile", join(top, ".build/types", `${name}.json`)],
];

export const checks = {
  "format and lint": [tool("biome"), "check", "--error-on-warnings", "."],
  "types of the firmware": types(".", "firmware"),
  "types of the simulator": types("sim", "simulator"),
  "types of the tests": types("tests", "tests"),
};

/** Resolves with the tool's output when it is content, rejects with it otherwise. */
/** @param {string[]} command */
export function runCheck([command, ...args]) {
  return new Promise((resolve, reject) => {
    let output = "";
    const child = spawn(command, args, { cwd: top, stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.on("data", (data) => (output += data));
    child.stderr.on("data", (data) => (output += data));
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve(output) : reject(new Error(output))));
  });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const results = await Promise.allSettled(Object.values(checks).map(runCheck));
  const names = Object.keys(checks);
  results.forEach(({ status, reason }, i) => {
    console.log(`${status === "fulfilled" ? "ok      " : "FAILED  "}${names[i]}`);
    if (reason) console.log(reason.message);
  });
  process.exitCode = results.every(({ status }) => status === "fulfilled") ? 0 : 1;
}
