const freeAttempts = 3;
const firstPause = 1000;
const longestPause = 5 * 60 * 1000;

/**
 * How often a phone may guess the proof of possession. The first wrong proofs cost nothing (people mistype); from the third on
 * each one locks everybody out for a pause that doubles, up to five minutes. The right proof resets it.
 */
export class AttemptLimit {
  #now: () => number;
  #failures = 0;
  #lockedAt = 0;
  #pause = 0;

  /** @param now milliseconds that only ever grow (they may wrap at 32 bits) */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Milliseconds until the next attempt is allowed, 0 when it is now. */
  get remaining(): number {
    if (!this.#pause) return 0;
    const left = this.#pause - ((this.#now() - this.#lockedAt) | 0);
    if (left > 0) return left;
    this.#pause = 0;
    return 0;
  }

  failed(): void {
    this.#failures += 1;
    if (this.#failures < freeAttempts) return;
    this.#lockedAt = this.#now();
    this.#pause = Math.min(firstPause * 2 ** Math.min(this.#failures - freeAttempts, 20), longestPause);
  }

  succeeded(): void {
    this.#failures = 0;
    this.#pause = 0;
  }
}
