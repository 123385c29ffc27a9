import Timer from "timer";
import { type OwnedTimer, repeatTimer } from "../network/owned-timer";

export interface TelemetryHost {
  /** Milliseconds between two reports. */
  readonly telemetryInterval: number;
  collectTelemetry(): object;
  publishTelemetry(payload: string): Promise<unknown>;
}

/** Says how the camera is: at once when it comes online, then at a steady pace. A report that fails is not repeated. */
export class Telemetry {
  static #again({ owner }: OwnedTimer<Telemetry>): void {
    owner.report();
  }

  #host: TelemetryHost;
  #timer?: Timer;

  constructor(host: TelemetryHost) {
    this.#host = host;
  }

  start(): void {
    this.stop();
    this.report();
    this.#timer = repeatTimer(this, Telemetry.#again, this.#host.telemetryInterval);
  }

  stop(): void {
    if (this.#timer) Timer.clear(this.#timer);
    this.#timer = undefined;
  }

  private report(): void {
    this.#host.publishTelemetry(JSON.stringify(this.#host.collectTelemetry())).catch(() => {});
  }
}
