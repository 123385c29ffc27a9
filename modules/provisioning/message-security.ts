/** How the messages of a session are protected: Security1 or Security2. Both work in place, so that a message exists once. */
export interface MessageSecurity {
  /** Bytes that a sealed message is longer. */
  readonly overhead: number;
  /**
   * @param value header, message and `overhead` bytes of room
   * @param headerLength bytes in the clear; a scheme that has check sums protects them as well
   */
  seal(value: Uint8Array, headerLength: number): void;
  /** @returns the message, a part of `value`; undefined when this is not the peer's next message, as far as the scheme can tell */
  open(value: Uint8Array, headerLength: number): Uint8Array | undefined;
  /** Wipes the keys. */
  close(): void;
}
