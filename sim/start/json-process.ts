import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { nodeArguments } from "./bundles.ts";

/** One JSON line of a child process. */
export interface ProcessEvent {
  event: string;
  [field: string]: unknown;
}

interface Options {
  /** What the process is called in messages. */
  name: string;
  /** A TypeScript file of the simulator. */
  script: string;
  args?: string[];
  /** Modules that are loaded before it. */
  imports?: string[];
  onEvent?: (event: ProcessEvent) => void;
  /** It ended without having been told to. */
  onDied?: (reason: string) => void;
}

const startLimit = 120_000;
const stopLimit = 3_000;

/** A part of the simulator in a process of its own, which says what happens in JSON lines on its standard output. */
export class JsonProcess {
  readonly name: string;
  #child: ChildProcess;
  #stopping = false;
  #errors = "";

  private constructor(options: Options) {
    this.name = options.name;
    const args = [...nodeArguments(options.script, options.imports), ...(options.args ?? [])];
    this.#child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "pipe"] });
    // It may have ended.
    this.#child.stdin!.on("error", () => {});
    this.#child.stderr!.on("data", (data) => {
      this.#errors = (this.#errors + data).slice(-4000);
    });
  }

  /** Resolves with the process and its first event, which is `listening`. Rejects when it ends or stays silent instead. */
  static async start<First extends ProcessEvent>(options: Options): Promise<{ process: JsonProcess; first: First }> {
    const process = new JsonProcess(options);
    const first = await process.#listen(options);
    return { process, first: first as First };
  }

  #listen(options: Options): Promise<ProcessEvent> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(this.#failure(`said nothing for ${startLimit / 1000} s`));
        // It may hang in a way that it would not even notice that nobody is left who listens.
        this.#child.kill("SIGKILL");
      }, startLimit);
      let listening = false;
      createInterface({ input: this.#child.stdout! }).on("line", (line) => {
        const event = parseEvent(line);
        if (!event) return;
        if (!listening) {
          listening = true;
          clearTimeout(timer);
          resolve(event);
        } else options.onEvent?.(event);
      });
      this.#child.on("error", (error) => reject(this.#failure(error.message)));
      this.#child.on("exit", (code, signal) => {
        clearTimeout(timer);
        const failure = this.#failure(`ended (${signal ?? `exit code ${code}`})`);
        reject(failure);
        if (listening && !this.#stopping) options.onDied?.(failure.message);
      });
    });
  }

  #failure(what: string): Error {
    const errors = this.#errors.trim();
    return new Error(`${this.name} ${what}${errors ? `:\n${errors}` : ""}`);
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** A line of JSON on its standard input. */
  send(message: object): void {
    this.#child.stdin!.write(`${JSON.stringify(message)}\n`);
  }

  /** Asks it to end, and ends it when it does not. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    this.#stopping = true;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    this.#child.kill(signal);
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), stopLimit);
    await exited;
    clearTimeout(timer);
  }
}

/** The line as an event, or undefined when it is something else. */
export function parseEvent(line: string): ProcessEvent | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const event = JSON.parse(line);
    return typeof event.event === "string" ? event : undefined;
  } catch {
    return undefined;
  }
}
