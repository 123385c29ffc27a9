import type { ArducamMega } from "./arducam-mega";
import { CameraError } from "./camera-error";

/**
 * A picture that lies in the camera's memory, to be pulled out piece by piece. It is gone with the next capture: reading it
 * then is a CameraError "StaleFrame".
 */
export class Frame {
  /** Bytes that `read` will give in all: what the camera reports, padding after the end marker included. */
  readonly byteLength: number;
  /** Pixels */
  readonly width: number;
  readonly height: number;
  /**
   * The last bytes of a picture that is cut are not given out: `read` throws "IncompleteFrame" instead. Whoever sends the
   * picture on has not sent all of it then, and can take another one.
   */
  mustBeComplete = false;
  #camera: ArducamMega;
  #captureNumber: number;

  /** Of the frame that is in the camera now. */
  constructor(camera: ArducamMega) {
    this.#camera = camera;
    this.#captureNumber = camera.captureNumber;
    this.byteLength = camera.byteLength;
    this.width = camera.width;
    this.height = camera.height;
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
   * After the last byte, while the frame is in the camera: did the picture end as a JPEG must? A picture without its end marker
   * is cut off, but the bytes are what the camera delivered. undefined before that, and for raw pictures.
   */
  get complete(): boolean | undefined {
    return this.#camera.captureNumber === this.#captureNumber ? this.#camera.complete : undefined;
  }

  /**
   * The next bytes: how many were written to the buffer, 0 at the end.
   * @throws CameraError; "CameraReset" comes before the last chunk, so that no spoiled picture is ever complete
   */
  read(buffer: ArrayBuffer | Uint8Array): number {
    const count = this.current().read(buffer);
    if (this.mustBeComplete && this.complete === false) throw new CameraError("IncompleteFrame");
    return count;
  }

  /** Back to the first byte; false when the camera cannot, and then the picture must be taken again. */
  rewind(): boolean {
    return this.current().rewind();
  }

  private current(): ArducamMega {
    if (this.#camera.captureNumber !== this.#captureNumber) throw new CameraError("StaleFrame");
    return this.#camera;
  }
}
