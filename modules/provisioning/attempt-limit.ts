import type { ProvisioningStorage } from "./srp-account";

const freeAttempts = 3;
const firstPause = 1000;
const longestPause = 5 * 60 * 1000;
/** From here on the pause is the longest one, and there is no need to count on. */
const mostFailures = freeAttempts + 9;
const storageKey = "guesses";

/**
 * How often a phone may guess the proof of possession. The first wrong proofs cost nothing (people mistype); from the third on
 * each one locks everybody out for a pause that doubles, up to five minutes. The right proof resets it, switching off and on does not:
 * the count is kept, and its pause begins anew.
 *
 * The flash is written once for each failure up to the twelfth and once for the right proof after them: so a stranger wears it by twelve small
 * records, however long he tries.
 */
export class AttemptLimit {
  #now: () => number;
  #storage: ProvisioningStorage;
  #failures: number;
  #lockedAt = 0;
  #pause = 0;

  /** @param now milliseconds that only ever grow (they may wrap at 32 bits) */
  constructor(now: () => number, storage: ProvisioningStorage) {
    this.#now = now;
    this.#storage = storage;
    const stored = storage.readBytes(storageKey);
    this.#failures = stored?.byteLength === 1 ? Math.min(new Uint8Array(stored)[0], mostFailures) : 0;
    this.lock();
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
    if (this.#failures < mostFailures) {
      this.#failures += 1;
      this.keep();
    }
    this.lock();
  }

  succeeded(): void {
    if (!this.#failures) return;
    this.#failures = 0;
    this.#pause = 0;
    this.#storage.delete(storageKey);
  }

  private lock(): void {
    if (this.#failures < freeAttempts) return;
    this.#lockedAt = this.#now();
    this.#pause = Math.min(firstPause * 2 ** (this.#failures - freeAttempts), longestPause);
  }

  private keep(): void {
    try {
      this.#storage.writeBytes(storageKey, Uint8Array.of(this.#failures));
    } catch {
      // Storage that is full or worn out: the count goes on without it.
    }
  }
}
