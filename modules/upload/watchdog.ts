/** What the upload needs of the `timer` module (the SDK's default export fits). */
export interface TimerModule {
  set(callback: () => void, milliseconds: number): unknown;
  repeat(callback: () => void, milliseconds: number): unknown;
  clear(timer: never): void;
}

/** Ticks without a sign of life until the watchdog fires. */
const TICKS = 5;

/**
 * Fires once if it is not fed for a while: no earlier than the limit, no later than one and a quarter of it.
 * Feeding costs one assignment and no memory, so it can be done for every write.
 */
export class Watchdog {
  readonly #timers: TimerModule;
  #timer: unknown;
  #ticks = 0;

  constructor(timers: TimerModule) {
    this.#timers = timers;
  }

  /** Starts, or starts again with another limit. */
  start(milliseconds: number, onTimeout: () => void): void {
    this.stop();
    this.#ticks = 0;
    const interval = Math.max(1, Math.ceil(milliseconds / (TICKS - 1)));
    this.#timer = this.#timers.repeat(() => {
      this.#ticks += 1;
      if (this.#ticks < TICKS) return;
      this.stop();
      onTimeout();
    }, interval);
  }

  feed(): void {
    this.#ticks = 0;
  }

  stop(): void {
    if (this.#timer === undefined) return;
    this.#timers.clear(this.#timer as never);
    this.#timer = undefined;
  }
}
