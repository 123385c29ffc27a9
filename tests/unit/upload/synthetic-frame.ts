import type { FrameSource } from "../../../modules/upload/uploader";

interface Options {
  /** Can it be read twice? */
  rewindable?: boolean;
  /** Bytes after which there are no more, although `byteLength` promises them. */
  endsAfter?: number;
  /** Most bytes that one read gives. */
  piece?: number;
  /** Position at which reading throws. */
  failsAt?: number;
  /** What it throws; IdleTimeout unless said otherwise. */
  code?: string;
}

/** A frame made of arithmetic: byte i is always the same, and no picture takes up memory. */
export class SyntheticFrame implements FrameSource {
  readonly byteLength: number;
  position = 0;
  rewinds = 0;
  reads = 0;
  readonly options: Options;

  constructor(byteLength: number, options: Options = {}) {
    this.byteLength = byteLength;
    this.options = options;
  }

  read(buffer: Uint8Array): number {
    this.reads += 1;
    const { endsAfter = this.byteLength, piece = buffer.length, failsAt = Number.POSITIVE_INFINITY } = this.options;
    if (this.position >= failsAt)
      throw Object.assign(new Error("no answer from the sensor"), { code: this.options.code ?? "IdleTimeout" });
    const count = Math.min(buffer.length, piece, endsAfter - this.position);
    for (let i = 0; i < count; i += 1) buffer[i] = byteAt(this.position + i);
    this.position += Math.max(count, 0);
    return Math.max(count, 0);
  }

  rewind(): boolean {
    if (this.options.rewindable === false) return false;
    this.rewinds += 1;
    this.position = 0;
    return true;
  }
}

export function byteAt(index: number): number {
  return (index * 31 + (index >> 8) + 7) & 0xff;
}

/** True if the bytes are exactly the frame of that length. */
export function isWholeFrame(bytes: Uint8Array, byteLength: number): boolean {
  if (bytes.length !== byteLength) return false;
  for (let i = 0; i < byteLength; i += 1) if (bytes[i] !== byteAt(i)) return false;
  return true;
}
