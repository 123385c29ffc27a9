/**
 * The driver in C (mega.h) without any policy. Results are the numbers of `enum mega_result`: 0 ready, 1 busy, negative an
 * error whose name `describe` gives. Applications use modules/camera/arducam-mega.
 */
export default class Arducam {
  /** @throws Error when the SPI bus cannot be had. `undefined` stands for the default; pins are GPIO numbers. */
  constructor(
    host?: number,
    clock?: number,
    out?: number,
    input?: number,
    select?: number,
    hz?: number,
    transferSize?: number,
    settle?: number,
    discard?: number,
    probeRewind?: boolean,
  );
  close(): void;
  start(): void;
  stop(): void;
  /** @param now milliseconds; only differences count */
  poll(now: number): number;
  /** Milliseconds until the next poll makes sense. */
  readonly interval: number;
  /** @param control `enum mega_control` */
  configure(control: number, value: number): number;
  supports(control: number, value: number): boolean;
  setting(control: number): number | undefined;
  capture(): number;
  /** Bytes written to the buffer, 0 at the end of the frame, or an error. */
  read(buffer: ArrayBuffer | Uint8Array): number;
  rewind(): boolean;
  describe(result: number): string;
  readonly model: string;
  info(index: number): number;
}
