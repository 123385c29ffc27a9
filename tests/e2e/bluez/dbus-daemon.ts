import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const configuration = (
  directory: string,
) => `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path=${directory}/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`;

/** A message bus of one's own: what DBUS_SYSTEM_BUS_ADDRESS makes a program take for the system's. */
export class PrivateBus {
  readonly address: string;
  #daemon: ChildProcess;
  #directory: string;

  private constructor(address: string, daemon: ChildProcess, directory: string) {
    this.address = address;
    this.#daemon = daemon;
    this.#directory = directory;
  }

  /** @throws Error when dbus-daemon is not installed or does not start within 10 s */
  static async start(): Promise<PrivateBus> {
    const directory = await mkdtemp(join(tmpdir(), "devicelink-bus-"));
    const file = join(directory, "bus.conf");
    await writeFile(file, configuration(directory));
    const daemon = spawn("dbus-daemon", ["--nofork", "--nopidfile", `--config-file=${file}`, "--print-address"], {
      // It complains about limits that it may not raise in a container.
      stdio: ["ignore", "pipe", "ignore"],
    });
    process.once("exit", () => daemon.kill("SIGKILL"));
    const failed = once(daemon, "error").then(([error]) => Promise.reject(error));
    const lines = createInterface({ input: daemon.stdout! });
    await Promise.race([once(lines, "line", { signal: AbortSignal.timeout(10_000) }), failed]);
    return new PrivateBus(`unix:path=${directory}/bus`, daemon, directory);
  }

  async close(): Promise<void> {
    const ended = once(this.#daemon, "exit");
    this.#daemon.kill("SIGKILL");
    await ended;
    await rm(this.#directory, { recursive: true, force: true });
  }
}
