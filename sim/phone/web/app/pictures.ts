import type { Gallery, Picture } from "../../gallery.ts";
import { isCut } from "../../jpeg-end.ts";

const limit = 150;

/** Pictures of the bucket as addresses for `<img>`, each fetched once as long as it is kept. */
export class PictureStore {
  #gallery: Gallery;
  #addresses = new Map<string, Promise<string>>();
  #cut = new Set<string>();

  constructor(gallery: Gallery) {
    this.#gallery = gallery;
  }

  /** @throws PhoneCloudError NoSuchPicture, AccessDenied, NetworkUnavailable */
  address(picture: Pick<Picture, "key">): Promise<string> {
    const { key } = picture;
    const known = this.#addresses.get(key);
    if (known) {
      // The one that was wanted last goes last.
      this.#addresses.delete(key);
      this.#addresses.set(key, known);
      return known;
    }
    const address = this.#fetch(picture);
    this.#addresses.set(key, address);
    address.catch(() => this.#addresses.delete(key));
    for (const old of this.#addresses.keys()) {
      if (this.#addresses.size <= limit) break;
      this.forget(old);
    }
    return address;
  }

  /** Of a picture whose address is there: the camera has not delivered all of it. */
  isCut({ key }: Pick<Picture, "key">): boolean {
    return this.#cut.has(key);
  }

  async #fetch(picture: Pick<Picture, "key">): Promise<string> {
    const blob = await this.#gallery.get(picture);
    if (isCut(new Uint8Array(await blob.arrayBuffer()))) this.#cut.add(picture.key);
    return URL.createObjectURL(blob);
  }

  forget(key: string): void {
    this.#addresses.get(key)?.then(URL.revokeObjectURL, () => {});
    this.#addresses.delete(key);
    this.#cut.delete(key);
  }

  clear(): void {
    for (const key of [...this.#addresses.keys()]) this.forget(key);
  }
}
