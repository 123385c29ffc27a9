import { fingerprint } from "../cloud/recent-messages";
import type { RecordStore } from "../storage/record-store";

const key = "commands";
/** How many marks are remembered, of this start and of earlier ones. */
const capacity = 8;
/** Seed of the marks of retained messages, so that they are not taken for tokens. */
const retained = 0x52455421;

/** The mark of a command's `clientToken`; 0: it has none. */
export function tokenMark(token: unknown): number {
  return typeof token === "string" && token ? fingerprint(new Uint8Array(ArrayBuffer.fromString(token))) || 1 : 0;
}

/** The mark of a retained message. */
export function retainedMark(payload: ArrayBuffer): number {
  return fingerprint(new Uint8Array(payload), retained) || 1;
}

/**
 * The last commands that came over MQTT, by 32 bits of each. Those that matter after a restart lie in storage as well (some 100
 * bytes each time one is added); the others are forgotten with the power.
 */
export class CommandMemory {
  #records: Pick<RecordStore, "read" | "write">;
  /** Of this start, then those that are in storage; the oldest first, 0: none. */
  #marks = new Int32Array(2 * capacity);

  constructor(records: Pick<RecordStore, "read" | "write">) {
    this.#records = records;
    const kept = records.read<{ marks?: unknown }>(key)?.marks;
    if (!Array.isArray(kept)) return;
    for (let i = 0; i < capacity; i += 1) this.#marks[capacity + i] = typeof kept[i] === "number" ? kept[i] : 0;
  }

  /** It came in this start. */
  isRecent(mark: number): boolean {
    return this.find(mark, 0) >= 0;
  }

  /** It was kept, in this start or in an earlier one. */
  isKept(mark: number): boolean {
    return this.find(mark, capacity) >= 0;
  }

  /** Until the restart. */
  remember(mark: number): void {
    this.add(mark, 0);
  }

  forget(mark: number): void {
    const index = this.find(mark, 0);
    if (index >= 0) this.#marks[index] = 0;
  }

  /** For longer. */
  keep(mark: number): void {
    if (!mark || this.isKept(mark)) return;
    this.add(mark, capacity);
    try {
      this.#records.write(key, { marks: Array.from(this.#marks.subarray(capacity)) });
    } catch {
      // Storage that is full or worn out: then it is known until the restart.
    }
  }

  private find(mark: number, from: number): number {
    if (mark) for (let i = from; i < from + capacity; i += 1) if (this.#marks[i] === mark) return i;
    return -1;
  }

  private add(mark: number, from: number): void {
    if (!mark) return;
    this.#marks.copyWithin(from, from + 1, from + capacity);
    this.#marks[from + capacity - 1] = mark;
  }
}
