/** Devices that run the small modules of tests/unit/host/fixtures on the chip's memory. */
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { buildFirmware, buildHost } from "../../../sim/host/build.ts";
import {
  type DeviceExit,
  type DeviceOptions,
  type HostProcess,
  startDevice,
} from "../../../sim/host/device-process.ts";

const fixtures = join(dirname(fileURLToPath(import.meta.url)), "../../unit/host/fixtures");
const TIMEOUT = 30_000;

await buildHost();
const manifest = await buildFirmware(join(fixtures, "manifest.json"));

/** Starts one; it is ended with the test at the latest. */
export async function start(test: TestContext, module: string, options: DeviceOptions = {}): Promise<HostProcess> {
  const device = await startDevice({ ...options, manifest, module });
  const timer = setTimeout(() => device.kill("SIGKILL"), TIMEOUT);
  test.after(async () => {
    clearTimeout(timer);
    device.kill("SIGKILL");
    await device.exited;
  });
  return device;
}

export interface Run extends DeviceExit {
  lines: readonly string[];
}

/** Runs one to its end. */
export async function run(test: TestContext, module: string, options: DeviceOptions = {}): Promise<Run> {
  const device = await start(test, module, options);
  return { ...(await device.exited), lines: device.lines };
}
