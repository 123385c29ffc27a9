/** A simulated device: one process of the XS host. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { buildHost } from "./executable.ts";
import { buildFirmware, type CompiledFirmware } from "./firmware.ts";
import { hostExecutable, top } from "./paths.ts";

export interface DeviceOptions {
  /** manifest.json, or its result. Default: the manifest at the top. The host and a manifest.json are built where they are out of date. */
  manifest?: string | CompiledFirmware;
  /** The module to run. Default "main". */
  module?: string;
  /** Added to this process's variables; what simulator-only modules read with getEnvironment(). */
  environment?: Record<string, string>;
  /** Device seconds in a real second. */
  timeScale?: number;
  /** Port of whoever keeps the time for this device and others (world-clock.h). */
  clock?: number;
  /** host:port of a debugger. */
  xsbug?: string;
  /** Prints the machine's figures as its last line, {"event":"statistics",...}. */
  statistics?: boolean;
  /** Another executable, as buildHost({ sanitize: true }) returns. */
  executable?: string;
  /** Each line that the device traces. */
  onTrace?(line: string): void;
  onExit?(exit: DeviceExit): void;
}

export interface DeviceExit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The end of what it said: the reason with a stack, where it failed. */
  stderr: string;
}

export interface DeviceProcess {
  readonly pid: number;
  /** Never rejects. */
  readonly exited: Promise<DeviceExit>;
  /** What it has traced, the last 1000 lines. */
  readonly lines: readonly string[];
  kill(signal?: NodeJS.Signals): void;
}

/** A device in the XS host. */
export interface HostProcess extends DeviceProcess {
  /** What its machine uses now. `reset` starts the peaks anew. Rejects when it has ended. */
  statistics(reset?: boolean): Promise<Statistics>;
}

/** See device/statistics.d.ts for the units. */
export interface Statistics {
  slots: number;
  slotsPeak: number;
  slotsTotal: number;
  chunkBytes: number;
  chunkBytesPeak: number;
  chunkBytesTotal: number;
  stackPeak: number;
  stackTotal: number;
  keys: number;
  collections: number;
  compute: number;
  milliseconds: number;
}

const MAX_LINES = 1000;
const MAX_STDERR = 64 * 1024;

/** Resolves when the process runs. @throws Error where the host or the firmware cannot be built */
export async function startDevice(options: DeviceOptions = {}): Promise<HostProcess> {
  const firmware = await prepare(options);
  const args = ["--manifest", firmware.path, "--end-with-parent"];
  if (options.timeScale !== undefined) args.push("--time-scale", String(options.timeScale));
  if (options.clock !== undefined) args.push("--clock", String(options.clock));
  if (options.xsbug) args.push("--xsbug", options.xsbug, "--source-root", top);
  if (options.statistics) args.push("--stats");
  const child = spawn(options.executable ?? hostExecutable, [...args, options.module ?? "main"], {
    env: { ...process.env, ...options.environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
  return watch(child, options);
}

async function prepare({ manifest, executable }: DeviceOptions): Promise<CompiledFirmware> {
  if (typeof manifest === "object") return manifest;
  if (!executable) await buildHost();
  return buildFirmware(manifest);
}

const STATISTICS = '{"event":"statistics",';

function watch(child: ChildProcess, { onTrace, onExit }: DeviceOptions): HostProcess {
  const lines: string[] = [];
  const requests: { resolve(statistics: Statistics): void; reject(error: Error): void }[] = [];
  let stderr = "";
  createInterface({ input: child.stdout! }).on("line", (line) => {
    if (requests.length && line.startsWith(STATISTICS)) return requests.shift()!.resolve(JSON.parse(line).statistics);
    lines.push(line);
    if (lines.length > MAX_LINES) lines.shift();
    onTrace?.(line);
  });
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-MAX_STDERR);
  });
  const exited = new Promise<DeviceExit>((resolve) => {
    child.once("close", (code, signal) => {
      const exit = { code, signal, stderr };
      for (const { reject } of requests) reject(new Error("the device has ended"));
      onExit?.(exit);
      resolve(exit);
    });
  });
  const statistics = (reset = false) =>
    new Promise<Statistics>((resolve, reject) => {
      if (!child.kill(reset ? "SIGUSR2" : "SIGUSR1")) return reject(new Error("the device has ended"));
      requests.push({ resolve, reject });
    });
  return { pid: child.pid!, exited, lines, kill: (signal = "SIGTERM") => void child.kill(signal), statistics };
}
