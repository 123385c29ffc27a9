import { preparePhotos, type Quality } from "../camera/photos.ts";
import { fromHere } from "./line.ts";

interface Options {
  photos?: string;
  resolution: string;
  quality: Quality;
  directory: string;
  sensor: number;
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
    await pictures.#prepare("VGA", "default", 1); // what the camera throws away while it settles
    await pictures.next();
    return pictures;
  }

  async next(): Promise<void> {
    const { resolution, quality } = this.#options;
    this.#count += 1;
    await this.#prepare(resolution, quality, this.#count);
    await this.#prepare("128x128", "low", this.#count);
  }

  #prepare(resolution: string, quality: Quality, count: number): Promise<void> {
    const { photos, directory, sensor } = this.#options;
    const source = photos && fromHere(photos);
    return preparePhotos({ source, directory, sensor, resolutions: [resolution], qualities: [quality], count });
  }
}
