import { renderDocument, type XMLElements } from "./xml.ts";

/** Status and standard text of the error codes that this store knows (S3 API Reference, "Error responses"). */
export const errorCodes = {
  AccessDenied: [403, "Access Denied"],
  AccessForbidden: [403, "CORSResponse: This CORS request is not allowed."],
  AuthorizationHeaderMalformed: [400, "The authorization header that you provided is not valid."],
  AuthorizationQueryParametersError: [400, "The authorization query parameters that you provided are not valid."],
  BadRequest: [400, "Bad Request"],
  BadDigest: [400, "The Content-MD5 you specified did not match what we received."],
  ConditionalRequestConflict: [
    409,
    "A conflicting conditional operation is currently in progress against this resource. Please try again.",
  ],
  EntityTooLarge: [400, "Your proposed upload exceeds the maximum allowed size"],
  EntityTooSmall: [400, "Your proposed upload is smaller than the minimum allowed size"],
  ExpiredToken: [400, "The provided token has expired."],
  IncompleteBody: [400, "You did not provide the number of bytes specified by the Content-Length HTTP header"],
  InternalError: [500, "We encountered an internal error. Please try again."],
  InvalidAccessKeyId: [403, "The AWS Access Key Id you provided does not exist in our records."],
  InvalidArgument: [400, "Invalid Argument"],
  InvalidDigest: [400, "The Content-MD5 you specified was invalid."],
  InvalidRange: [416, "The requested range is not satisfiable"],
  InvalidRequest: [400, "Invalid Request"],
  InvalidToken: [400, "The provided token is malformed or otherwise invalid."],
  InvalidURI: [400, "Couldn't parse the specified URI."],
  KeyTooLongError: [400, "Your key is too long"],
  MethodNotAllowed: [405, "The specified method is not allowed against this resource."],
  MissingContentLength: [411, "You must provide the Content-Length HTTP header."],
  NoSuchBucket: [404, "The specified bucket does not exist"],
  NoSuchKey: [404, "The specified key does not exist."],
  NoSuchUpload: [404, "The specified upload does not exist."],
  NotImplemented: [501, "A header you provided implies functionality that is not implemented"],
  OperationAborted: [
    409,
    "A conflicting conditional operation is currently in progress against this resource. Please try again.",
  ],
  PermanentRedirect: [
    301,
    "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.",
  ],
  PreconditionFailed: [412, "At least one of the pre-conditions you specified did not hold"],
  RequestTimeTooSkewed: [403, "The difference between the request time and the current time is too large."],
  RequestTimeout: [
    400,
    "Your socket connection to the server was not read from or written to within the timeout period. Idle connections will be closed.",
  ],
  ServiceUnavailable: [503, "Service is unable to handle request."],
  SignatureDoesNotMatch: [
    403,
    "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
  ],
  SlowDown: [503, "Please reduce your request rate."],
  TemporaryRedirect: [
    307,
    "Please re-send this request to the specified temporary endpoint. Continue to use the original request endpoint for future requests.",
  ],
  TokenRefreshRequired: [400, "The provided token must be refreshed."],
  XAmzContentSHA256Mismatch: [400, "The provided 'x-amz-content-sha256' header does not match what was computed."],
} as const satisfies Record<string, readonly [status: number, message: string]>;

export type ErrorCode = keyof typeof errorCodes;

export interface ErrorDetails {
  /** In place of the standard text. */
  message?: string;
  /** Elements between Message and RequestId, in order. */
  elements?: XMLElements;
  headers?: Record<string, string>;
}

/** An answer that is an error document. */
export class S3Error extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly elements: XMLElements;
  readonly headers: Record<string, string>;

  constructor(code: ErrorCode, details: ErrorDetails = {}) {
    const [status, message] = errorCodes[code];
    super(details.message ?? message);
    this.name = "S3Error";
    this.code = code;
    this.status = status;
    this.elements = details.elements ?? {};
    this.headers = details.headers ?? {};
  }

  /** The document, as S3 writes it. */
  toXML(resource: string, requestId: string, hostId: string): string {
    const { code, message } = this;
    const where = code === "NotImplemented" ? {} : { Resource: resource };
    return renderDocument("Error", {
      Code: code,
      Message: message,
      ...this.elements,
      ...where,
      RequestId: requestId,
      HostId: hostId,
    });
  }
}
