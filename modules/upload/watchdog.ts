import { type OwnedTimer, repeatTimer, type TimerModule } from "../network/owned-timer";

/** Ticks without a sign of life until the watchdog fires. */
const TICKS = 5;

/**
 * Fires once if it is not fed for a while: no earlier than the limit, no later than one and a quarter of it.
 * Feeding costs one assignment and no memory, so it can be done for every write.
 */
export class Watchdog {
  static #tick({ owner }: OwnedTimer<Watchdog>): void {
    owner.#ticks += 1;
    if (owner.#ticks < TICKS) return;
    owner.stop();
    owner.#owner.onTimeout();
  }

  readonly #owner: { onTimeout(): void };
  readonly #timers: TimerModule;
  #timer: unknown;
  #ticks = 0;

  constructor(owner: { onTimeout(): void }, timers: TimerModule) {
    this.#owner = owner;
    this.#timers = timers;
  }

  /** Starts, or starts again with another limit. */
  start(milliseconds: number): void {
    this.stop();
    this.#ticks = 0;
    const interval = Math.max(1, Math.ceil(milliseconds / (TICKS - 1)));
    this.#timer = repeatTimer(this, Watchdog.#tick, interval, this.#timers);
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
