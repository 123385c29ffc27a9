import Time from "time";
import Timer from "timer";
import Arducam from "../../native/arducam/arducam";
import { type OwnedTimer, setTimer } from "../network/owned-timer";
import { CameraError, type CameraErrorCode } from "./camera-error";
import { applySettings, type CameraSettings, Control, type ImageType, resolutions } from "./settings";

/** Index of each number of `xs_arducam_info`. */
const Info = {
  id: 0,
  year: 1,
  month: 2,
  day: 3,
  fpga: 4,
  width: 5,
  height: 6,
  byteLength: 7,
  position: 8,
  rewindable: 9,
  busBytes: 10,
  busTransactions: 11,
  focused: 12,
  reportedLength: 13,
  whole: 14,
} as const;

const imageTypes: readonly ImageType[] = ["jpeg", "rgb565be", "yuv422"];
const busy = 1;

export interface SPIOptions {
  /** SPI peripheral, `spi_host_device_t`; default 1 (SPI2) */
  port?: number;
  /** GPIO numbers */
  clock?: number;
  out?: number;
  in?: number;
  select?: number;
  /** Default 8,000,000, the documented clock */
  hz?: number;
  /** Bytes of one DMA transfer, 64 to 4092, default 2048; two such buffers are allocated. */
  transferSize?: number;
}

export interface ArducamMegaOptions {
  spi?: SPIOptions;
  /** Milliseconds without a trigger after start and first settings, default 500; less gives constant frames in the dark. */
  settle?: number;
  /** Captures to throw away after that, default 2; a dark room wants up to 15. */
  discard?: number;
  /** Find out whether the camera can rewind its read pointer (default true), on a capture that is thrown away. */
  probeRewind?: boolean;
  onReady?: () => void;
  onReadable?: (byteLength: number) => void;
  onError?: (error: CameraError) => void;
}

export interface Identification {
  id: number;
  model: string;
  /** Of the camera's firmware */
  year: number;
  month: number;
  day: number;
  fpga: number;
}

/**
 * An Arducam Mega on SPI, in the manner of the ECMA-419 image input (`embedded:io/image/in/camera`), for a still camera with a
 * frame memory of its own: `start`, then `capture` for each picture, then `read` until it returns 0. The frame stays in the
 * camera; only one chunk of it is ever in RAM. All waiting is done by a timer.
 */
