import { preparePhotos } from "../camera/photos.ts";
import { fromHere } from "./line.ts";
import type { Timeline } from "./timeline.ts";

interface Options {
  photos?: string;
  resolution: string;
  quality: "high" | "default" | "low";
  directory: string;
  timeline: Timeline;
}

/** What the camera will see: the next picture is prepared before it is asked for. */
export class Pictures {
  readonly directory: string;
  #options: Options;
  #count = 0;

  private constructor(options: Options) {
    this.#options = options;
    this.directory = options.directory;
  }

  static async prepare(options: Options): Promise<Pictures> {
    const pictures = new Pictures(options);
    await pictures.next();
    return pictures;
  }

  async next(): Promise<void> {
    const { photos, resolution, quality, directory } = this.#options;
    this.#count += 1;
    const count = this.#count;
    const source = photos && fromHere(photos);
    await preparePhotos({ source, directory, resolutions: [resolution], qualities: [quality], count });
    await preparePhotos({ source, directory, resolutions: ["128x128"], qualities: ["low"], count });
  }
}
