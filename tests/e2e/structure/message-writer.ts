import type { Random } from "./random.ts";

/** What is done to a message on its way. */
type Damage = "none" | "cut" | "changed" | "doubled";
const damages: readonly Damage[] = [
  "none",
  "none",
  "none",
  "none",
  "none",
  "none",
  "none",
  "cut",
  "changed",
  "doubled",
];

/** Takes the bytes of a message, in pieces that are used again. */
export interface ByteSink {
  write(bytes: Uint8Array, from: number, to: number): void;
}

/** Writes a message, damaged or not, byte by byte into a sink; without one it only counts. */
export class MessageWriter {
  /** Bytes of the message as it came out. */
  length = 0;
  /** Bytes that were put in: one that is cut off does not grow, and ends all the same. */
  offered = 0;
  readonly damage: Damage;
  #sink?: ByteSink;
  #piece: Uint8Array;
  #used = 0;
  #at: number;
  #other: number;
  #isCut = false;

  /** @param size of the message, about */
  constructor(random: Random, size: number, piece: Uint8Array, sink?: ByteSink) {
    this.damage = damages[random.below(damages.length)];
    this.#at = random.below(size);
    this.#other = random.below(256);
    this.#piece = piece;
    this.#sink = sink;
  }

  put(byte: number): void {
    this.offered += 1;
    if (this.damage !== "none" && this.#at === this.length && !this.#isCut) {
      this.#at = -1;
      if (this.damage === "cut") this.#isCut = true;
      else if (this.damage === "changed") byte = this.#other;
      else this.store(this.#other);
    }
    if (!this.#isCut) this.store(byte);
  }

  text(text: string): void {
    for (let i = 0; i < text.length; i += 1) this.put(text.charCodeAt(i));
  }

  end(): void {
    if (this.#used) this.#sink?.write(this.#piece, 0, this.#used);
    this.#used = 0;
  }

  private store(byte: number): void {
    this.length += 1;
    if (!this.#sink) return;
    this.#piece[this.#used] = byte;
    this.#used += 1;
    if (this.#used === this.#piece.length) this.end();
  }
}
