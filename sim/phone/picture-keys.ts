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

/** What a camera sends along with a picture; part of the signature of its URL. */
export const photoHeaders = { "Content-Type": "image/jpeg" };

/**
 * The same for a URL that is good for one picture of that length, at a place where nothing is, and for nothing else. The camera sends them as they are
 * (`UploadPhoto` has always had headers), and knows what a 412 means.
 */
export function boundHeaders(byteLength: number): Record<string, string> {
  return { ...photoHeaders, "Content-Length": String(byteLength), "If-None-Match": "*" };
}

/** What a camera calls its pictures (main.ts): serial number, milliseconds since 1970, a count. Names sort by time. */
const imageName = /^([A-Za-z0-9_]+)-(\d{13})-\d+$/;

/** Where a camera's pictures lie. */
export const cameraPrefix = (identityId: string, thingName: string) => `users/${identityId}/${thingName}/`;

export const pictureKey = (identityId: string, thingName: string, imageId: string) =>
  `${cameraPrefix(identityId, thingName)}${imageId}.jpg`;

/** What stands before the time in the names of a camera's pictures; undefined when they are named otherwise. */
export function serialOf(imageId: string): string | undefined {
  return imageName.exec(imageId)?.[1];
}

export function timeOf(imageId: string): number | undefined {
  const time = imageName.exec(imageId)?.[2];
  return time === undefined ? undefined : Number(time);
}

interface Listed {
  Key?: string;
  Size?: number;
  ETag?: string;
  LastModified?: Date;
}

/** An entry of ListObjectsV2 as a picture; undefined when it is something else. */
export function pictureFrom({ Key: key = "", Size: bytes = 0, ETag, LastModified }: Listed): Picture | undefined {
  const [users, , thingName, file = "", ...rest] = key.split("/");
  const imageId = /^(.+)\.jpe?g$/i.exec(file)?.[1];
  if (users !== "users" || !imageId || rest.length) return undefined;
  const time = timeOf(imageId) ?? LastModified?.getTime() ?? 0;
  return { key, thingName, imageId, time, bytes, etag: ETag?.replaceAll('"', "") };
}
