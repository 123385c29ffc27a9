/** A packet that has come in. Of a PUBLISH the body ends before the payload, which is `rest` bytes long. */
export interface Packet {
  type: number;
  flags: number;
  body: Uint8Array;
  rest: number;
}

const PUBLISH = 3;

/** A control packet, or the header of a PUBLISH, of more bytes than this is not collected. */
const maximumBody = 1024;

/** Puts packets together byte by byte (MQTT 3.1.1, 2.2), without the payloads. */
export class PacketParser {
  #first = -1;
  #length = 0;
  #digits = 0;
  #body?: Uint8Array;
  #position = 0;

  /** @returns the packet that is complete with this byte; throws when it cannot be one */
  take(byte: number): Packet | undefined {
    if (this.#first < 0) this.start(byte);
    else if (!this.#body) return this.takeLength(byte);
    else {
      this.#body[this.#position] = byte;
      this.#position += 1;
      if (this.#position === this.#body.length) return this.endBody(this.#body);
    }
    return undefined;
  }

  private start(byte: number): void {
    const type = byte >> 4;
    if (type === 0 || type === 15) throw new Error("invalid operation");
    this.#first = byte;
    this.#length = this.#digits = this.#position = 0;
  }

  private takeLength(byte: number): Packet | undefined {
    this.#length += (byte & 0x7f) * 128 ** this.#digits;
    this.#digits += 1;
    if (byte & 0x80) {
      if (this.#digits === 4) throw new Error("bad data");
      return undefined;
    }
    this.#body = this.allocate(this.operation === PUBLISH ? 2 : this.#length);
    return this.#body.length ? undefined : this.end(this.#body);
  }

  /** Two bytes of a PUBLISH say how long its topic is; then the rest of its header is awaited. */
  private endBody(body: Uint8Array): Packet | undefined {
    if (this.operation !== PUBLISH) return this.end(body);
    const QoS = (this.#first >> 1) & 3;
    const length = 2 + ((body[0] << 8) | body[1]) + (QoS ? 2 : 0);
    if (body.length === length) return this.end(body);
    this.#body = this.allocate(length);
    this.#body.set(body);
    return undefined;
  }

  private allocate(length: number): Uint8Array {
    if (length > maximumBody || length > this.#length) throw new Error("unexpected length");
    return new Uint8Array(length);
  }

  private end(body: Uint8Array): Packet {
    const packet = { type: this.operation, flags: this.#first & 15, body, rest: this.#length - body.length };
    this.#first = -1;
    this.#body = undefined;
    return packet;
  }

  private get operation(): number {
    return this.#first >> 4;
  }
}
