import { mqtt_pkt_ctx } from "u8-mqtt-packet/codec_bind";
import { mqtt_decode_v4, mqtt_encode_v4, mqtt_reader_v4, mqtt_writer_v4 } from "u8-mqtt-packet/codec_v4_client";

/**
 * npm u8-mqtt-packet for XS. A relative import is resolved against the name of the importing module, which is why the
 * manifest calls this one `embedded:network/mqtt/mqtt-codec`.
 */

export interface TopicFilter {
  topic: string;
  QoS?: number;
}

type Bytes = ArrayBuffer | Uint8Array;

const PUBACK = 4;
const PUBREC = 5;
const PUBREL = 6;
const PUBCOMP = 7;
const SUBSCRIBE = 8;
const UNSUBSCRIBE = 10;
const PINGREQ = 12;
const DISCONNECT = 14;

/** XS has no TextEncoder and TextDecoder; it has these. */
class Reader extends mqtt_reader_v4 {
  override utf8(): string {
    return String.fromArrayBuffer(this.bin().slice().buffer as ArrayBuffer);
  }
}

/** The payload of a PUBLISH is written after the packet that comes out of here; only its length is in it. */
class Writer extends mqtt_writer_v4 {
  #payloadLength = 0;

  static override for(packet: { payloadLength?: number }): Writer {
    const writer = new Writer();
    writer.$ = [];
    writer.#payloadLength = packet.payloadLength ?? 0;
    return writer;
  }

  override utf8(text: string): void {
    this.bin(ArrayBuffer.fromString(text));
  }

  override bin(bytes: Bytes | string | undefined): void {
    const part = typeof bytes === "string" ? ArrayBuffer.fromString(bytes) : (bytes ?? new ArrayBuffer(0));
    this.u16(part.byteLength);
    this.push(new Uint8Array(part));
  }

  /** The packet's own one makes itself unusable by an assignment that a frozen prototype forbids. */
  override flush(bytes?: Uint8Array): void {
    if (bytes) this.push(bytes);
  }

  override pack(header: number[]): Uint8Array {
    let length = 0;
    for (const part of this.$) length += part.length;
    let rest = length + this.#payloadLength;
    for (; rest > 0x7f; rest >>>= 7) header.push((rest & 0x7f) | 0x80);
    header.push(rest);
    const packet = new Uint8Array(header.length + length);
    packet.set(header);
    let position = header.length;
    for (const part of this.$) {
      packet.set(part, position);
      position += part.length;
    }
    return packet;
  }
}

export const codec = mqtt_pkt_ctx(
  4,
  { decode_fns: mqtt_decode_v4, encode_fns: mqtt_encode_v4, mqtt_reader: Reader, mqtt_writer: Writer },
  {},
);

/** A packet without payload that the application writes, by its type (MQTT 3.1.1, 2.2.1). */
export function encodeControl(operation: number, id: number, items: TopicFilter[]): Uint8Array {
  switch (operation) {
    case SUBSCRIBE: {
      const topics = items.map(({ topic, QoS = 0 }) => [topic, { qos: QoS }]);
      return codec.encode_pkt("subscribe", { pkt_id: id, topics });
    }
    case UNSUBSCRIBE:
      return codec.encode_pkt("unsubscribe", { pkt_id: id, topics: items.map(({ topic }) => topic) });
    case PUBACK:
    case PUBREC:
    case PUBREL:
    case PUBCOMP:
      return Uint8Array.of((operation << 4) | (operation === PUBREL ? 2 : 0), 2, id >> 8, id & 0xff);
    case PINGREQ:
    case DISCONNECT:
      return Uint8Array.of(operation << 4, 0);
    default:
      throw new Error("unknown");
  }
}
