/** Xorshift (Marsaglia 2003), 32 bits: the same numbers on every engine. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0 || 1;
  }

  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return (x >>> 0) % limit;
  }

  /** Mostly small, seldom up to `limit`. */
  skewed(limit: number): number {
    const bits = this.below(32 - Math.clz32(limit));
    return this.below(Math.min(limit, 2 << bits)) + 1;
  }
}
