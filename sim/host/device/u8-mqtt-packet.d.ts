/** npm u8-mqtt-packet 0.4.1, as far as it is used here: the MQTT 3.1.1 codec of a client. The package brings no types. */

declare module "u8-mqtt-packet/codec_bind" {
  export interface DecodedPacket {
    /** PUBLISH */
    topic?: string;
    pkt_id?: number;
    /** CONNACK */
    reason?: number | { valueOf(): number };
    /** SUBACK: return codes, as Number objects. */
    answers?: { valueOf(): number }[];
  }

  export interface Codec {
    encode_pkt(type: "connect" | "publish" | "subscribe" | "unsubscribe", packet: object): Uint8Array;
    /** undefined for a type that the codec does not know. */
    decode_pkt(b0: number, body: Uint8Array | null): DecodedPacket | undefined;
  }

  export function mqtt_pkt_ctx(level: 4, options: object, api: object): Codec;
}

declare module "u8-mqtt-packet/codec_v4_client" {
  export const mqtt_decode_v4: unknown[];
  export const mqtt_encode_v4: unknown[];

  export class mqtt_reader_v4 {
    bin(): Uint8Array;
    utf8(): string;
  }

  export class mqtt_writer_v4 {
    static for(packet: object): mqtt_writer_v4;
    /** The parts written so far; false when packed. */
    $: ArrayLike<number>[];
    of(): this;
    push(...parts: ArrayLike<number>[]): void;
    u16(value: number): void;
    bin(bytes: Uint8Array | ArrayBuffer | string | undefined): void;
    utf8(text: string): void;
    flush(bytes?: Uint8Array): void;
    pack(header: number[]): Uint8Array;
  }
}
