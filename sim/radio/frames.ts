import { headerLength, maximumPayload } from "./device/protocol.ts";

/** A frame of the device protocol (device/protocol.ts). */
export function frame(type: number, ...parts: (Buffer | number[])[]): Buffer {
  const payload = Buffer.concat(parts.map((part) => (Array.isArray(part) ? Buffer.from(part) : part)));
  const header = Buffer.from([type, payload.length & 0xff, payload.length >> 8]);
  return Buffer.concat([header, payload]);
}

export interface Frame {
  type: number;
  payload: Buffer;
}

/** Cuts a stream into frames. */
export class FrameReader {
  #pending: Buffer = Buffer.alloc(0);

  /** @throws Error when a frame is longer than the protocol allows. */
  push(chunk: Buffer): Frame[] {
    this.#pending = this.#pending.length ? Buffer.concat([this.#pending, chunk]) : chunk;
    const frames: Frame[] = [];
    while (this.#pending.length >= headerLength) {
      const length = this.#pending.readUInt16LE(1);
      if (length > maximumPayload) throw new Error(`frame of ${length} bytes`);
      if (this.#pending.length < headerLength + length) break;
      frames.push({ type: this.#pending[0], payload: this.#pending.subarray(headerLength, headerLength + length) });
      this.#pending = this.#pending.subarray(headerLength + length);
    }
    return frames;
  }
}

export function u16(value: number): number[] {
  return [value & 0xff, (value >> 8) & 0xff];
}
