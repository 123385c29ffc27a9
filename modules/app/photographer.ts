import { CommandError } from "./command-error";

/** A frame in the camera's memory (modules/camera/frame). */
export interface Frame {
  readonly byteLength: number;
  readonly width: number;
  readonly height: number;
  /** Bytes read so far. */
  readonly position: number;
  /** After the last byte: is it whole? undefined where nobody can tell. */
  readonly complete?: boolean;
  /** Reading the last bytes of one that is cut throws IncompleteFrame. */
  mustBeComplete?: boolean;
  read(buffer: Uint8Array): number;
  rewind(): boolean;
}

export type Quality = "high" | "default" | "low";

/** A camera that takes one still at a time and keeps it in its own memory until the next one. */
export interface StillCamera {
  readonly resolutions: readonly string[];
  takeStill(settings: { resolution: string; quality: Quality }): Promise<Frame>;
}

export interface Photo {
  imageId: string;
  frame: Frame;
  resolution: string;
  quality: Quality;
  /** Milliseconds since 1970, or 0 when the clock was not set. */
  time: number;
  thumbnail?: Uint8Array;
  /** Of a scheduled picture whose upload has not ended: when it was due, milliseconds since 1970. */
  due?: number;
  /** The URL (without its query) to which the whole picture went, and where it may be. */
  sentTo?: string;
}

/** Who uses the camera's memory for the picture before. */
export interface MemoryUser {
  /** Throws when it cannot be given up. */
  checkFree(isForPerson: boolean): void;
  /** The same, and gives it up. */
  makeWay(isForPerson: boolean): void;
}

export interface PhotographerHost {
  readonly camera: StillCamera;
  nextImageId(): string;
  /** Milliseconds since 1970, or 0 while the clock is not set. */
  now(): number;
  /** Sets the camera to its owner's wishes. @returns size and quality of pictures that are asked for without */
  prepareCamera?(): { resolution: string; quality: string };
}

/** A 128x128 JPEG of low quality is 2 to 4 KB; a larger one is not kept, because it would be held in RAM. */
const thumbnailLimit = 4096;
const thumbnailSettings = { resolution: "128x128", quality: "low" } as const;
const qualities: readonly string[] = ["high", "default", "low"];

/**
 * Takes pictures one at a time. The camera's memory holds a single frame, so the thumbnail is exposed first and read at
 * once, and the picture proper stays in the camera for the upload.
 */
export class Photographer {
  #host: PhotographerHost;
  #memory?: MemoryUser;
  #busy = false;
  #photo?: Photo;

  constructor(host: PhotographerHost, memory?: MemoryUser) {
    this.#host = host;
    this.#memory = memory;
  }

  /** The picture that is in the camera's memory now. */
  get photo(): Photo | undefined {
    return this.#photo;
  }

  /**
   * @param isForPerson somebody asked for it now, which counts for more than a picture that waits
   * @throws CommandError Busy, BadResolution, BadQuality; CameraError from the camera
   */
  async take(options: { resolution?: string; quality?: string }, isForPerson = true): Promise<Photo> {
    const { camera } = this.#host;
    this.#memory?.checkFree(isForPerson);
    if (this.#busy) throw new CommandError("Busy", "a picture is being taken");
    this.#busy = true;
    try {
      // Goes on with an empty stack: the camera needs as much of it as whoever has asked.
      await undefined;
      const wished = this.#host.prepareCamera?.();
      const resolution = options.resolution ?? wished?.resolution ?? "VGA";
      const quality = options.quality ?? wished?.quality ?? "default";
      if (!camera.resolutions.includes(resolution))
        throw new CommandError("BadResolution", `this camera takes ${camera.resolutions.join(", ")}`);
      if (!qualities.includes(quality)) throw new CommandError("BadQuality", `quality is ${qualities.join(", ")}`);
      this.#memory?.makeWay(isForPerson);
      this.#photo = undefined;
      const hasThumbnail = camera.resolutions.includes(thumbnailSettings.resolution);
      const thumbnail = hasThumbnail ? await this.takeThumbnail() : undefined;
      const frame = await camera.takeStill({ resolution, quality: quality as Quality });
      const imageId = this.#host.nextImageId();
      this.#photo = { imageId, frame, resolution, quality: quality as Quality, time: this.#host.now(), thumbnail };
      return this.#photo;
    } finally {
      this.#busy = false;
    }
  }

  /** One that is cut is taken again, once. */
  private async takeThumbnail(): Promise<Uint8Array | undefined> {
    const { camera } = this.#host;
    const frame = await camera.takeStill(thumbnailSettings);
    const thumbnail = readThumbnail(frame);
    return frame.complete === false ? readThumbnail(await camera.takeStill(thumbnailSettings)) : thumbnail;
  }

  /**
   * Another picture in the place of one that turned out to be cut, under its name and with its thumbnail.
   * @throws CommandError Busy; CameraError, and then there is no picture any more
   */
  async retake(photo: Photo): Promise<void> {
    if (this.#busy) throw new CommandError("Busy", "a picture is being taken");
    this.#busy = true;
    this.#photo = undefined;
    try {
      const { resolution, quality } = photo;
      photo.frame = await this.#host.camera.takeStill({ resolution, quality });
      photo.time = this.#host.now();
      this.#photo = photo;
    } finally {
      this.#busy = false;
    }
  }
}

function readThumbnail(frame: Frame): Uint8Array | undefined {
  if (frame.byteLength > thumbnailLimit) return undefined;
  const thumbnail = new Uint8Array(frame.byteLength);
  let filled = 0;
  while (filled < thumbnail.length) {
    const count = frame.read(thumbnail.subarray(filled));
    if (!count) return undefined;
    filled += count;
  }
  return thumbnail;
}
