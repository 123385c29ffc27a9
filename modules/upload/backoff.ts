export interface BackoffOptions {
  /** Attempts in all, the first one included. */
  attempts?: number;
  /** Mean wait before the first retry (ms). */
  base?: number;
  /** Most that a mean wait grows to (ms). */
  limit?: number;
}

/**
 * Waits between attempts: 2 s, 4 s, 8 s on average (S3 User Guide, "Best practices design patterns: Timeouts and retries"), each spread
 * evenly from half to one and a half of its mean, so that cameras that failed together do not come back together.
 */
export class Backoff {
  readonly attempts: number;
  readonly #base: number;
  readonly #limit: number;
  readonly #random: () => number;

  /** @param random uniform in [0, 1) */
  constructor(random: () => number, options: BackoffOptions = {}) {
    this.attempts = Math.max(1, options.attempts ?? 4);
    this.#base = options.base ?? 2000;
    this.#limit = options.limit ?? 20000;
    this.#random = random;
  }

  /**
   * Wait in ms before retry number `retry` (1, 2, ...).
   *
   * @param retryAfter seconds that the server asked for (RFC 9110 section 10.2.3); honoured up to one minute
   */
  delay(retry: number, retryAfter?: string): number {
    const mean = Math.min(this.#base * 2 ** (retry - 1), this.#limit);
    const delay = Math.round(mean * (0.5 + this.#random()));
    if (retryAfter === undefined || !/^[0-9]{1,6}$/.test(retryAfter)) return delay;
    return Math.max(delay, Math.min(Number(retryAfter), 60) * 1000);
  }
}
