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
 * - `stored`: the object is in the bucket (with code `PreconditionFailed`: an attempt before this one had stored it, and its answer was lost);
 * - `needURL`: ask for another URL;
 * - `needRetake`: the URL is good, but the picture is not. It is gone (part of it was sent and this camera cannot read it twice), or it is cut (code
 *   `IncompleteFrame`; the store has not got the whole of it, so it keeps nothing);
 * - `failed`: see `action`: after `retry` the same upload may be tried again later, after `stop` or `bug` somebody has to change something;
 * - `closed`: by the caller.
 */
export type UploadStatus = "stored" | "needURL" | "needRetake" | "failed" | "closed";

export interface UploadResult {
  status: UploadStatus;
  /** Name of the reason: the store's `<Code>` (at most 64 letters), `HTTP <status>`, or the name of a failure; empty if stored. */
  code: string;
  /** For people, at most 200 characters; contains nothing of the URL's query, nor of the headers. */
  message: string;
  action: Action | "none";
  /** HTTP status of the last answer, 0 without one. */
  httpStatus: number;
  /** As the store gave it, without quotes; at most 64 characters. */
  etag?: string;
  /** The ETag is the MD5 of what was sent. */
  verified: boolean;
  /** Body bytes sent in the last attempt. */
  bytes: number;
  attempts: number;
  /** At most 96 characters. */
  requestId?: string;
  /** Of a redirect: the host that the store wants to be asked, at most 128 characters. */
  endpoint?: string;
  /** The frame can be sent from its first byte (again). */
  frameIntact: boolean;
  /** In some attempt the whole body went out, but no refusal came: the object may be there. */
  uncertain: boolean;
  /** The URL without its query, empty if it was not a URL. */
  url: string;
}
