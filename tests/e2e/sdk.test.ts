/**
 * The firmware on the Moddable SDK: it builds, the unit tests pass on the SDK's engine (XS 17), sockets and MQTT client, and the
 * whole line runs in the Moddable simulator. Without $MODDABLE all of it is skipped.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { DeviceExit } from "../../sim/host/device-process.ts";
import { startSimulator } from "../../sim/host/simulator-process.ts";
import { build } from "../../sim/mcconfig.mjs";
import { makePictures } from "../pictures.ts";
import { buildUnitTests } from "./sdk-unit.ts";

/** A test file in the simulator may take so long; its socket moves 75 KB/s. */
const FILE_TIMEOUT = 120_000;
const LINE_TIMEOUT = 300_000;
const top = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

const skip = process.env.MODDABLE ? false : "MODDABLE is not set: nothing to build with";

interface Report {
  test?: string;
  ok?: boolean;
  failure?: string;
  done?: number;
  failed?: string;
}

test("the firmware builds for the Moddable simulator", { skip }, async () => {
  assert.ok(existsSync(await build({ platform: "lin" })));
});

test("unit tests in the Moddable simulator", { skip }, async (all) => {
  const { library, files } = await buildUnitTests();
  assert.ok(files.length);
  for (const file of files) await all.test(file, (context) => runFile(library, file, context));
});

test("one picture from the sensor to the bucket, in the Moddable simulator", { skip }, async (context) => {
  const out = await mkdtemp(join(tmpdir(), "devicelink-sdk-"));
  context.after(() => rm(out, { recursive: true, force: true }));
  const args = ["sim/start.mjs", "--once", "--json", "--device=mcsim", "--out", out, "--resolution", "QVGA"];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: top, timeout: LINE_TIMEOUT });
  const events = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const { event, path, bytes, sha256 } = events.at(-1);
  assert.equal(event, "done");
  const object = await readFile(path);
  assert.ok(path.startsWith(out));
  assert.equal(object.length, bytes);
  assert.equal(createHash("sha256").update(object).digest("hex"), sha256);
});

async function runFile(library: string, file: string, context: TestContext): Promise<void> {
  const storage = await mkdtemp(join(tmpdir(), "devicelink-sdk-"));
  context.after(() => rm(storage, { recursive: true, force: true }));
  const reports: Report[] = [];
  const device = await startSimulator({
    library,
    environment: { STORAGE_DIRECTORY: storage, CAMERA_FRAMES: await makePictures(), XS_TEST_MODULE: file },
    onTrace: (line) => {
      if (!/^\{"(test|done|failed)":/.test(line)) return;
      const report: Report = JSON.parse(line);
      reports.push(report);
      // The simulator stays up when its application has nothing left to do.
      if (report.done !== undefined || report.failed) device.kill();
    },
  });
  const timer = setTimeout(() => device.kill("SIGKILL"), FILE_TIMEOUT);
  const exit = await device.exited;
  clearTimeout(timer);
  for (const { test: name, ok, failure } of reports) {
    if (name) await context.test(name, () => assert.ok(ok, failure));
  }
  checkEnd(exit, reports, device.lines);
}

function checkEnd(exit: DeviceExit, reports: Report[], lines: readonly string[]): void {
  const output = `${lines.slice(-50).join("\n")}\n${exit.stderr}`.trim();
  assert.ok(!reports.some(({ failed }) => failed), output);
  const done = reports.find((report) => report.done !== undefined);
  assert.ok(done, `the device ended (${exit.signal ?? exit.code}) before its cases were finished:\n${output}`);
  assert.ok(done.done, "the file has no test");
}
