/** The session that a test asks of the device (tests/e2e/firmware/cloud): CloudSessionOptions without what the device knows itself. */
export interface SessionSettings {
  endpoint: string;
  clientId: string;
  /** PEM. */
  root: string;
  certificate?: string;
  key?: string;
  /** What the broker has kept is not to be delivered. */
  mustDrop?: boolean;
  /** Any other option of modules/cloud/session. */
  [option: string]: unknown;
}

/** What the device does with its session. */
export interface SessionCommand {
  /** Repeated in the answer. */
  n: number;
  name: "publish" | "subscribe" | "connect" | "disconnect" | "close" | "statistics";
  topic?: string;
  topics?: string[];
  payload?: string;
  /** Instead of a payload: so many bytes. */
  byteLength?: number;
  QoS?: 0 | 1;
}
