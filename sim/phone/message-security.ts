/** How the messages of a session are protected. */
export interface MessageSecurity {
  /** What it is made of, for people who know. */
  readonly scheme: string;
  /** Bytes that a sealed message is longer. */
  readonly overhead: number;
  /** @param header one byte that goes with it in the clear */
  seal(data: Uint8Array, header?: number): Uint8Array;
  /** @returns undefined when this is not the camera's next message, as far as the scheme can tell */
  open(data: Uint8Array, header?: number): Uint8Array | undefined;
}
