/** A picture in the bucket. */
export interface Picture {
  /** `users/<identityId>/<thing>/<imageId>.jpg` */
  key: string;
  thingName: string;
  imageId: string;
  /** When it was taken, milliseconds since 1970; when it was stored, for names that say nothing else. */
  time: number;
  bytes: number;
  /** Without quotation marks. */
  etag?: string;
}

export interface GalleryPage {
  /** Newest first, over all cameras. */
  pictures: Picture[];
  /** For `after` of the next page; absent: that was the last. */
  next?: string;
}

export declare class Gallery {
  /** @param after `next` of the page before @param limit default 24 @throws PhoneCloudError */
  list(options?: { after?: string; limit?: number; signal?: AbortSignal }): Promise<GalleryPage>;
  /** Type image/jpeg. @throws PhoneCloudError NoSuchPicture, AccessDenied, NetworkUnavailable */
  get(picture: Pick<Picture, "key">, options?: { signal?: AbortSignal }): Promise<Blob>;
  /** @throws PhoneCloudError */
  remove(picture: Pick<Picture, "key">): Promise<void>;
}
