import { ArducamMega, type ArducamMegaOptions, type Identification } from "./arducam-mega";
import { CameraError } from "./camera-error";
import { Frame } from "./frame";
import type { CameraSettings } from "./settings";

type Options = Omit<ArducamMegaOptions, "onReady" | "onReadable" | "onError">;

interface Waiting {
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * A camera for one picture after another, with promises: `await camera.start()`, then `await camera.takeStill({...})`. Every
 * wait ends by itself, because the driver's do.
 */
export class StillCamera {
  #camera: ArducamMega;
  #waiting?: Waiting;
  #starting = false;

  /** @throws Error when the SPI bus cannot be had */
  constructor(options: Options = {}) {
    this.#camera = new ArducamMega({
      ...options,
      onReady: () => this.#starting && this.#finish(),
      onReadable: () => this.#finish(),
      onError: (error) => this.#finish(error),
    });
  }

  get identification(): Identification {
    return this.#camera.identification;
  }

  get resolutions(): string[] {
    return this.#camera.resolutions;
  }

  /** Can a picture be read twice? undefined while it is not known. */
  get rewindable(): boolean | undefined {
    return this.#camera.rewindable;
  }

  /** Bytes and chip-select periods on the SPI bus so far. */
  get statistics(): { bytes: number; transactions: number } {
    return this.#camera.statistics;
  }

  /** Resets, identifies and settles the camera: about a second. @throws CameraError */
  async start(): Promise<void> {
    this.#starting = true;
    try {
      await this.#wait(() => this.#camera.start());
    } finally {
      this.#starting = false;
    }
  }

  /** Takes effect with the next picture. @throws RangeError when this camera cannot */
  configure(settings: CameraSettings): void {
    this.#camera.configure(settings);
  }

  /**
   * Takes a picture, which makes every earlier frame stale. After a failure the next call sets the camera up anew.
   * @throws CameraError, RangeError for settings that this camera has not
   */
  async takeStill(settings: CameraSettings = {}): Promise<Frame> {
    if (this.#waiting) throw new CameraError("Busy");
    this.#camera.configure(settings);
    await this.#wait(() => this.#camera.capture());
    return new Frame(this.#camera);
  }

  close(): void {
    this.#camera.close();
    this.#finish(new CameraError("Closed"));
  }

  #finish(error?: CameraError): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (error) waiting?.reject(error);
    else waiting?.resolve();
  }

  #wait(begin: () => void): Promise<void> {
    if (this.#waiting) return Promise.reject(new CameraError("Busy"));
    return new Promise<void>((resolve, reject) => {
      begin();
      this.#waiting = { resolve, reject };
    });
  }
}
