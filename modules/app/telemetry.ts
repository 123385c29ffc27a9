import Timer from "timer";

interface Options {
  /** Milliseconds between two reports. */
  interval: number;
  collect: () => object;
  publish: (payload: ArrayBuffer) => Promise<unknown>;
}

/** Says how the camera is: at once when it comes online, then at a steady pace. A report that fails is not repeated. */
export class Telemetry {
  #options: Options;
  #timer?: Timer;

  constructor(options: Options) {
    this.#options = options;
  }

  start(): void {
    this.stop();
    this.#report();
    this.#timer = Timer.repeat(() => this.#report(), this.#options.interval);
  }

  stop(): void {
    if (this.#timer) Timer.clear(this.#timer);
    this.#timer = undefined;
  }

  #report(): void {
    this.#options.publish(ArrayBuffer.fromString(JSON.stringify(this.#options.collect()))).catch(() => {});
  }
}
