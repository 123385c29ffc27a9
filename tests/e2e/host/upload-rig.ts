/** Devices that upload: the process of tests/e2e/firmware/upload, told what to do, and what became of it. */
import { fileURLToPath } from "node:url";
import type { UploadResult } from "../../../modules/upload/upload-result";
import { buildFirmware, buildHost } from "../../../sim/host/build.ts";
import { type DeviceProcess, startDevice } from "../../../sim/host/device-process.ts";
import type { UploadTask } from "./upload-task.ts";

export interface UploadMemory {
  before: { slots: number; chunkBytes: number };
  slotsPeak: number;
  chunkBytesPeak: number;
  stackPeak: number;
  /** Largest figures after a collection. */
  live: { slots: number; chunkBytes: number };
}

export interface UploadOutcome extends UploadResult {
  memory: UploadMemory;
  progress: number[];
  retries: string[];
  /** Everything that the device has said. */
  output: string;
}

let firmware: ReturnType<typeof buildFirmware> | undefined;

function build(): ReturnType<typeof buildFirmware> {
  firmware ??= buildHost().then(() =>
    buildFirmware(fileURLToPath(new URL("../firmware/upload/manifest.json", import.meta.url))),
  );
  return firmware;
}

/** Starts a device with one upload. */
export async function startUpload(task: UploadTask, onLine?: (line: string) => void): Promise<DeviceProcess> {
  return startDevice({
    manifest: await build(),
    module: "tests/e2e/firmware/upload/upload-device",
    environment: { UPLOAD: JSON.stringify(task) },
    onTrace: onLine,
  });
}

/** @throws Error unless the device ends by itself with exactly one result */
export async function outcomeOf(device: DeviceProcess): Promise<UploadOutcome> {
  const late = setTimeout(() => device.kill("SIGKILL"), 60_000);
  const { code, signal, stderr } = await device.exited;
  clearTimeout(late);
  if (code !== 0)
    throw new Error(`the device ended with ${signal ?? code}: ${stderr}\n${device.lines.slice(-5).join("\n")}`);
  const events = device.lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  const results = events.filter(({ event }) => event === "result");
  if (results.length !== 1) throw new Error(`${results.length} results: ${device.lines.slice(-5).join("\n")}`);
  return {
    ...results[0],
    progress: events.filter(({ event }) => event === "progress").map(({ sent }) => sent),
    retries: events.filter(({ event }) => event === "retry").map(({ code }) => code),
    output: device.lines.join("\n"),
  };
}

/** What the synthetic frame of that length consists of. */
export function frameBytes(byteLength: number): Buffer {
  const bytes = Buffer.alloc(byteLength);
  for (let i = 0; i < byteLength; i += 1) bytes[i] = (i * 31 + (i >> 8) + 7) & 0xff;
  return bytes;
}
