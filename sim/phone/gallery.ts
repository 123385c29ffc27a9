import { DeleteObjectCommand, GetObjectCommand, HeadObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { cloudError } from "./aws-errors.ts";
import { PhoneCloudError } from "./cloud-errors.ts";
import { type Picture, pictureFrom } from "./picture-keys.ts";
import { CameraPictures, camerasWithPictures } from "./picture-list.ts";
import { cancellable } from "./waiting.ts";

export type { Picture } from "./picture-keys.ts";

export interface GalleryPage {
  /** Newest first, over all cameras. */
  pictures: Picture[];
  /** For `after` of the next page; absent: that was the last. */
  next?: string;
}

export interface GalleryOptions {
  s3: S3Client;
  bucket: string;
  identityId: string;
  /** Milliseconds since 1970, by the cloud's clock. */
  now(): number;
}

/** Cameras' clocks may be ahead; milliseconds. */
const tolerance = 24 * 60 * 60_000;

/** A person's pictures in the bucket. */
export class Gallery {
  #options: GalleryOptions;

  constructor(options: GalleryOptions) {
    this.#options = options;
  }

  /**
   * @param options.after `next` of the page before
   * @param options.limit default 24
   * @param options.thingName only this camera's
   * @throws PhoneCloudError, AccountError, PhoneError Cancelled
   */
  list({
    after,
    limit = 24,
    thingName,
    signal,
  }: {
    after?: string;
    limit?: number;
    thingName?: string;
    signal?: AbortSignal;
  } = {}): Promise<GalleryPage> {
    return this.#ask(() => this.#list({ after, limit, thingName, signal }), { signal });
  }

  /** A camera's newest picture, if it has any. @throws PhoneCloudError, AccountError, PhoneError Cancelled */
  async last(thingName: string, signal?: AbortSignal): Promise<Picture | undefined> {
    return (await this.list({ thingName, limit: 1, signal })).pictures[0];
  }

  /** Its bytes, of type image/jpeg. @throws PhoneCloudError NoSuchPicture, AccessDenied, NetworkUnavailable, ... */
  get({ key }: Pick<Picture, "key">, { signal }: { signal?: AbortSignal } = {}): Promise<Blob> {
    const { s3, bucket: Bucket } = this.#options;
    return this.#ask(
      async () => {
        const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: key }), { abortSignal: signal });
        const bytes = await Body!.transformToByteArray();
        return new Blob([bytes as Uint8Array<ArrayBuffer>], { type: "image/jpeg" });
      },
      { key, signal },
    );
  }

  /** What the bucket says of one picture. @throws PhoneCloudError NoSuchPicture, AccessDenied, NetworkUnavailable, ... */
  find(key: string, { signal }: { signal?: AbortSignal } = {}): Promise<Picture> {
    const { s3, bucket: Bucket } = this.#options;
    return this.#ask(
      async () => {
        const head = await s3.send(new HeadObjectCommand({ Bucket, Key: key }), { abortSignal: signal });
        const { ContentLength: Size, ETag, LastModified } = head;
        return pictureFrom({ Key: key, Size, ETag, LastModified })!;
      },
      { key, signal },
    );
  }

  /** @throws PhoneCloudError */
  async remove({ key }: Pick<Picture, "key">): Promise<void> {
    const { s3, bucket: Bucket } = this.#options;
    await this.#ask(() => s3.send(new DeleteObjectCommand({ Bucket, Key: key })), {});
  }

  async #list(wanted: {
    after?: string;
    limit: number;
    thingName?: string;
    signal?: AbortSignal;
  }): Promise<GalleryPage> {
    const { after, limit, thingName, signal } = wanted;
    const cursor = parseCursor(after);
    const before = cursor ? cursor.time + 1 : this.#options.now() + tolerance;
    const context = { ...this.#options, signal };
    const names = thingName ? [thingName] : await camerasWithPictures(context);
    const cameras = names.map((name) => new CameraPictures(context, name, before));
    const pictures: Picture[] = [];
    for (;;) {
      const { camera, picture } = await newest(cameras);
      if (!picture) return { pictures };
      if (pictures.length === limit) return { pictures, next: cursorAt(pictures[limit - 1]) };
      camera?.take();
      if (!cursor || isAfter(picture, cursor)) pictures.push(picture);
    }
  }

  async #ask<T>(run: () => Promise<T>, { key, signal }: { key?: string; signal?: AbortSignal }): Promise<T> {
    try {
      return await cancellable(run(), signal);
    } catch (failure) {
      const error = cloudError(failure);
      // Whoever may not list the whole bucket is not told that something is missing; of one's own it can mean nothing else.
      const isOwn = key?.startsWith(`users/${this.#options.identityId}/`);
      const isMissing = isOwn && error instanceof PhoneCloudError && error.code === "AccessDenied";
      throw isMissing ? new PhoneCloudError("NoSuchPicture", `${key} is not in the bucket`, { cause: failure }) : error;
    }
  }
}

async function newest(cameras: CameraPictures[]): Promise<{ camera?: CameraPictures; picture?: Picture }> {
  const heads = await Promise.all(cameras.map(async (camera) => ({ camera, picture: await camera.peek() })));
  return heads.reduce(
    (best, head) => (head.picture && (!best.picture || isAfter(best.picture, head.picture)) ? head : best),
    {} as { camera?: CameraPictures; picture?: Picture },
  );
}

/** Whether `a` comes after `b` in the gallery: it is older; of the same time, the name decides. */
function isAfter(a: Pick<Picture, "time" | "key">, b: Pick<Picture, "time" | "key">): boolean {
  return a.time < b.time || (a.time === b.time && a.key < b.key);
}

function cursorAt({ time, key }: Picture): string {
  return `${time} ${key}`;
}

function parseCursor(text: string | undefined): { time: number; key: string } | undefined {
  if (text === undefined) return undefined;
  const [time, ...key] = text.split(" ");
  return { time: Number(time), key: key.join(" ") };
}
