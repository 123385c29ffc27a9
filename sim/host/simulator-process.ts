/**
 * Runs the firmware in the Moddable simulator (mcsim), with the same face as startDevice of the XS host: a process to watch,
 * to feed by environment variables, and to end. Needs $MODDABLE and, where no display is set, the X server Xvfb.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { build, findSDK } from "../mcconfig.mjs";
import type { DeviceExit, DeviceProcess } from "./device-process.ts";

export interface SimulatorOptions {
  /** An application that is built already (mc.so). Default: the firmware, built where it is out of date. */
  library?: string;
  /** Added to this process's variables; what simulator-only modules read with getEnvironment(). */
  environment?: Record<string, string>;
  /** host:port of an xsbug; makes a debug build. */
  xsbug?: string;
  /** A debug build, which names the line of an uncaught exception. Default: whether xsbug is given. */
  debug?: boolean;
  /** Each line that the firmware traces. */
  onTrace?(line: string): void;
  onExit?(exit: DeviceExit): void;
}

const MAX_LINES = 1000;
const MAX_STDERR = 64 * 1024;
/** How long Xvfb may take to say which display it serves. */
const DISPLAY_TIMEOUT = 10_000;
/** The exit code for firmware that was aborted; mcsim itself would stay up and wait for the next application. */
const ABORTED = 1;

/** Resolves when the process runs. @throws Error where the firmware cannot be built, or a tool is missing */
export async function startSimulator(options: SimulatorOptions = {}): Promise<DeviceProcess> {
  const { moddable, tools } = findSDK();
  const debug = options.debug ?? options.xsbug !== undefined;
  const library = options.library ?? (await build({ platform: "lin", debug }));
  const display = await openDisplay();
  // mcsim keeps its copy of the application and its window's place here: a folder of its own for each instance.
  const settings = await mkdtemp(join(tmpdir(), "devicelink-mcsim-"));
  const child = spawn("stdbuf", ["-oL", join(tools, "mcsim"), join(moddable, "build", "simulators"), library], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      ...options.environment,
      ...xsbugAddress(options.xsbug),
      DISPLAY: display.name,
      XDG_CONFIG_HOME: settings,
      // Without a session bus GTK neither looks for a running instance nor for accessibility services.
      DBUS_SESSION_BUS_ADDRESS: "disabled:",
      GDK_BACKEND: "x11",
      GSETTINGS_BACKEND: "memory",
      NO_AT_BRIDGE: "1",
    },
  });
  return watch(child, options, async () => {
    display.close();
    await rm(settings, { recursive: true, force: true });
  });
}

/** A debug build looks for xsbug when it starts; port 9 (discard) stands for none. */
function xsbugAddress(address = "127.0.0.1:9"): Record<string, string> {
  const [host, port = "5002"] = address.split(":");
  return { XSBUG_HOST: host || "127.0.0.1", XSBUG_PORT: port };
}

function watch(child: ChildProcess, options: SimulatorOptions, cleanUp: () => Promise<void>): DeviceProcess {
  const lines: string[] = [];
  let stderr = "";
  const complain = (text: string) => {
    stderr = (stderr + text).slice(-MAX_STDERR);
  };
  let aborted = false;
  let killed = false;
  child.stderr!.setEncoding("utf8").on("data", complain);
  createInterface({ input: child.stdout! }).on("line", (line) => {
    lines.push(line);
    if (lines.length > MAX_LINES) lines.shift();
    if (/: exception: |^XS abort: /.test(line)) complain(`${line}\n`);
    else options.onTrace?.(line);
    if (!line.startsWith("XS abort: ")) return;
    aborted = true;
    child.kill();
  });
  child.on("error", (error) => complain(`${error.message}\n`));
  const exited = new Promise<DeviceExit>((resolve) => {
    child.once("close", async (code, signal) => {
      await cleanUp();
      // It quits without a word when it cannot load the application.
      if (code === 0 && !killed) complain("mcsim could not run the application, or was closed\n");
      const failed = aborted || (code === 0 && !killed);
      const exit = failed ? { code: ABORTED, signal: null, stderr } : { code, signal, stderr };
      options.onExit?.(exit);
      resolve(exit);
    });
  });
  const kill = (signal: NodeJS.Signals = "SIGTERM") => {
    killed = true;
    child.kill(signal);
  };
  return { pid: child.pid ?? 0, exited, lines, kill };
}

interface Display {
  name: string;
  close(): void;
}

/** The user's display, or a virtual one that lives as long as the simulator. */
async function openDisplay(): Promise<Display> {
  const name = process.env["DISPLAY"];
  if (name) return { name, close: () => undefined };
  const server = spawn("Xvfb", ["-displayfd", "3", "-screen", "0", "640x480x24", "-nolisten", "tcp"], {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  return new Promise((resolve, reject) => {
    const fail = (reason: string) => {
      clearTimeout(timer);
      server.kill();
      reject(new Error(`the Moddable simulator needs a display: ${reason}`));
    };
    const timer = setTimeout(() => fail("Xvfb does not start"), DISPLAY_TIMEOUT);
    server.on("error", (error) => fail(`DISPLAY is not set and Xvfb cannot be run (${error.message})`));
    server.on("exit", (code) => fail(`Xvfb ended with code ${code}`));
    createInterface({ input: server.stdio[3] as Readable }).once("line", (number) => {
      clearTimeout(timer);
      resolve({ name: `:${number}`, close: () => void server.kill() });
    });
  });
}
