/**
 * As much of the protocol buffers encoding as Espressif's messages use (protobuf.dev/programming-guides/encoding): varints and
 * length-delimited fields; fixed-width fields are skipped. Malformed input is an error, never a guess.
 */

const WireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

export class MalformedMessage extends Error {
  readonly code = "MalformedMessage";
}

/** Reads the fields of one message in order. */
export class ProtobufReader {
  #bytes: Uint8Array;
  #position = 0;
  #wireType = 0;
  /** Number of the field that next() has found. */
  field = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Goes to the next field. @returns false at the end. @throws MalformedMessage */
  next(): boolean {
    if (this.#position === this.#bytes.length) return false;
    const tag = this.varint();
    this.field = tag >>> 3;
    this.#wireType = tag & 7;
    if (!this.field) throw new MalformedMessage("field 0");
    return true;
  }

  /** The value as an unsigned 32-bit number. Wider values keep their low 32 bits, as protobuf prescribes. */
  uint32(): number {
    this.expect(WireType.varint);
    return this.varint();
  }

  int32(): number {
    return this.uint32() | 0;
  }

  bool(): boolean {
    return this.uint32() !== 0;
  }

  /** A view of the message, valid as long as the message is. */
  bytes(): Uint8Array {
    this.expect(WireType.bytes);
    return this.take(this.varint());
  }

  message(): ProtobufReader {
    return new ProtobufReader(this.bytes());
  }

  /** Steps over a field that is of no interest. */
  skip(): void {
    if (this.#wireType === WireType.varint) this.varint();
    else if (this.#wireType === WireType.bytes) this.take(this.varint());
    else if (this.#wireType === WireType.fixed64) this.take(8);
    else if (this.#wireType === WireType.fixed32) this.take(4);
    else throw new MalformedMessage(`wire type ${this.#wireType}`);
  }

  private expect(wireType: number): void {
    if (this.#wireType !== wireType) throw new MalformedMessage(`field ${this.field} has wire type ${this.#wireType}`);
  }

  private take(length: number): Uint8Array {
    const end = this.#position + length;
    if (end > this.#bytes.length) throw new MalformedMessage("truncated");
    const value = this.#bytes.subarray(this.#position, end);
    this.#position = end;
    return value;
  }

  private varint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.#position === this.#bytes.length) throw new MalformedMessage("truncated");
      const byte = this.#bytes[this.#position++];
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw new MalformedMessage("varint of more than 10 bytes");
  }
}

/**
 * Writes a message into a buffer of fixed size. Zero, false and empty fields are left out, as proto3 does; sub-messages are
 * always written, because a oneof shows by their presence.
 */
export class ProtobufWriter {
  #bytes: Uint8Array;
  #length = 0;

  /** @param capacity the longest message in bytes */
  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
  }

  uint32(field: number, value: number): this {
    if (value) {
      this.varint((field << 3) | WireType.varint);
      this.varint(value);
    }
    return this;
  }

  /** A member of a oneof: written even when it is 0, because it is its presence that counts. */
  enumeration(field: number, value: number): this {
    this.varint((field << 3) | WireType.varint);
    this.varint(value);
    return this;
  }

  /** Negative numbers take ten bytes (sign extension to 64 bits). */
  int32(field: number, value: number): this {
    if (value >= 0) return this.uint32(field, value);
    this.varint((field << 3) | WireType.varint);
    let low = value;
    for (let i = 0; i < 4; i++) {
      this.byte((low & 0x7f) | 0x80);
      low >>= 7;
    }
    this.byte((low & 0x7f) | 0x80);
    for (let i = 0; i < 4; i++) this.byte(0xff);
    this.byte(0x01);
    return this;
  }

  bool(field: number, value: boolean): this {
    return this.uint32(field, value ? 1 : 0);
  }

  bytes(field: number, value: Uint8Array): this {
    return value.length ? this.delimited(field, value) : this;
  }

  string(field: number, value: string): this {
    return this.bytes(field, new Uint8Array(ArrayBuffer.fromString(value)));
  }

  message(field: number, message: ProtobufWriter): this {
    return this.delimited(field, message.view());
  }

  /** What has been written, a view. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** What has been written, a buffer of its own. */
  finish(): ArrayBuffer {
    return this.view().slice().buffer as ArrayBuffer;
  }

  private delimited(field: number, value: Uint8Array): this {
    this.varint((field << 3) | WireType.bytes);
    this.varint(value.length);
    if (this.#length + value.length > this.#bytes.length) throw new RangeError("message too long");
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  private varint(value: number): void {
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  private byte(value: number): void {
    if (this.#length === this.#bytes.length) throw new RangeError("message too long");
    this.#bytes[this.#length++] = value;
  }
}
