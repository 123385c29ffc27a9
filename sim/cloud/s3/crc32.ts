/** A running CRC with 32 bits, reflected: CRC-32 (IEEE 802.3) and CRC-32C (Castagnoli, RFC 3720). */
export class CRC32 {
  static readonly ieee = makeTable(0xedb88320);
  static readonly castagnoli = makeTable(0x82f63b78);

  readonly #table: Uint32Array;
  #value = 0xffffffff;

  constructor(table: Uint32Array) {
    this.#table = table;
  }

  update(bytes: Uint8Array): void {
    let value = this.#value;
    for (const byte of bytes) value = this.#table[(value ^ byte) & 0xff] ^ (value >>> 8);
    this.#value = value;
  }

  /** Big endian, as S3 encodes it. */
  digest(): Buffer {
    const result = Buffer.alloc(4);
    result.writeUInt32BE((this.#value ^ 0xffffffff) >>> 0);
    return result;
  }
}

function makeTable(polynomial: number): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, index) => {
    let value = index;
    for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? polynomial ^ (value >>> 1) : value >>> 1;
    return value >>> 0;
  });
}
