import { CONNACK, PINGRESP, PUBACK, PUBLISH, SUBACK } from "./client-interface";
import { CloudError } from "./cloud-error";
import { limits } from "./limits";

const UNSUBACK = 11;
const dollar = 0x24;

/** What the fixed and variable header of a PUBLISH say (MQTT 3.1.1, 3.3.1 and 3.3.2). */
export interface PublishHeader {
  QoS: number;
  /** Packet identifier, 0 with QoS 0. */
  id: number;
  duplicate: boolean;
  retain: boolean;
}

/** What the filter tells of. */
export interface PacketWatcher {
  onConnack(sessionPresent: boolean, returnCode: number): void;
  /** The payload of a PUBLISH that is held back begins, unless it has none. */
  onWithholding(topic: string | undefined, byteLength: number): void;
  /** A part of that payload. The bytes are lent. */
  onWithheldPiece(bytes: Uint8Array, from: number, to: number): void;
  /** A PUBLISH that was held back is over; `topic` is undefined when it was too long to keep. */
  onWithheld(topic: string | undefined, byteLength: number, header: PublishHeader): void;
}

/** What becomes of the bytes that `next` has taken: nothing is passed on, `head` is, or they themselves are. */
export type Verdict = "hold" | "head" | "body";

type Phase = "head" | "body" | "topic" | "id" | "skip";

const malformed = (message: string) => new CloudError("MalformedPacket", message);

/**
 * Looks at what the broker sends, packet by packet, before the MQTT client does. No I/O, and no memory beyond the topic of
 * a message that is held back.
 *
 * - The session-present flag of CONNACK, which the client drops, is reported.
 * - A PUBLISH without payload would wedge the SDK's parser for good, and one that is too large would fill the memory: both
 *   are held back and reported, to be acknowledged by the session.
 * - So is what AWS IoT itself says (its topics begin with `$`): a shadow document or a job has tens of kilobytes. Its payload is
 *   shown to the watcher as it comes and never gets together in memory.
 * - Lengths and types that no broker has a reason to send end the connection instead of filling the client's buffers.
 */
export class PacketFilter {
  /** The header bytes to pass on after the verdict "head". */
  readonly head = new Uint8Array(8);
  headLength = 0;
  /** Of the PUBLISH that is passing; its `id` is known when the first byte of its payload passes. */
  readonly publish: PublishHeader = { QoS: 0, id: 0, duplicate: false, retain: false };
  verdict: Verdict = "hold";
  /** The last bytes that were taken are the head of a PUBLISH: its topic and payload come next. */
  startsMessage = false;

  #watcher: PacketWatcher;
  #maximumMessage: number;
  #phase: Phase = "head";
  #headComplete = false;
  #type = 0;
  /** Bytes of this packet that are still to come after what was taken. */
  #remaining = 0;
  /** Bytes of this packet's body that were taken. */
  #position = 0;
  #topicLength = 0;
  #topic?: Uint8Array;
  #topicText?: string;
  #payloadLength = 0;
  #connected = false;
  #sessionPresent = false;

  /** @param maximumMessage the largest payload that is let through, bytes */
  constructor(watcher: PacketWatcher, maximumMessage: number) {
    this.#watcher = watcher;
    this.#maximumMessage = maximumMessage;
  }

