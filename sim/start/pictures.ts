import { rm } from "node:fs/promises";
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
    await pictures.restart();
    await pictures.next();
    return pictures;
  }

  /** A camera that is switched on counts its pictures from 0: there must be new ones. */
  async restart(): Promise<void> {
    this.#count = 0;
    await rm(this.directory, { recursive: true, force: true });
    await this.#prepare("VGA", "default", 1); // what the camera throws away while it settles
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
