/** A sequence of whole numbers that depends on its seed alone (xorshift32). */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0 || 1;
  }

  /** 0 to `limit` - 1. */
  roll(limit: number): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return (state >>> 0) % limit;
  }
}

/** What JSON is made of, so that not every change makes nonsense of it. */
const tokens = '{}[]",:\\0-+.eEnu9true null"a":\u0000\u00e9';

/** Makes inputs of seeds, in one buffer: changed, cut, grown by repetition, put together of two. */
export class Mutator {
  readonly buffer: Uint8Array;
  length = 0;
  #dice: Dice;
  #seeds: readonly string[];

  constructor(seeds: readonly string[], dice: Dice, limit: number) {
    this.#seeds = seeds;
    this.#dice = dice;
    this.buffer = new Uint8Array(limit);
  }

  /** The next input: a view of the buffer. Every eighth one is a seed as it is. */
  next(): Uint8Array {
    this.length = 0;
    this.append(this.#seeds[this.#dice.roll(this.#seeds.length)]);
    for (let times = this.#dice.roll(8); times > 0; times--) this.change();
    return this.buffer.subarray(0, this.length);
  }

  private append(text: string): void {
    const bytes = new Uint8Array(ArrayBuffer.fromString(text));
    const count = Math.min(bytes.length, this.buffer.length - this.length);
    this.buffer.set(bytes.subarray(0, count), this.length);
    this.length += count;
  }

  private change(): void {
    const dice = this.#dice;
    const at = dice.roll(this.length + 1);
    switch (dice.roll(7)) {
      case 0:
        this.buffer[Math.min(at, this.buffer.length - 1)] ^= 1 << dice.roll(8);
        break;
      case 1:
        this.put(at, dice.roll(256));
        break;
      case 2:
        this.put(at, tokens.charCodeAt(dice.roll(tokens.length)));
        break;
      case 3:
        this.length = at;
        break;
      case 4:
        this.remove(at, dice.roll(9));
        break;
      case 5:
        this.repeat(at, 1 + dice.roll(12), 1 + dice.roll(40));
        break;
      default:
        this.length = at;
        this.append(this.#seeds[dice.roll(this.#seeds.length)]);
    }
  }

  private put(at: number, byte: number): void {
    if (this.length === this.buffer.length) return;
    this.buffer.copyWithin(at + 1, at, this.length);
    this.buffer[at] = byte;
    this.length += 1;
  }

  private remove(at: number, count: number): void {
    const from = Math.min(at + count, this.length);
    this.buffer.copyWithin(at, from, this.length);
    this.length -= from - at;
  }

  private repeat(at: number, count: number, times: number): void {
    const size = Math.min(count, this.length - at);
    for (let i = 0; i < times && size && this.length + size <= this.buffer.length; i++) {
      this.buffer.copyWithin(at + size, at, this.length);
      this.length += size;
    }
  }
}
