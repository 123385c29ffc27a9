/** How many messages are remembered. */
const capacity = 8;

/** FNV-1a over bytes, 32 bits (draft-eastlake-fnv). */
export function fingerprint(bytes: Uint8Array, seed = 0x811c9dc5): number {
  let hash = seed;
  for (let i = 0; i < bytes.length; i += 1) hash = Math.imul(hash ^ bytes[i], 0x01000193);
  return hash;
}

/**
 * The last QoS 1 messages that were delivered, to know a repetition by: same packet identifier, same topic and payload, and
 * marked as sent before (DUP). All three are needed. Brokers use an identifier again as soon as it is acknowledged, and
 * two equal commands may both be meant, so that dropping an unmarked one could lose a command. AWS IoT does not mark its
 * repetitions; there a command's `clientToken` has to tell.
 */
export class RecentMessages {
  /** Identifier and fingerprint of each. */
  #memory = new Int32Array(2 * capacity);
  #next = 0;

  /** Remembers the message. @returns whether it is a repetition of one that was remembered before */
  isRepetition(message: { topic: string; payload: ArrayBuffer; id: number; duplicate: boolean }): boolean {
    const { id } = message;
    const print = fingerprint(
      new Uint8Array(message.payload),
      fingerprint(new Uint8Array(ArrayBuffer.fromString(message.topic))),
    );
    if (message.duplicate)
      for (let i = 0; i < this.#memory.length; i += 2)
        if (this.#memory[i] === id && this.#memory[i + 1] === print) return true;
    this.#memory[this.#next] = id;
    this.#memory[this.#next + 1] = print;
    this.#next = (this.#next + 2) % this.#memory.length;
    return false;
  }
}
