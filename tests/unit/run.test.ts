/**
 * Runs the unit tests: every file tests/unit/<room>/<name>.test.ts is a device process of its own, in the XS host; each of its cases is a subtest here.
 * `XS_TEST=camera/ node --import tsx --test tests/unit/run.test.ts` runs those whose path contains the text.
 */
import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { buildFirmware, buildHost } from "../../sim/host/build.ts";
import { type DeviceProcess, startDevice } from "../../sim/host/device-process.ts";
import { makePictures } from "../pictures.ts";

interface Report {
  test?: string;
  ok?: boolean;
  failure?: string;
  done?: number;
}

/** Real time that a file may take. */
const TIMEOUT = 60_000;
const here = dirname(fileURLToPath(import.meta.url));
const wanted = process.env.XS_TEST ?? "";

await buildHost();
const manifest = await buildFirmware(join(here, "manifest.json"));
const pictures = await makePictures();
const found = (await readdir(here, { recursive: true })).map((path) => path.replaceAll("\\", "/"));
const files = found.filter((path) => path.includes("/") && path.endsWith(".test.ts") && path.includes(wanted)).sort();

test("unit tests in XS", { concurrency: availableParallelism() }, async (all) => {
  assert.ok(files.length, `no test file matches ${wanted}`);
  await Promise.all(files.map((path) => all.test(path, { timeout: TIMEOUT }, (file) => runFile(path, file))));
});

async function runFile(path: string, file: import("node:test").TestContext): Promise<void> {
  const storage = await mkdtemp(join(tmpdir(), "devicelink-unit-"));
  file.after(() => rm(storage, { recursive: true, force: true }));
  const reports: Report[] = [];
  const console: string[] = [];
  const device = await startDevice({
    manifest,
    module: `tests/unit/${path.replace(/\.ts$/, "")}`,
    environment: { STORAGE_DIRECTORY: storage, CAMERA_FRAMES: pictures },
    onTrace: (line) => {
      const report = parse(line);
      if (report) reports.push(report);
      else console.push(line);
    },
  });
  file.signal.addEventListener("abort", () => device.kill("SIGKILL"));
  const exit = await device.exited;
  for (const report of reports)
    if (report.test) await file.test(report.test, () => assert.ok(report.ok, report.failure));
  checkEnd(exit, reports, console);
}

function parse(line: string): Report | undefined {
  if (!line.startsWith('{"test":') && !line.startsWith('{"done":')) return undefined;
  return JSON.parse(line);
}

function checkEnd(exit: Awaited<DeviceProcess["exited"]>, reports: Report[], console: string[]): void {
  const done = reports.find((report) => report.done !== undefined);
  const output = `${console.slice(-50).join("\n")}\n${exit.stderr}`.trim();
  assert.equal(exit.code, 0, `the device ended with ${exit.signal ?? exit.code}:\n${output}`);
  assert.ok(done, `the device ended before its cases were finished:\n${output}`);
  assert.ok(done.done, "the file has no test");
}
