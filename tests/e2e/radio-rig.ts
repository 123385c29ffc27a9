/** What the tests of the radio share: a device process, phones, a radio in this process or beside it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { buildFirmware, buildHost } from "../../sim/host/build.ts";
import { type DeviceProcess, startDevice } from "../../sim/host/device-process.ts";
import { CameraClient, type CameraClientOptions } from "../../sim/phone/camera-client.ts";
import { RadioCentral, type RadioCentralOptions } from "../../sim/phone/radio-central.ts";
import { type Radio, type RadioOptions, startRadio } from "../../sim/radio/radio.ts";
import { nodeArguments } from "../../sim/start/bundles.ts";

export const proofOfPossession = "abcd-efgh-jkmn-pqrs";
export const deviceName = "PROV_TEST";
const top = fileURLToPath(new URL("../..", import.meta.url));

await buildHost();
const firmware = await buildFirmware(join(top, "tests/e2e/firmware/radio.json"));

export interface Rig {
  radio: Radio;
  device: TestDevice;
  phone: CameraClient;
}

/** Waits until `test` holds. */
export async function until(what: string, test: () => boolean, timeout = 10_000): Promise<void> {
  const deadline = performance.now() + timeout;
  while (!test()) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeout} ms`);
    await delay(10);
  }
}

/** The test firmware in a process of its own. */
export class TestDevice {
  readonly process: DeviceProcess;
  /** What it has reported, in order. */
  readonly reports: Record<string, unknown>[];

  private constructor(process: DeviceProcess, reports: Record<string, unknown>[]) {
    this.process = process;
    this.reports = reports;
  }

  static async start(
    t: Pick<TestContext, "after">,
    port: number,
    environment: Record<string, string> = {},
  ): Promise<TestDevice> {
    const storage = await mkdtemp(join(tmpdir(), "radio-test-"));
    const reports: Record<string, unknown>[] = [];
    const process = await startDevice({
      manifest: firmware,
      module: "tests/e2e/firmware/radio-device",
      environment: { RADIO_PORT: String(port), STORAGE_DIRECTORY: storage, ...environment },
      onTrace: (line) => {
        if (line.startsWith("{")) reports.push(JSON.parse(line));
      },
    });
    t.after(async () => {
      process.kill("SIGKILL");
      await process.exited;
      await rm(storage, { recursive: true, force: true });
    });
    return new TestDevice(process, reports);
  }

  /** The last value reported of `key`. */
  latest(key: string): unknown {
    return this.reports.findLast((report) => key in report)?.[key];
  }

  async reaches(key: string, value: unknown): Promise<void> {
    await until(`${key} ${value}`, () => this.latest(key) === value);
  }

  /** @throws Error with its last words when it has ended by itself */
  async checkAlive(): Promise<void> {
    const exit = await Promise.race([this.process.exited, delay(50)]);
    if (exit) throw new Error(`the device ended with ${exit.code ?? exit.signal}: ${exit.stderr}`);
  }
}

export async function startPhone(
  t: TestContext,
  radio: RadioCentralOptions,
  options?: CameraClientOptions,
): Promise<CameraClient> {
  const phone = await new CameraClient(await RadioCentral.open(radio), options);
  t.after(() => phone.close());
  return phone;
}

/** A radio in this process, a device on it, and a phone with a session. */
export async function setUp(
  t: TestContext,
  radioOptions: RadioOptions = {},
  phoneOptions: Partial<RadioCentralOptions> = {},
  environment: Record<string, string> = {},
): Promise<Rig> {
  const radio = await startRadio({ supervisionTimeout: 300, ...radioOptions });
  t.after(() => radio.close());
  const device = await TestDevice.start(t, radio.port, environment);
  const phone = await startPhone(t, { port: radio.port, ...phoneOptions });
  await phone.connect(deviceName);
  await phone.openSession(proofOfPossession);
  return { radio, device, phone };
}

/** Resolves at the end of the phone's link. */
export function disconnected(phone: CameraClient): Promise<void> {
  return new Promise((resolve) => {
    const end = phone.on("disconnect", () => {
      end();
      resolve();
    });
  });
}

/** The radio as a process of its own. */
export async function startDaemon(t: TestContext, ...args: string[]): Promise<{ port: number; child: ChildProcess }> {
  const child = launch(t, [...nodeArguments(join(top, "sim/radio/main.ts")), ...args]);
  const line = await firstLine(child);
  const event = JSON.parse(line);
  if (event.event !== "listening") throw new Error(line);
  return { port: event.port, child };
}

/** A script of this project in a process of its own, that ends with the test. */
export function run(t: TestContext, script: string, ...args: string[]): ChildProcess {
  return launch(t, ["--import", "tsx", script, ...args]);
}

function launch(t: TestContext, args: string[]): ChildProcess {
  const child = spawn(process.execPath, args, { cwd: top, stdio: ["pipe", "pipe", "inherit"] });
  t.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  });
  return child;
}

export async function firstLine(child: ChildProcess): Promise<string> {
  const lines = createInterface({ input: child.stdout! });
  const [line] = await once(lines, "line", { signal: AbortSignal.timeout(120_000) });
  return line;
}
