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
}

/** They lie in storage until the cloud has them. */
const key = "announcements";

/** Those that the cloud has not acknowledged, oldest first. */
export function pendingAnnouncements(records: RecordStore): PhotoAnnouncement[] {
  const pending = records.read<{ pending: PhotoAnnouncement[] }>(key)?.pending;
  return Array.isArray(pending) ? pending : [];
}

/** Throws what the storage throws. */
export function keepAnnouncement(records: RecordStore, announcement: PhotoAnnouncement): void {
  records.write(key, { pending: [...pendingAnnouncements(records), announcement] });
}

/** The cloud has the oldest one. */
export function endAnnouncement(records: RecordStore): void {
  records.write(key, { pending: pendingAnnouncements(records).slice(1) });
}
