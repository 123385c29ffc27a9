import type { MQTTClient, ReadableOptions } from "./client-interface";

export interface Message {
  topic: string;
  payload: ArrayBuffer;
  QoS: number;
}

/** Takes a payload as it comes, so that it never gets together in memory. */
export interface MessageStream {
  /** The next bytes, which are lent. Never throws. */
  write(bytes: Uint8Array, from: number, to: number): void;
}

/** Puts a payload together after all. */
export class WholeMessage implements MessageStream {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(byteLength: number) {
    this.#bytes = new Uint8Array(byteLength);
  }

  get payload(): ArrayBuffer {
    return this.#bytes.buffer as ArrayBuffer;
  }

  write(bytes: Uint8Array, from: number, to: number): void {
    this.#bytes.set(bytes.subarray(from, to), this.#position);
    this.#position += to - from;
  }
}

interface Unfinished {
  topic: string;
  QoS: number;
  bytes: Uint8Array;
  position: number;
}

/** Puts messages together that the MQTT client hands out piece by piece. One at a time, as they come on the wire. */
export class MessageReader {
  #unfinished?: Unfinished;

  /** To be called from the client's `onReadable`. @returns the message when its last piece was read */
  read(client: MQTTClient, count: number, options: ReadableOptions): Message | undefined {
    const { topic, byteLength = 0, QoS = 0 } = options;
    if (topic !== undefined) {
      if (count === byteLength) return { topic, QoS, payload: client.read(count) };
      this.#unfinished = { topic, QoS, bytes: new Uint8Array(byteLength), position: 0 };
    }
    const message = this.#unfinished;
    if (!message) return undefined;
    client.read(message.bytes.subarray(message.position, message.position + count));
    message.position += count;
    if (message.position < message.bytes.length) return undefined;
    this.#unfinished = undefined;
    return { topic: message.topic, QoS: message.QoS, payload: message.bytes.buffer as ArrayBuffer };
  }
}
