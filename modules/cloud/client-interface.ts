/**
 * The part of the ECMA-419 MQTT client (`embedded:network/mqtt/client`) that the session uses, as the SDK's implementation
 * really behaves: the published typings give `onControl` another shape and lack `read(buffer)`.
 */

export type Bytes = ArrayBuffer | Uint8Array;

/** Control packet types (MQTT 3.1.1, 2.2.1) under which acknowledgements arrive and packets other than PUBLISH are written. */
export const CONNACK = 2;
export const PUBLISH = 3;
export const PUBACK = 4;
export const SUBSCRIBE = 8;
export const SUBACK = 9;
export const PINGREQ = 12;
export const PINGRESP = 13;
export const DISCONNECT = 14;

export type QoS = 0 | 1;

export interface TopicFilter {
  topic: string;
  QoS: QoS;
}

export interface Will {
  topic: string;
  message: string | ArrayBuffer;
  QoS?: QoS;
  retain?: boolean;
}

export interface ControlMessage {
  operation: number;
  id?: number;
  /** SUBACK: one return code for each filter. */
  payload?: number[];
}

export interface WriteOptions {
  operation?: number;
  id?: number;
  topic?: string;
  QoS?: QoS;
  retain?: boolean;
  duplicate?: boolean;
  /** Length of the whole payload when only its first part is given. */
  byteLength?: number;
  items?: TopicFilter[];
}

export interface ReadableOptions {
  /** Only in the first call for a message. */
  topic?: string;
  /** Of the whole payload; only in the first call for a message. */
  byteLength?: number;
  QoS?: number;
  more: boolean;
}

/** They are called on the client, whose `target` is that of its options. */
export interface MQTTClientCallbacks<Target> {
  onReadable(this: { target: Target }, count: number, options: ReadableOptions): void;
  onWritable(this: { target: Target }, count: number): void;
  onControl(this: { target: Target }, message: ControlMessage): void;
  onError(this: { target: Target }): void;
}

export interface MQTTClientOptions<Target> extends MQTTClientCallbacks<Target> {
  target: Target;
  host: string;
  port: number;
  id: string;
  clean: boolean;
  /** Milliseconds. */
  keepAlive: number;
  will?: Will;
  dns: object;
  socket: object;
}

export interface MQTTClient {
  /** The whole rest of what is there, or as much as fits the buffer. */
  read(count: number): ArrayBuffer;
  read(buffer: Uint8Array): ArrayBuffer | number;
  /** @returns how many more bytes can be written now; throws when the packet does not fit */
  write(data: Bytes | null, options?: WriteOptions): number;
  close(): void;
}

export type MQTTClientClass = new <Target>(options: MQTTClientOptions<Target>) => MQTTClient;