  /**
   * Takes bytes from `from` on, at most up to `to` and never beyond the end of a packet, and sets `verdict`.
   *
   * @returns how many bytes were taken
   * @throws CloudError MalformedPacket
   */
  next(bytes: Uint8Array, from: number, to: number): number {
    this.verdict = "hold";
    this.startsMessage = false;
    if (this.#phase === "head") return this.takeHead(bytes, from, to);
    const count = Math.min(to - from, this.#remaining);
    if (this.#phase === "body") this.passBody(bytes, from, count);
    else this.takeWithheld(bytes, from, from + count);
    this.#remaining -= count;
    if (!this.#remaining) this.endPacket();
    return count;
  }

  private takeHead(bytes: Uint8Array, from: number, to: number): number {
    if (this.#headComplete) {
      this.#headComplete = false;
      this.headLength = 0;
    }
    for (let i = from; i < to; i += 1) {
      this.head[this.headLength] = bytes[i];
      this.headLength += 1;
      if (this.headLength === 1) this.startPacket(bytes[i]);
      else if (this.#topicLength >= 0) this.takeTopicLength(bytes[i]);
      else this.takeRemainingLength(bytes[i]);
      if (this.#headComplete) return i + 1 - from;
    }
    return to - from;
  }

  private startPacket(first: number): void {
    this.#type = first >> 4;
    this.#remaining = 0;
    this.#position = 0;
    this.#topicLength = -1;
    if ((this.#type === CONNACK) === this.#connected) throw malformed("CONNACK is the first packet and comes once");
    this.#connected = true;
    if (this.#type !== PUBLISH) return;
    this.publish.QoS = (first >> 1) & 3;
    this.publish.id = 0;
    this.publish.duplicate = (first & 8) !== 0;
    this.publish.retain = (first & 1) !== 0;
    if (this.publish.QoS > 1) throw malformed("PUBLISH with QoS 2, which nobody subscribed to");
  }

  /** The remaining length, seven bits a byte, least significant first (2.2.3). */
  private takeRemainingLength(byte: number): void {
    const digits = this.headLength - 2;
    this.#remaining += (byte & 0x7f) * 128 ** digits;
    if (byte & 0x80) {
      if (digits === 3) throw malformed("remaining length of more than four bytes");
      return;
    }
    if (this.#type !== PUBLISH) {
      this.checkLength();
      this.pass();
    } else if (this.#remaining < 2) throw malformed("PUBLISH without a topic");
    else this.#topicLength = 0;
  }

  private checkLength(): void {
    const length = this.#remaining;
    const fits =
      this.#type === CONNACK || this.#type === PUBACK || this.#type === UNSUBACK
        ? length === 2
        : this.#type === SUBACK
          ? length > 2 && length <= 2 + limits.filtersPerSubscribe
          : this.#type === PINGRESP && length === 0;
    if (!fits) throw malformed(`packet of type ${this.#type} with ${length} bytes`);
  }

  private takeTopicLength(byte: number): void {
    if (this.#position === 2) {
      this.beginTopic(byte);
      return;
    }
    this.#topicLength = (this.#topicLength << 8) | byte;
    this.#remaining -= 1;
    this.#position += 1;
    if (this.#position < 2) return;
    this.#payloadLength = this.#remaining - this.#topicLength - (this.publish.QoS ? 2 : 0);
    if (!this.#topicLength || this.#payloadLength < 0) throw malformed("PUBLISH with a topic length that cannot be");
  }

  /** With the first character of the topic it is clear whether the message is one for the client. */
  private beginTopic(first: number): void {
    this.#remaining -= 1;
    this.#position = 1;
    this.startsMessage = true;
    const tooLong = this.#topicLength > limits.topicBytes;
    const fits = this.#payloadLength > 0 && this.#payloadLength <= this.#maximumMessage;
    if (fits && !tooLong && first !== dollar) {
      this.pass();
      return;
    }
    this.#headComplete = true;
    this.#phase = "topic";
    if (!tooLong) {
      this.#topic = new Uint8Array(this.#topicLength);
      this.#topic[0] = first;
    }
    this.endName();
    if (!this.#remaining) this.endPacket();
  }

  private pass(): void {
    this.#headComplete = true;
    this.verdict = "head";
    this.#phase = this.#remaining ? "body" : "head";
  }

  private passBody(bytes: Uint8Array, from: number, count: number): void {
    this.verdict = "body";
    const start = this.#position;
    this.#position += count;
    if (this.#type === CONNACK) {
      for (let i = 0; i < count; i += 1) this.takeConnack(start + i, bytes[from + i]);
    } else if (this.#type === PUBLISH && this.publish.QoS) {
      for (let at = this.#topicLength; at < this.#topicLength + 2; at += 1)
        if (at >= start && at < start + count) this.publish.id = (this.publish.id << 8) | bytes[from + at - start];
    }
  }

  private takeConnack(position: number, byte: number): void {
    if (position === 0) {
      if (byte & 0xfe) throw malformed("CONNACK with unknown flags");
      this.#sessionPresent = byte === 1;
    } else this.#watcher.onConnack(this.#sessionPresent, byte);
  }

  private takeWithheld(bytes: Uint8Array, from: number, to: number): void {
    let at = from;
    for (; at < to && this.#phase !== "skip"; at += 1) this.takeName(bytes[at]);
    if (at < to) this.#watcher.onWithheldPiece(bytes, at, to);
  }

  /** Topic and packet identifier. */
  private takeName(byte: number): void {
    if (this.#phase === "id") this.publish.id = (this.publish.id << 8) | byte;
    else if (this.#topic) this.#topic[this.#position] = byte;
    this.#position += 1;
    this.endName();
  }

  private endName(): void {
    if (this.#position < this.#topicLength) return;
    const isOver = this.#position === this.#topicLength + (this.publish.QoS ? 2 : 0);
    this.#phase = isOver ? "skip" : "id";
    if (!isOver) return;
    this.#topicText = this.#topic && String.fromArrayBuffer(this.#topic.buffer as ArrayBuffer);
    this.#topic = undefined;
    if (this.#payloadLength) this.#watcher.onWithholding(this.#topicText, this.#payloadLength);
  }

  private endPacket(): void {
    const withheld = this.#phase !== "body";
    this.#phase = "head";
    if (!withheld) return;
    const topic = this.#topicText;
    this.#topicText = undefined;
    this.#watcher.onWithheld(topic, this.#payloadLength, this.publish);
  }
}
