import type { UploadGrant } from "../cloud/upload-grants";
import type { RecordStore } from "../storage/record-store";
import type { PhotoAnnouncement } from "./announcements";
import type { Photo } from "./photographer";

/** What the uploader (modules/upload) says in the end; see there for the meaning of each status. */
export interface UploadResult {
  status: string;
  code?: string;
  message?: string;
  etag?: string;
  bytes: number;
  attempts: number;
  /** What helps: retry, newURL, stop, bug. */
  action?: string;
  /** The picture can still be sent, from its first byte. */
  frameIntact?: boolean;
  /** The whole picture went out once, but no answer came: the object may be there. */
  uncertain?: boolean;
  /** Of a redirect: the host that the store wants to be asked. */
  endpoint?: string;
  /** The ETag is the MD5 of what was sent. */
  verified?: boolean;
}

/** Where a picture goes. Somebody in the room may hand it over as well as the cloud. */
export type UploadRequest = UploadGrant;

/** How far the upload of one picture is, as GetUpload answers. */
export interface UploadProgress {
  /** null: nothing was taken since the start. */
  imageId: string | null;
  /**
   * `idle`: nobody asked for its upload; `waiting`: for a URL, or for the session that brings it; `uploading`: connecting, sending, or pausing
   * before another attempt. Afterwards the status of its UploadResult: stored, needURL, needRetake, failed, closed.
   */
  state: string;
  /** Why it was not stored. */
  code?: string;
  /** false: it is stored, but it is cut. */
  complete?: false;
  /** Bytes of the picture that were handed to the connection; begins again at 0 with each attempt. */
  sent: number;
  /** Bytes of the picture. */
  total: number;
}

export interface UploadHost {
  readonly records: RecordStore;
  readonly events: { add(type: string, fields: Record<string, unknown>): unknown };
  /** Begins the upload; calls `PhotoUploads.ended` once, later. A promise would hold a hundred slots of the machine for all that time. */
  upload(request: UploadRequest, photo: Photo): void;
  /** Takes another picture in the place of this one, which is cut. Rejects when the camera does. */
  retake(photo: Photo): Promise<void>;
  /** The URL in a form that may be shown: without its query. Throws when it is not a URL that this camera can use. */
  redact(url: string): string;
  /** Resolves when the cloud has acknowledged the announcement. */
  announce(announcement: PhotoAnnouncement): Promise<void>;
  /** There is a session with the cloud, connected or on its way: a URL can be asked for. */
  readonly hasSession: boolean;
  /** Sends a request for a URL; resolves when the broker has it. */
  publishGrantRequest(payload: string): Promise<void>;
  /** Different from all that were made before, also before the last power-on. */
  nextRequestId(): string;
  /** Milliseconds since 1970, or 0 while the clock is not confirmed: nothing is called expired by one that may be wrong. */
  confirmedNow(): number;
  /** Something is out of date by this clock that cannot be. */
  timeContradicted(code: string): void;
  /** The end of a scheduled picture. @param code why it is not stored, if it is not */
  scheduledEnded(due: number, code: string | undefined): void;
}
