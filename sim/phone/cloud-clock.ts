/** Less than this is the way of a message and the seconds that tokens count in. */
const unnoticed = 5_000;

/**
 * The cloud's clock. Signatures and expiry times are by the cloud's time, and phones may be wrong by hours; the time of a fresh token
 * tells how much.
 */
export class CloudClock {
  #offset = 0;

  /** Milliseconds that the cloud is ahead of this machine. */
  get offset(): number {
    return this.#offset;
  }

  /** Milliseconds since 1970. */
  now(): number {
    return Date.now() + this.#offset;
  }

  /** @param time what the cloud says that it is now, milliseconds since 1970 */
  learn(time: number): void {
    const offset = time - Date.now();
    this.#offset = Math.abs(offset) < unnoticed ? 0 : offset;
  }
}
