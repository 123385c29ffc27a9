/** What the test and its device say to each other. */

/** What to do with a connection. */
export interface Task {
  port: number;
  host?: string;
  roots: string[];
  /** Those of the firmware, too. */
  amazonRoots?: boolean;
  certificate?: string;
  key?: string;
  protocols?: string[];
  /** The time of day instead of the system's, milliseconds; 0: not set. */
  time?: number;
  timeout?: number;
  /** Bytes to send, of the pattern that `patternAt` gives. */
  send?: number;
  /** In writes of so many bytes; 0: as many as the socket takes. */
  writeSize?: number;
  /** As the MQTT client does: write each byte as part of a whole, read byte by byte in format "number". */
  bytewise?: boolean;
  /** Read at most so many bytes a time, with a pause of so many milliseconds. */
  readSize?: number;
  readPause?: number;
  /** Read into one buffer of so many bytes, again and again. */
  readInto?: number;
  /** Close after so many received bytes; 0: when the session stands. Without it the peer closes. */
  closeAfter?: number;
  /** Throw in this callback. */
  throwIn?: "onReadable" | "onWritable" | "onError";
  /** How often to do it all, one after the other. */
  repeat?: number;
}

export interface Outcome {
  connected: boolean;
  version?: string;
  protocol?: string;
  received: number;
  sha256: string;
  code?: string;
  alert?: number;
  detail?: number;
  message?: string;
  errors: number;
  bytes?: number;
  peakBytes?: number;
}
