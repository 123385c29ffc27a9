/**
 * What the upload needs of a connection: TLSSocket and the SDK's TCP socket in "buffer" format have it (ECMA-419 IO class pattern).
 */
export interface Connection {
  /** Takes all of `buffer` and returns how many bytes it would take now; `undefined` if the socket does not say. */
  // biome-ignore lint/suspicious/noConfusingVoidType: the SDK's typings declare TCP's write as void
  write(buffer: Uint8Array): number | undefined | void;
  /** Up to `count` received bytes. */
  read(count: number): ArrayBuffer | undefined;
  close(): void;
}

/** Who is told: methods, so that no functions have to be made for each connection. */
export interface ConnectionHandlers {
  onReadable(count: number): void;
  onWritable(count: number): void;
  /** Also at the end of the connection, after everything received has been read. */
  onError(error?: unknown): void;
}

/**
 * Opens a connection and returns at once; the first `onWritable` says that it stands. Each call looks the name up anew, because behind
 * a store's name are many hosts, and a retry should meet another one (S3 User Guide, "Timeouts and retries for latency-sensitive applications").
 */
export type Connect = (host: string, port: number, handlers: ConnectionHandlers) => Connection;
