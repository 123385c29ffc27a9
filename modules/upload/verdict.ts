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

/** One of the codes that every store has: nothing of the request can be in it. */
export function isKnownCode(code: string): boolean {
  return code === "PreconditionFailed" || code === "ETagMismatch" || rows.some((row) => row.code === code);
}

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
 * Failures without an answer that no repetition mends: the server is not who it should be, TLS cannot be agreed on, or this side has nothing
 * to agree with. Every other failure of a connection is worth a retry.
 */
const fatalConnectionErrors: readonly string[] = [
  "UnknownCA",
  "BadChain",
  "NameMismatch",
  "Expired",
  "NotYetValid",
  "WeakKey",
  "BadCertificate",
  "NoTime",
  "BadTime",
  "ProtocolVersion",
  "NoApplicationProtocol",
  "HandshakeFailure", // no common cipher suite or group, or not TLS at all
  "BadRoots",
  "BadClientCertificate",
  "BadKey",
  "BadOptions",
];

/**
 * Alerts that would come again (RFC 8446 section 6, RFC 5246 section 7.2): the server does not want this client's hello, or its
 * certificate. Not among them: bad_record_mac (20), record_overflow (22), decrypt_error (51), internal_error (80), user_canceled (90).
 */
const fatalAlerts: readonly number[] = [
  40, // handshake_failure: no common cipher suite or group
  41, // no_certificate
  42, // bad_certificate
  43, // unsupported_certificate
  44, // certificate_revoked
  45, // certificate_expired
  46, // certificate_unknown
  47, // illegal_parameter
  48, // unknown_ca
  49, // access_denied
  50, // decode_error
  70, // protocol_version
  71, // insufficient_security
  86, // inappropriate_fallback
  109, // missing_extension
  110, // unsupported_extension
  112, // unrecognized_name
  116, // certificate_required
  120, // no_application_protocol
];

/** What the device knows of its own request. */
export interface Circumstances {
  /** It carried `If-None-Match: *`. */
  createOnly?: boolean;
  /** The whole of this very picture went to this very place before, and nobody said that it was not taken. */
  mayBeThere?: boolean;
  /** The URL's own end has come, by the store's clock or by this one's. */
  isExpired?: boolean;
  /** A checksum of the body came with the grant, from somebody who has not seen the picture. */
  hasChecksum?: boolean;
}

/**
 * Judges an answer.
 *
 * @param elements what the error document said; where it said nothing (empty, JSON, HTML) the status decides
 */
export function judgeAnswer(status: number, elements: ErrorElements, circumstances: Circumstances = {}): Verdict {
  const code = elements.Code || `HTTP ${status}`;
  // A success is a success whatever its body contains; a code in it belongs to something else.
  if (status >= 200 && status <= 299) return { action: "stored", code: "" };
  if (status === 412 && circumstances.createOnly) {
    // With an answer before the body (Expect) a picture of somebody else's would have been told of at the first attempt.
    return { action: circumstances.mayBeThere ? "stored" : "stop", code: "PreconditionFailed" };
  }
  if (status === 412) return { action: "stop", code };
  if (status === 417) return { action: "retry", code, retries: 1 };
  // Whatever its words: Ceph says nothing of time.
  if (elements.Code === "AccessDenied" && circumstances.isExpired) return { action: "newURL", code };
  if (elements.Code === "BadDigest" && circumstances.hasChecksum) return { action: "bug", code };
  return judgeCode(elements, code) ?? judgeStatus(status, code);
}

function judgeCode(elements: ErrorElements, code: string): Verdict | undefined {
  for (const row of rows) {
    if (row.code !== elements.Code) continue;
    if (row.element && elements[row.element] === undefined) continue;
    if (row.message && !elements.Message?.includes(row.message)) continue;
    return { action: row.action, code, retries: row.retries };
  }
  return undefined;
}

function judgeStatus(status: number, code: string): Verdict {
  for (const row of statusRows) {
    if (status >= row.from && status <= row.to) return { action: row.action, code };
  }
  return { action: "retry", code };
}

/**
 * Judges a failure without an answer.
 *
 * @param code of its error
 * @param alert that the server sent, with PeerAlert
 */
export function judgeFailure(code: string, alert?: number): Verdict {
  if (fatalConnectionErrors.includes(code)) return { action: "stop", code };
  if (code === "IncompleteFrame") return { action: "retake", code };
  if (code === "PeerAlert" && fatalAlerts.includes(alert as number)) return { action: "stop", code };
  // The frame is read again once. If it falls short again, the fault is not in the reading.
  if (code === "FrameEndedEarly" || code === "FrameError") return { action: "retry", code, retries: 1 };
  return { action: "retry", code };
}
