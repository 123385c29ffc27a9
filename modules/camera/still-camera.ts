import { ArducamMega } from "./arducam-mega";
import { CameraError } from "./camera-error";
import { Frame } from "./frame";
import type { CameraSettings } from "./settings";

interface Waiting {
  resolve: () => void;
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
  async takeStill(settings: CameraSettings = {}): Promise<Frame> {
    if (this.#waiting) throw new CameraError("Busy");
    this.configure(settings);
    await this.wait(() => this.capture());
    return new Frame(this);
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
    this.finish();
  }

  override onError(error: CameraError): void {
    this.finish(error);
  }

  private finish(error?: CameraError): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (error) waiting?.reject(error);
    else waiting?.resolve();
  }

  private wait(begin: () => void): Promise<void> {
    if (this.#waiting) return Promise.reject(new CameraError("Busy"));
    return new Promise<void>((resolve, reject) => {
      begin();
      this.#waiting = { resolve, reject };
    });
  }
}
