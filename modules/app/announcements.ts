import type { RecordStore } from "../storage/record-store";

/** What is said of a stored picture on `device/<thing>/photos`. */
export interface PhotoAnnouncement {
  imageId: string;
  /** The object's URL without its query: the query is a credential. */
  url: string;
  bytes: number;
  etag: string;
  time: number;
  width: number;
  height: number;
  resolution: string;
  /** Of a scheduled picture: when it was due. */
  due?: number;
  /** false: the camera has delivered a picture that is cut, twice. */
  complete?: false;
}

/** They lie in storage until the cloud has them. */
const key = "announcements";
/** All of them are in memory when one is written. More than these come together only while phones bring URLs and the session is away. */
const limit = 6;
/** Characters of all their URLs, but for the newest: one may have 1,280. */
const textLimit = 2048;

const isAnnouncement = (value: Partial<PhotoAnnouncement> | null) =>
  typeof value?.imageId === "string" && typeof value.url === "string";

/** Those that the cloud has not acknowledged, oldest first. */
export function pendingAnnouncements(records: RecordStore): PhotoAnnouncement[] {
  const pending = records.read<{ pending: PhotoAnnouncement[] }>(key)?.pending;
  return Array.isArray(pending) ? pending.filter(isAnnouncement) : [];
}

/** @returns the oldest ones, where they had to make room: nobody will be told of them. Throws what the storage throws. */
export function keepAnnouncement(records: RecordStore, announcement: PhotoAnnouncement): PhotoAnnouncement[] {
  const pending = pendingAnnouncements(records);
  let length = announcement.url.length;
  let kept = 0;
  // The newest that fit.
  for (let at = pending.length - 1; at >= 0 && kept < limit - 1; at -= 1) {
    length += pending[at].url.length;
    if (length > textLimit) break;
    kept += 1;
  }
  const lost = pending.splice(0, pending.length - kept);
  pending.push(announcement);
  records.write(key, { pending });
  return lost;
}

/** The cloud has this one. It is the oldest, unless it has made room meanwhile. */
export function endAnnouncement(records: RecordStore, { imageId }: PhotoAnnouncement): void {
  const pending = pendingAnnouncements(records);
  if (pending[0]?.imageId === imageId) records.write(key, { pending: pending.slice(1) });
}
