import type { TimerModule } from "../network/owned-timer";
import type { AttemptLimits } from "./attempt";
import type { BackoffOptions } from "./backoff";
import type { Connect } from "./connection";
import type { DigestConstructor } from "./etag";
import type { HeaderList } from "./header-list";
import type { BodySource } from "./put-request";
import type { Framing } from "./request-headers";
import type { UploadResult } from "./upload-result";

/** A picture in the camera's memory, see modules/camera/frame. */
export interface FrameSource extends BodySource {
  /** Bytes read so far. */
  readonly position: number;
  /** Goes back to the first byte; false if this camera cannot. */
  rewind(): boolean;
}

/** The functions are called as its methods. */
export interface UploadOptions {
  /** Presigned PUT URL, https. */
  url: string;
  /** Headers that the URL was signed with, exactly. */
  headers?: HeaderList;
  framing?: Framing;
  frame: FrameSource;
  /** The whole of this very picture went to this very URL (but for its query) before: with `If-None-Match: *` a 412 then means that it is there. */
  mayBeThere?: boolean;
  connect: Connect;
  /** Tells a dead URL before a connection is wasted on it; without a set clock the store tells. */
  clock?: { readonly isSet: boolean; now(): number };
  /** Uniform in [0, 1), for the jitter. */
  random?: () => number;
  /** MD5 of what is sent, to be compared with the ETag. Without it a stored object counts as unverified. */
  Digest?: DigestConstructor;
  /**
   * Ask before sending the body (one round trip). Default: yes, since a refused request then leaves the frame untouched, which matters
   * where the camera cannot read it twice.
   */
  expectContinue?: boolean;
  /** Body bytes handed to the socket, of how many. Starts again from the beginning with a retry. */
  onProgress?: (sent: number, total: number) => void;
  /** The Date of an answer, as the store wrote it. */
  onDate?: (date: string) => void;
  /** The end. The same as `Upload.result`, for those who want no promise. */
  onResult?: (result: UploadResult) => void;
  /** For logs and telemetry: an attempt has failed and the next one follows after `delay` ms. */
  onRetry?: (attempt: number, code: string, delay: number) => void;
  limits?: Partial<AttemptLimits>;
  backoff?: BackoffOptions;
  /** Size of the one buffer through which the picture goes, in bytes. */
  bufferLength?: number;
  timers?: TimerModule;
}
