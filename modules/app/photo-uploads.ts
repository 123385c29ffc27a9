import type { RecordStore } from "../storage/record-store";
import { CommandError, describeError } from "./command-error";
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
  /** The ETag is the MD5 of what was sent. */
  verified?: boolean;
}

export interface UploadRequest {
  url: string;
  headers?: Record<string, string>;
  framing?: "length" | "chunked";
}

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
}

export interface UploadHost {
  readonly records: RecordStore;
  readonly events: { add(type: string, fields: Record<string, unknown>): unknown };
  /** Begins the upload; calls `PhotoUploads.ended` once, later. A promise would hold a hundred slots of the machine for all that time. */
  upload(request: UploadRequest, photo: Photo): void;
  /** The URL in a form that may be shown: without its query. Throws when it is not a URL that this camera can use. */
  redact(url: string): string;
  /** Resolves when the cloud has acknowledged the announcement. */
  announce(announcement: PhotoAnnouncement): Promise<void>;
}

/**
 * Sends one picture at a time and tells of it. An announcement is written to storage before it is sent and removed when
 * the cloud has it, so that a restart in between repeats it: a stored picture is announced at least once.
 */
export class PhotoUploads {
  readonly counters = { uploaded: 0, failed: 0, announced: 0 };
  #host: UploadHost;
  #photo?: Photo;
  /** Where it goes, without the query. */
  #url = "";
  #announcing = false;

  constructor(host: UploadHost) {
    this.#host = host;
  }

  /** The image that is on its way, if any. */
  get busy(): string | undefined {
    return this.#photo?.imageId;
  }

  /** Starts the upload and returns at once; the outcome is reported as an UploadResult event. */
  start(request: UploadRequest, photo: Photo): void {
    if (this.busy) throw new CommandError("Busy", `${this.busy} is being uploaded`);
    if (typeof request.url !== "string") throw new CommandError("BadURL", "url is missing");
    this.#url = this.#host.redact(request.url);
    this.#photo = photo;
    try {
      this.#host.upload(request, photo);
    } catch (error) {
      this.fail(photo, describeError(error));
    }
  }

  /** The host's upload is over. */
  ended(result: UploadResult): void {
    const photo = this.#photo;
    if (!photo) return;
    if (result.status === "stored") this.stored(photo, result);
    else this.fail(photo, { code: result.code || result.status, message: result.message ?? "" }, result);
  }

  private stored(photo: Photo, result: UploadResult): void {
    const { imageId, time, resolution, frame } = photo;
    const { bytes, attempts, verified, etag = "" } = result;
    const { width, height } = frame;
    const url = this.#url;
    this.#photo = undefined;
    this.counters.uploaded += 1;
    try {
      this.remember({ imageId, url, bytes, etag, time, width, height, resolution });
    } catch (error) {
      // It lies in the bucket all the same; nobody will be told by MQTT.
      this.#host.events.add("Error", { ...describeError(error) });
    }
    this.#host.events.add("UploadResult", { imageId, status: "stored", bytes, etag, verified, attempts, url });
    this.announcePending();
  }

  private fail(photo: Photo, error: { code: string; message: string }, result?: UploadResult): void {
    const { imageId } = photo;
    this.#photo = undefined;
    this.counters.failed += 1;
    const { status = "failed", attempts = 0, action, frameIntact, uncertain } = result ?? {};
    this.#host.events.add("UploadResult", { imageId, status, ...error, action, frameIntact, uncertain, attempts });
  }

  private remember(announcement: PhotoAnnouncement): void {
    const pending = this.pending();
    pending.push(announcement);
    this.#host.records.write("announcements", { pending });
  }

  private pending(): PhotoAnnouncement[] {
    const pending = this.#host.records.read<{ pending: PhotoAnnouncement[] }>("announcements")?.pending;
    return Array.isArray(pending) ? pending : [];
  }

  /** Tells the cloud of every stored picture that it has not acknowledged yet. Called again whenever the session comes back. */
  async announcePending(): Promise<void> {
    if (this.#announcing) return;
    this.#announcing = true;
    // What has just ended, an upload or a connection, can be collected before the next begins.
    await undefined;
    try {
      for (let next = this.pending()[0]; next; next = this.pending()[0]) {
        await this.#host.announce(next);
        this.counters.announced += 1;
        this.#host.records.write("announcements", { pending: this.pending().slice(1) });
        this.#host.events.add("PhotoAnnounced", { imageId: next.imageId });
      }
    } catch {
      // Not connected, or the session ended before the acknowledgement: the record stays and the next session sends it.
    } finally {
      this.#announcing = false;
    }
  }
}
