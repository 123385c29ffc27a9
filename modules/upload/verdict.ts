import type { ErrorElements } from "./error-document";
import type { Action } from "./upload-result";

export type { Action } from "./upload-result";

export interface Verdict {
  action: Action;
  /** The store's `<Code>`, or `HTTP <status>` where there is none. */
  code: string;
  /** Most retries for this code, where it is less than the policy's. */
  retries?: number;
}

interface Row {
  code: string;
  /** The status that S3 sends with it: for the reader, the verdict goes by the code. */
  status: number;
  action: Action;
  /** Only if the message contains this. */
  message?: string;
  /** Only if this element is there. */
  element?: keyof ErrorElements;
  retries?: number;
}

/**
 * Error codes of Amazon S3 (S3 API Reference, "Error responses", "List of error codes") and of the stores that deviate from it.
 * The first row that fits decides.
 */
export const rows: readonly Row[] = [
  { code: "AccessDenied", status: 403, element: "HeadersNotSigned", action: "bug" },
  { code: "AccessDenied", status: 403, message: "not signed", action: "bug" },
  { code: "AccessDenied", status: 403, message: "Request has expired", action: "newURL" },
  { code: "AccessDenied", status: 403, message: "not valid yet", action: "newURL" },
  { code: "AccessDenied", status: 403, message: "not yet valid", action: "newURL" }, // OBS
  { code: "AccessDenied", status: 403, action: "stop" },
  { code: "ExpiredRequest", status: 403, action: "newURL" }, // R2
  { code: "SignatureDoesNotMatch", status: 403, action: "bug" },
  { code: "RequestTimeTooSkewed", status: 403, action: "newURL" },
  { code: "InvalidAccessKeyId", status: 403, action: "newURL" },
  { code: "ExpiredToken", status: 400, action: "newURL" },
  { code: "InvalidToken", status: 400, action: "newURL" },
  { code: "TokenRefreshRequired", status: 400, action: "newURL" },
  { code: "AuthorizationQueryParametersError", status: 400, action: "newURL" },
  { code: "AuthorizationHeaderMalformed", status: 400, action: "bug" },
  { code: "BadDigest", status: 400, action: "retry", retries: 1 },
  { code: "InvalidDigest", status: 400, action: "bug" },
  { code: "IncompleteBody", status: 400, action: "retry" },
  { code: "RequestTimeout", status: 400, action: "retry" },
  { code: "EntityTooLarge", status: 400, action: "stop" },
  { code: "EntityTooSmall", status: 400, action: "stop" },
  { code: "InvalidRequest", status: 400, action: "stop" },
  { code: "KeyTooLongError", status: 400, action: "stop" },
  { code: "MissingContentLength", status: 411, action: "bug" },
  { code: "NotImplemented", status: 501, action: "bug" },
  { code: "NoSuchBucket", status: 404, action: "stop" },
  { code: "NoSuchKey", status: 404, action: "stop" },
  { code: "NoSuchUpload", status: 404, action: "stop" },
  { code: "MethodNotAllowed", status: 405, action: "bug" },
  { code: "OperationAborted", status: 409, action: "retry" },
  { code: "ConditionalRequestConflict", status: 409, action: "retry" },
  { code: "PermanentRedirect", status: 301, action: "newURL" },
  { code: "TemporaryRedirect", status: 307, action: "newURL" },
  { code: "InternalError", status: 500, action: "retry" },
  { code: "SlowDown", status: 503, action: "retry" },
  { code: "ServiceUnavailable", status: 503, action: "retry" },
];

/** For codes that are not in the table, and for answers without one: by status, first range that fits. */
export const statusRows: readonly { from: number; to: number; action: Action }[] = [
  { from: 200, to: 299, action: "stored" },
  { from: 300, to: 399, action: "newURL" },
  { from: 401, to: 401, action: "newURL" },
  { from: 403, to: 403, action: "newURL" },
  { from: 405, to: 405, action: "bug" },
  { from: 408, to: 409, action: "retry" },
  { from: 411, to: 411, action: "bug" },
  { from: 421, to: 421, action: "retry" },
  { from: 425, to: 425, action: "retry" },
  { from: 429, to: 429, action: "retry" },
  { from: 400, to: 499, action: "stop" },
  { from: 501, to: 501, action: "bug" },
  { from: 505, to: 505, action: "bug" },
  { from: 507, to: 507, action: "stop" },
  { from: 500, to: 599, action: "retry" },
];

/**
 * Failures without an answer that no repetition mends: the server is not who it should be, or TLS cannot be agreed on.
 * Every other failure of a connection is worth a retry.
 */
export const fatalConnectionErrors: readonly string[] = [
  "UnknownCA",
  "BadChain",
  "NameMismatch",
  "Expired",
  "NotYetValid",
  "WeakKey",
  "BadCertificate",
  "NoTime",
  "ProtocolVersion",
  "NoApplicationProtocol",
  "BadRoots",
  "BadClientCertificate",
  "BadKey",
  "BadOptions",
];

/**
 * Judges an answer.
 *
 * @param elements what the error document said
 * @param createOnly the request carried `If-None-Match: *`: then 412 means that the object is there already
 */
export function judgeAnswer(status: number, elements: ErrorElements, createOnly = false): Verdict {
  const code = elements.Code || `HTTP ${status}`;
  // A success is a success whatever its body contains; a code in it belongs to something else.
  if (status >= 200 && status <= 299) return { action: "stored", code: "" };
  if (status === 412) return { action: createOnly ? "stored" : "stop", code };
  if (status === 417) return { action: "retry", code, retries: 1 };
  for (const row of rows) {
    if (row.code !== elements.Code) continue;
    if (row.element && elements[row.element] === undefined) continue;
    if (row.message && !elements.Message?.includes(row.message)) continue;
    return { action: row.action, code, retries: row.retries };
  }
  for (const row of statusRows) {
    if (status >= row.from && status <= row.to) return { action: row.action, code };
  }
  return { action: "retry", code };
}

/** Judges a failure without an answer, by the code of its error. */
export function judgeFailure(code: string): Verdict {
  if (fatalConnectionErrors.includes(code)) return { action: "stop", code };
  if (code === "IncompleteFrame") return { action: "retake", code };
  // The frame is read again once. If it falls short again, the fault is not in the reading.
  if (code === "FrameEndedEarly" || code === "FrameError") return { action: "retry", code, retries: 1 };
  return { action: "retry", code };
}
