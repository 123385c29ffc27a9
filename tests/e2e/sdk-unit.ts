/** The unit tests as an application for the Moddable simulator: the same files as in tests/unit/run.test.ts, on the SDK's engine and sockets. */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "../../sim/mcconfig.mjs";

const top = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const unit = join(top, "tests", "unit");
const output = join(top, ".build", "sdk-unit");

/** Runs the file that the environment names. An `import()` that fails must be heard of: nothing else would happen. */
const door = `import { getEnvironment } from "environment";
import(getEnvironment("XS_TEST_MODULE")).catch((error) => trace(JSON.stringify({ failed: error.stack ?? String(error) }) + "\\n"));
`;

/** The SDK does not tell what its machine waits for, and the simulator is ended from outside. */
const eventLoop = `export function pending() { return 0; }
export function stop() {}
`;

/** Rooms whose tests need no more than the firmware's own modules; host/ is about the XS host. */
async function rooms(): Promise<string[]> {
  const entries = await readdir(unit, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory() && entry.name !== "host").map(({ name }) => name);
}

/** Test files of a room, those left out that measure the XS host's machine. */
async function testFiles(room: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await readdir(join(unit, room))) {
    if (!name.endsWith(".test.ts")) continue;
    const source = await readFile(join(unit, room, name), "utf8");
    if (!/from "statistics"/.test(source)) found.push(`tests/unit/${room}/${name.slice(0, -3)}`);
  }
  return found.sort();
}

/** Builds all unit tests into one application. Resolves with its path and the module names of the test files. */
export async function buildUnitTests(): Promise<{ library: string; files: string[] }> {
  const modules: Record<string, string> = {
    "tests/unit/harness": join(unit, "harness"),
    door: join(output, "door"),
    "event-loop": join(output, "event-loop"),
  };
  const files: string[] = [];
  for (const room of await rooms()) {
    modules[`tests/unit/${room}/*`] = join(unit, room, "*");
    files.push(...(await testFiles(room)));
  }
  const manifest = {
    include: [relative(output, join(top, "manifest.json"))],
    creation: {
      main: "door",
      chunk: { initial: 98304, incremental: 0 },
      heap: { initial: 8192, incremental: 0 },
      stack: 512,
    },
    modules,
  };
  await mkdir(output, { recursive: true });
  await writeFile(join(output, "door.js"), door);
  await writeFile(join(output, "event-loop.js"), eventLoop);
  await writeFile(join(output, "manifest.json"), JSON.stringify(manifest, null, 2));
  return { library: await build({ platform: "lin", manifest: join(output, "manifest.json"), output }), files };
}
