/** Ways to slow down those who guess. What they count lasts as long as the process. */

interface Failures {
  count: number;
  last: number;
  lockedUntil: number;
}

const quietMinutes = 15;
const freeFailures = 5;

/**
 * Cognito's lockout: from the fifth wrong password on, nobody signs in for 2^(n-5) seconds, at most a quarter of an hour, the right
 * password or not; tries in that time do not count. Forgotten after a sign-in, or when all is quiet for a quarter of an hour.
 * (Developer Guide, "Lockout behavior for failed sign-in attempts".)
 */
export class Lockout {
  readonly #failures = new Map<string, Failures>();

  isLocked(user: string): boolean {
    const known = this.#failures.get(user);
    if (!known) return false;
    const now = Date.now();
    if (known.lockedUntil > now) return true;
    if (known.last + quietMinutes * 60_000 < now) this.#failures.delete(user);
    return false;
  }

  failed(user: string): void {
    const count = (this.#failures.get(user)?.count ?? 0) + 1;
    const now = Date.now();
    for (const [other, { last, lockedUntil }] of this.#failures) {
      if (Math.max(last + quietMinutes * 60_000, lockedUntil) < now) this.#failures.delete(other);
    }
    const seconds = count < freeFailures ? 0 : Math.min(2 ** (count - freeFailures), quietMinutes * 60);
    this.#failures.set(user, { count, last: now, lockedUntil: now + seconds * 1000 });
  }

  succeeded(user: string): void {
    this.#failures.delete(user);
  }
}

/** So many in a period, then no more until the period is over. */
export class Quota {
  readonly #limit: number;
  readonly #period: number;
  readonly #counts = new Map<string, { count: number; since: number }>();

  /** @param period milliseconds */
  constructor(limit: number, period: number) {
    this.#limit = limit;
    this.#period = period;
  }

  /** @returns false if there is none left */
  take(name: string): boolean {
    const now = Date.now();
    for (const [other, { since }] of this.#counts) if (since + this.#period <= now) this.#counts.delete(other);
    const entry = this.#counts.get(name) ?? { count: 0, since: now };
    this.#counts.set(name, entry);
    if (entry.count >= this.#limit) return false;
    entry.count++;
    return true;
  }

  reset(name: string): void {
    this.#counts.delete(name);
  }
}
