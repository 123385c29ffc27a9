/**
 * What the device does after an answer:
 * - `stored`: the object is in the bucket;
 * - `retry`: the same request again, later, over a new connection;
 * - `newURL`: this URL will not do any more, another one may;
 * - `retake`: the picture is of no use, another one may be;
 * - `stop`: neither time nor another URL of this kind helps, somebody has to change something;
 * - `bug`: the request itself is wrong, which the device or the signer must not produce.
 */
export type Action = "stored" | "retry" | "newURL" | "retake" | "stop" | "bug";

/**
 * - `stored`: the object is in the bucket (with code `PreconditionFailed`: it was there already, and `If-None-Match: *` was asked for);
 * - `needURL`: ask for another URL;
 * - `needRetake`: the URL is good, but the picture is not. It is gone (part of it was sent and this camera cannot read it twice), or it is cut (code
 *   `IncompleteFrame`; the store has not got the whole of it, so it keeps nothing);
 * - `failed`: see `action`: after `retry` the same upload may be tried again later, after `stop` or `bug` somebody has to change something;
 * - `closed`: by the caller.
 */
export type UploadStatus = "stored" | "needURL" | "needRetake" | "failed" | "closed";

export interface UploadResult {
  status: UploadStatus;
  /** Name of the reason: the store's `<Code>`, `HTTP <status>`, or the name of a failure; empty if stored. */
  code: string;
  /** For people; contains nothing of the URL's query. */
  message: string;
  action: Action | "none";
  /** HTTP status of the last answer, 0 without one. */
  httpStatus: number;
  /** As the store gave it, without quotes. */
  etag?: string;
  /** The ETag is the MD5 of what was sent. */
  verified: boolean;
  /** Body bytes sent in the last attempt. */
  bytes: number;
  attempts: number;
  requestId?: string;
  /** The frame can be sent from its first byte (again). */
  frameIntact: boolean;
  /** In some attempt the whole body went out, but no answer came: the object may be there. */
  uncertain: boolean;
  /** The URL without its query, empty if it was not a URL. */
  url: string;
}
