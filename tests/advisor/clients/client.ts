import type { ClientIdentity } from "../credentials.ts";

/** Where a client under test is to connect to, and as whom. */
export interface Target {
  host: string;
  port: number;
  /** The thing name as well. */
  clientId: string;
  identity: ClientIdentity;
  /** Seconds of the client's in a real one. */
  timeScale: number;
}

export interface RunningClient {
  stop(): Promise<void>;
}

/**
 * A client under test. It connects for ever, subscribes to a topic of its own with QoS 1, and publishes with QoS 0 and with QoS 1 after
 * each connect and every half minute or so. That is all that the cases of TLS and MQTT ask for.
 */
export interface Client {
  /** Of its clock, as long as a case does not ask for more. */
  timeScale: number;
  isScalable: boolean;
  start(target: Target): Promise<RunningClient>;
}
