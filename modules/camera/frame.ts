import type { ArducamMega } from "./arducam-mega";
import { CameraError } from "./camera-error";
import { JPEGScanner } from "./jpeg";

/**
 * A picture that lies in the camera's memory, to be pulled out piece by piece. It is gone with the next capture: reading it
 * then is a CameraError "StaleFrame".
 */
export class Frame {
  /** Bytes that `read` will give in all: what the camera reports, zeros after the end marker included. */
  readonly byteLength: number;
  /** Pixels */
  readonly width: number;
  readonly height: number;
  #camera: ArducamMega;
  #captureNumber: number;
  #scanner?: JPEGScanner;
  #buffer?: ArrayBuffer;
  #view?: Uint8Array;

  /** Of the frame that is in the camera now. */
  constructor(camera: ArducamMega) {
    this.#camera = camera;
    this.#captureNumber = camera.captureNumber;
    this.byteLength = camera.byteLength;
    this.width = camera.width;
    this.height = camera.height;
    if (camera.imageType === "jpeg") this.#scanner = new JPEGScanner();
  }

  /** Bytes read so far. */
  get position(): number {
    return this.current().position;
  }

  /** Can `rewind` work? undefined while nobody knows. */
  get rewindable(): boolean | undefined {
    return this.#camera.rewindable;
  }

  /**
   * After the last byte: did the picture end as a JPEG must? A picture without its end marker is cut off, but the bytes are
   * what the camera delivered. undefined before that, and for raw pictures.
   */
  get complete(): boolean | undefined {
    const scanner = this.#scanner;
    if (!scanner || scanner.position < this.byteLength) return undefined;
    return scanner.valid && scanner.endOfImage > 0;
  }

  /**
   * The next bytes: how many were written to the buffer, 0 at the end.
   * @throws CameraError; "CameraReset" comes before the last chunk, so that no spoiled picture is ever complete
   */
  read(buffer: ArrayBuffer | Uint8Array): number {
    const count = this.current().read(buffer);
    if (count && this.#scanner) this.#scanner.write(this.viewOf(buffer), count);
    return count;
  }

  /** Back to the first byte; false when the camera cannot, and then the picture must be taken again. */
  rewind(): boolean {
    const done = this.current().rewind();
    if (done) this.#scanner?.reset();
    return done;
  }

  private current(): ArducamMega {
    if (this.#camera.captureNumber !== this.#captureNumber) throw new CameraError("StaleFrame");
    return this.#camera;
  }

  /** One view for as long as the caller reuses its buffer. */
  private viewOf(buffer: ArrayBuffer | Uint8Array): Uint8Array {
    if (buffer instanceof Uint8Array) return buffer;
    if (this.#buffer !== buffer || !this.#view) {
      this.#buffer = buffer;
      this.#view = new Uint8Array(buffer);
    }
    return this.#view;
  }
}
