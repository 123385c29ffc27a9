import type { KeyPair } from "./crypto";

type Bytes = ArrayBuffer | Uint8Array;

export interface TLSEngineOptions {
  /** The server's DNS name, sent as SNI, or its IP address. Its certificate must be for it (subjectAltName). */
  host: string;
  /** The authorities to trust: PEM texts (of one or more certificates) or DER. */
  roots: readonly (string | Bytes)[];
  /** Milliseconds since 1970. A time before 2025 counts as none: "NoTime". */
  time: number;
  /**
   * `time` is only the earliest that it can be: all but the certificates' dates is verified in the handshake, and they are judged by what the
   * server says the time is, with `judgeDates`. Until then at most 512 bytes go out and 4,096 come in. Not with a `certificate`.
   */
  datesLater?: boolean;
  /** The client's certificate chain, leaf first: PEM or DER. Needs `key`. */
  certificate?: string | Bytes;
  key?: KeyPair;
  /** ALPN names, at most 4 of at most 31 characters. If there are any, the server must choose one. */
  protocols?: readonly string[];
}

/**
 * The client side of a TLS session without I/O: the caller moves ciphertext between it and a socket. No call waits, and none
 * throws for what a peer does: look at `error`.
 */
export default class TLSEngine {
  /** @throws TypeError if an option has the wrong type. Every other failure is in `error`. */
  constructor(options: TLSEngineOptions);
  /** Frees the session without a word to the peer. May be repeated; afterwards other calls throw. */
  close(): void;

  /** Takes the first `count` bytes of ciphertext; returns how many were used: all, if no more than `wanted` were offered. */
  feed(buffer: Bytes, count?: number): number;
  /** Puts up to `count` bytes of ciphertext into the buffer; returns how many, 0 when there are none. Also after an error: the alert. */
  take(buffer: Bytes, count?: number): number;
  /** The next byte of plaintext, undefined when there is none. */
  read(): number | undefined;
  /** Fills the buffer with plaintext; returns how many bytes that are. */
  read(buffer: Bytes): number;
  /**
   * Takes plaintext from `offset` on, or a single byte; returns how many bytes were accepted: take() ciphertext and offer the rest.
   * With `more`, what follows belongs to it: small parts are gathered into one record.
   */
  write(data: Bytes | number, offset?: number, more?: boolean): number;
  /** How many bytes of plaintext, in a few writes, make at most `room` bytes of ciphertext. */
  capacity(room: number): number;
  /** Tells the peer that nothing more will be written (close_notify). */
  closeNotify(): void;

  /**
   * Judges the dates of all certificates of the server's path, the root's too, by a time in milliseconds since 1970. False: it does not fit, and
   * `error` is Expired, NotYetValid or, for a time before the earliest, BadTime.
   */
  judgeDates(time: number): boolean;

  /** How many bytes of ciphertext can be used now; 0 while plaintext waits. The rest stays in the socket: that is the back-pressure. */
  readonly wanted: number;
  /** Bytes of plaintext that can be read now. */
  readonly readable: number;
  /** The handshake is over. */
  readonly connected: boolean;
  /** The peer has ended the session properly. */
  readonly peerClosed: boolean;
  /** A code of TLSError (modules/network/tls-error.ts), or undefined. */
  readonly error: string | undefined;
  /** The alert that the peer sent, if that was the failure (RFC 8446, section 6). */
  readonly alert: number | undefined;
  /** mbedTLS's number for the failure, 0 if it has none. */
  readonly detail: number;
  /** "TLSv1.2" or "TLSv1.3". */
  readonly version: string | undefined;
  /** The protocol chosen by ALPN. */
  readonly protocol: string | undefined;
  /** Bytes that this session holds outside of XS; undefined if the build does not count them. */
  readonly bytes: number | undefined;
  readonly peakBytes: number | undefined;
}
