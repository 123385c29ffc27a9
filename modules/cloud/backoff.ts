export interface BackoffOptions {
  /** Upper end of the first delay, milliseconds. */
  minimum?: number;
  /** No delay is longer, milliseconds. */
  maximum?: number;
  /** 0 (inclusive) to 1 (exclusive). */
  random?: () => number;
}

/**
 * Delays between attempts to connect: each between half and the whole of a ceiling that doubles.
 *
 * That is the "equal jitter" of the AWS Architecture Blog ("Exponential Backoff And Jitter"). Full jitter spreads a fleet
 * slightly better, but its gaps can by chance come out constant or falling, which Device Advisor's reconnect cases count as
 * a failure; here every delay is at least as long as the one before. The defaults keep a client below AWS IoT's one CONNECT
 * per second and client id.
 */
export class Backoff {
  #minimum: number;
  #maximum: number;
  #random: () => number;
  #ceiling: number;
  #attempts = 0;

  constructor(options: BackoffOptions = {}) {
    this.#minimum = options.minimum ?? 2000;
    this.#maximum = Math.max(options.maximum ?? 64_000, this.#minimum);
    this.#random = options.random ?? Math.random;
    this.#ceiling = this.#minimum;
  }

  /** How many delays were handed out since the last reset. */
  get attempts(): number {
    return this.#attempts;
  }

  /** The next delay, milliseconds. */
  next(): number {
    const half = this.#ceiling / 2;
    this.#ceiling = Math.min(this.#ceiling * 2, this.#maximum);
    this.#attempts += 1;
    return Math.round(half + half * this.#random());
  }

  /** To be called when a connection has proven stable, not when it was merely accepted. */
  reset(): void {
    this.#ceiling = this.#minimum;
    this.#attempts = 0;
  }
}
