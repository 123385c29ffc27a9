/**
 * The firmware on the Moddable SDK: it builds, the unit tests pass on the SDK's engine (XS 17), sockets and MQTT client, and the
 * whole line runs in the Moddable simulator. Without $MODDABLE all of it is skipped.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { DeviceExit } from "../../sim/host/device-process.ts";
import { startSimulator } from "../../sim/host/simulator-process.ts";
import { build } from "../../sim/mcconfig.mjs";
import { buildUnitTests } from "./sdk-unit.ts";

/** A test file in the simulator may take so long; its socket moves 75 KB/s. */
const FILE_TIMEOUT = 120_000;

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

async function runFile(library: string, file: string, context: TestContext): Promise<void> {
  const storage = await mkdtemp(join(tmpdir(), "devicelink-sdk-"));
  context.after(() => rm(storage, { recursive: true, force: true }));
  const reports: Report[] = [];
  const device = await startSimulator({
    library,
    environment: { STORAGE_DIRECTORY: storage, XS_TEST_MODULE: file },
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
