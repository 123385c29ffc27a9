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

const isAnnouncement = (value: Partial<PhotoAnnouncement> | null) => typeof value?.imageId === "string";

/** Those that the cloud has not acknowledged, oldest first. */
export function pendingAnnouncements(records: RecordStore): PhotoAnnouncement[] {
  const pending = records.read<{ pending: PhotoAnnouncement[] }>(key)?.pending;
  return Array.isArray(pending) ? pending.filter(isAnnouncement) : [];
}

/** @returns the oldest one, where it had to make room: nobody will be told of it. Throws what the storage throws. */
export function keepAnnouncement(records: RecordStore, announcement: PhotoAnnouncement): PhotoAnnouncement | undefined {
  const pending = pendingAnnouncements(records);
  const lost = pending.length >= limit ? pending.shift() : undefined;
  pending.push(announcement);
  records.write(key, { pending });
  return lost;
}

/** The cloud has this one. It is the oldest, unless it has made room meanwhile. */
export function endAnnouncement(records: RecordStore, { imageId }: PhotoAnnouncement): void {
  const pending = pendingAnnouncements(records);
  if (pending[0]?.imageId === imageId) records.write(key, { pending: pending.slice(1) });
}