export class ArducamMega {
  static #onTimer({ owner }: OwnedTimer<ArducamMega>): void {
    owner.poll();
  }

  #camera?: Arducam;
  #timer?: Timer;
  #started = false;
  #capturing = false;
  #captures = 0;

  /** @throws Error when the SPI bus cannot be had */
  constructor(options: ArducamMegaOptions = {}) {
    const { spi = {}, settle, discard, probeRewind } = options;
    if (options.onReady) this.onReady = options.onReady;
    if (options.onReadable) this.onReadable = options.onReadable;
    if (options.onError) this.onError = options.onError;
    const { port, clock, out, in: input, select, hz, transferSize } = spi;
    this.#camera = new Arducam(port, clock, out, input, select, hz, transferSize, settle, discard, probeRewind);
  }

  /** The camera is set up. */
  onReady?(): void;
  /** A frame of so many bytes is in the camera. */
  onReadable?(byteLength: number): void;
  /** What was under way has failed; the next capture or start sets the camera up anew. */
  onError?(error: CameraError): void;

  /** Resets and identifies the camera, lets it settle and throws the first captures away: 0.7 s or more. Then onReady. */
  start(): void {
    const camera = this.open();
    this.#started = false;
    this.#capturing = false;
    this.#captures++;
    this.rest();
    camera.start();
    this.wake();
  }

  /**
   * Takes effect before the next capture.
   * @throws RangeError when this camera cannot; before the start, when no camera can. Then nothing is changed.
   */
  configure(settings: CameraSettings): void {
    const camera = this.open();
    applySettings(
      settings,
      (control, value) => camera.supports(control, value),
      (control, value) => camera.configure(control, value),
    );
    if (this.#started) this.wake();
  }

  /** Could `configure` do that? Before the start: with any camera? */
  supports(settings: CameraSettings): boolean {
    const camera = this.open();
    try {
      applySettings(settings, (control, value) => camera.supports(control, value), doNothing);
      return true;
    } catch {
      return false;
    }
  }

  /** Drops the frame in the camera and takes a new one. Then onReadable with its length, or onError. */
  capture(): void {
    const camera = this.open();
    if (this.#capturing) throw new CameraError("Busy");
    const result = camera.capture();
    if (result < 0) throw this.error(result);
    this.#capturing = true;
    this.#captures++;
    this.wake();
  }

  /**
   * The next bytes of the frame: how many were written to the buffer, 0 at its end. Waits for one chunk at most, about 2 ms.
   * @throws CameraError
   */
  read(buffer: ArrayBuffer | Uint8Array): number {
    const count = this.open().read(buffer);
    if (count < 0) throw this.error(count);
    return count;
  }

  /** Back to the first byte of the frame; false when this camera cannot. */
  rewind(): boolean {
    return this.open().rewind();
  }

  /** Gives up whatever is going on, the frame too. `start` begins again, with the same settings. */
  stop(): void {
    this.rest();
    this.#started = false;
    this.#capturing = false;
    this.#captures++;
    this.#camera?.stop();
  }

  close(): void {
    if (!this.#camera) return;
    this.stop();
    this.#camera.close();
    this.#camera = undefined;
  }

  get identification(): Identification {
    const camera = this.open();
    return {
      id: camera.info(Info.id),
      model: camera.model,
      year: 2000 + camera.info(Info.year),
      month: camera.info(Info.month),
      day: camera.info(Info.day),
      fpga: camera.info(Info.fpga),
    };
  }

  /** Names of the sizes that this camera takes; before the start, of those that any takes. */
  get resolutions(): string[] {
    const camera = this.open();
    return resolutions.filter((_, index) => camera.supports(Control.resolution, index));
  }

  get resolution(): string {
    return resolutions[this.open().setting(Control.resolution)!];
  }

  get imageType(): ImageType {
    return imageTypes[this.open().setting(Control.format)! - 1];
  }

  /** Pixels, of the resolution that is set. */
  get width(): number {
    return this.open().info(Info.width);
  }

  get height(): number {
    return this.open().info(Info.height);
  }

  /** Bytes of the frame in the camera, 0 without one. A JPEG may have padding after its end marker. */
  get byteLength(): number {
    return this.open().info(Info.byteLength);
  }

  /** Bytes of it that were read. */
  get position(): number {
    return this.open().info(Info.position);
  }

  /** Can a frame be read twice? undefined while it is not known. */
  get rewindable(): boolean | undefined {
    const known = this.open().info(Info.rewindable);
    return known < 0 ? undefined : known > 0;
  }

  /** After the last byte: does the JPEG in the camera end as it must? undefined before that, and for raw formats. */
  get complete(): boolean | undefined {
    const whole = this.open().info(Info.whole);
    return whole < 0 ? undefined : whole > 0;
  }

  /** Did the last single auto focus find something? */
  get focused(): boolean {
    return this.open().info(Info.focused) > 0;
  }

  /** Changes with every capture and start: a frame is that of its number alone. */
  get captureNumber(): number {
    return this.#captures;
  }

  /** Bytes and chip-select periods on the SPI bus so far. */
  get statistics(): { bytes: number; transactions: number } {
    const camera = this.open();
    return { bytes: camera.info(Info.busBytes), transactions: camera.info(Info.busTransactions) };
  }

  private open(): Arducam {
    if (!this.#camera) throw new CameraError("Closed");
    return this.#camera;
  }

  private error(result: number): CameraError {
    const camera = this.open();
    const code = camera.describe(result) as CameraErrorCode;
    const detail = code === "AbsurdLength" ? `${camera.info(Info.reportedLength)} bytes` : "";
    return new CameraError(code, detail);
  }

  private wake(): void {
    this.#timer ??= setTimer(this, ArducamMega.#onTimer, 0);
  }

  private rest(): void {
    if (this.#timer) Timer.clear(this.#timer);
    this.#timer = undefined;
  }

  private poll(): void {
    const camera = this.#camera;
    this.#timer = undefined;
    if (!camera) return;
    const result = camera.poll(Time.ticks | 0);
    if (result === busy) {
      this.#timer = setTimer(this, ArducamMega.#onTimer, camera.interval);
      return;
    }
    try {
      this.tell(result);
    } catch (error) {
      trace(`camera callback: ${error}\n`); // thrown out of a timer it would end the machine
    }
  }

  private tell(result: number): void {
    const wasStarted = this.#started;
    const wasCapturing = this.#capturing;
    this.#capturing = false;
    if (result < 0) {
      this.onError?.(this.error(result));
      return;
    }
    this.#started = true;
    if (!wasStarted) this.onReady?.();
    if (wasCapturing) this.onReadable?.(this.byteLength);
  }
}

function doNothing(): void {}
