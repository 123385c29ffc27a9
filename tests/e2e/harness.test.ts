/** The harness of the unit tests: what it does not let pass, and that it ends at once whatever was left behind. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { startDevice } from "../../sim/host/device-process.ts";

const manifest = join(dirname(fileURLToPath(import.meta.url)), "firmware/harness/manifest.json");

test("a case that leaves something behind, or checks nothing, fails; the process ends", {
  timeout: 60_000,
}, async () => {
  const device = await startDevice({ manifest, module: "tests/e2e/firmware/harness/careless" });
  const { code, stderr } = await device.exited;
  assert.equal(code, 0, stderr);
  const reports = device.lines.map((line) => JSON.parse(line));
  const failures = Object.fromEntries(reports.slice(0, -1).map(({ test, failure }) => [test, failure]));
  assert.deepEqual(failures, {
    "a timer is left": "the case leaves 1 timers or sockets behind",
    "a socket is left": "the case leaves 1 timers or sockets behind",
    "nothing is checked": "the case checks nothing",
    "all is closed": undefined,
  });
  assert.equal(reports.at(-1).done, 4);
});
