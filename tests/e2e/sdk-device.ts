import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { SDKDeviceCall, SDKDeviceSettings } from "./fixtures/sdk-device.ts";
import { until } from "./operator.ts";

const script = fileURLToPath(new URL("fixtures/sdk-device.ts", import.meta.url));

interface Answer {
  n?: number;
  // biome-ignore lint/suspicious/noExplicitAny: the SDK's own shapes
  result?: any;
  error?: string;
  modeledError?: object;
  event?: string;
  // biome-ignore lint/suspicious/noExplicitAny: the SDK's own shapes
  message?: any;
}

/** aws-iot-device-sdk-v2 (fixtures/sdk-device.ts), from the other end of its process. */
export class SDKDevice {
  readonly events: Answer[] = [];
  #child: ChildProcess;
  #answers = new Map<number, Answer>();
  #count = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on("message", (answer: Answer) => {
      if (answer.n === undefined) this.events.push(answer);
      else this.#answers.set(answer.n, answer);
    });
  }

  static async connect(settings: SDKDeviceSettings): Promise<SDKDevice> {
    const device = new SDKDevice(
      fork(script, { execArgv: ["--import", "tsx"], stdio: ["ignore", "inherit", "inherit", "ipc"] }),
    );
    try {
      await device.do({ name: "connect", settings });
      return device;
    } catch (error) {
      await device.close();
      throw error;
    }
  }

  /** Resolves with what the SDK resolves with. Rejects with its message, and its `modeledError` when the service has refused. */
  // biome-ignore lint/suspicious/noExplicitAny: the SDK's own shapes
  async do(call: SDKDeviceCall): Promise<any> {
    this.#count += 1;
    const n = this.#count;
    this.#child.send({ n, call });
    const { result, error, modeledError } = await until(call.name, () => this.#answers.get(n));
    if (error !== undefined) throw Object.assign(new Error(error), { modeledError });
    return result;
  }

  /** The first of that name. */
  // biome-ignore lint/suspicious/noExplicitAny: the SDK's own shapes
  async event(name: string): Promise<any> {
    return (await until(name, () => this.events.find(({ event }) => event === name))).message;
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode) return;
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exited;
  }
}
