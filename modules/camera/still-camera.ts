import { ArducamMega } from "./arducam-mega";
import { CameraError } from "./camera-error";
import { Frame } from "./frame";
import type { CameraSettings } from "./settings";

interface Waiting {
  resolve: (frame?: Frame) => void;
  reject: (error: unknown) => void;
}

/**
 * A camera for one picture after another, with promises: `await camera.start()`, then `await camera.takeStill({...})`. Every
 * wait ends by itself, because the driver's do. The callbacks are methods of the class: they take no memory on the chip.
 */
export class StillCamera extends ArducamMega {
  #waiting?: Waiting;
  #starting = false;

  /** Resets, identifies and settles the camera: about a second. @throws CameraError */
  override async start(): Promise<void> {
    this.#starting = true;
    try {
      await this.wait(() => super.start());
    } finally {
      this.#starting = false;
    }
  }

  /**
   * Takes a picture, which makes every earlier frame stale. After a failure the next call sets the camera up anew.
   * @throws CameraError, RangeError for settings that this camera has not
   */
  takeStill(settings: CameraSettings = {}): Promise<Frame> {
    return this.wait(() => {
      this.configure(settings);
      this.capture();
    }) as Promise<Frame>;
  }

  override stop(): void {
    super.stop();
    this.finish(new CameraError("NotStarted"));
  }

  override close(): void {
    this.finish(new CameraError("Closed"));
    super.close();
  }

  override onReady(): void {
    if (this.#starting) this.finish();
  }

  override onReadable(): void {
    this.finish(undefined, new Frame(this));
  }

  override onError(error: CameraError): void {
    this.finish(error);
  }

  private finish(error?: CameraError, frame?: Frame): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (error) waiting?.reject(error);
    else waiting?.resolve(frame);
  }

  private wait(begin: () => void): Promise<Frame | undefined> {
    if (this.#waiting) return Promise.reject(new CameraError("Busy"));
    return new Promise((resolve, reject) => {
      begin();
      this.#waiting = { resolve, reject };
    });
  }
}
