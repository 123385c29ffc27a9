import { Emitter } from "../../emitter.ts";
import { PhotoFlow, type PhotoOptions } from "../../photo-flow.ts";

/** A picture on its way from the shutter to the bucket, whether or not its screen is looked at. */
export class PhotoRun extends Emitter<{ change: PhotoRun }> {
  readonly flow: PhotoFlow;
  /** Why the last attempt failed. */
  error: unknown;
  #running?: AbortController;

  constructor(options: PhotoOptions) {
    super();
    this.flow = new PhotoFlow(options);
    this.flow.on("change", () => this.emit("change", this));
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Begins, or goes on after a failure: with the same picture as long as the camera has it. */
  start(): void {
    if (this.#running) return;
    this.#running = new AbortController();
    this.error = undefined;
    this.flow
      .run({ signal: this.#running.signal })
      .catch((error) => {
        this.error = error;
      })
      .finally(() => {
        this.#running = undefined;
        this.emit("change", this);
      });
  }

  stop(): void {
    this.#running?.abort();
  }
}
