import type { IncomingHttpHeaders } from "node:http";
import { S3Error } from "./errors.ts";

/** Seven days (S3 User Guide, "Download and upload objects with presigned URLs"). */
const MAXIMUM_EXPIRES = 604800;

/** What a request says about its signature, in the query (presigned) or in the Authorization header. */
export interface Claim {
  presigned: boolean;
  accessKeyId: string;
  date: string;
  scope: string[];
  signedHeaders: string[];
  signature: string;
  token?: string;
  /** Seconds, of presigned URLs. */
  expires?: number;
}

/** @throws S3Error if there is no usable claim */
export function readClaim(request: { query: URLSearchParams; headers: IncomingHttpHeaders }): Claim {
  const authorization = request.headers.authorization;
  if (request.query.has("X-Amz-Algorithm") || request.query.has("X-Amz-Signature")) return readQuery(request.query);
  if (request.query.has("AWSAccessKeyId") || authorization?.startsWith("AWS ")) {
    throw new S3Error("InvalidRequest", {
      message: "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
    });
  }
  if (!authorization) throw new S3Error("AccessDenied");
  return readAuthorization(authorization, request.headers);
}

function readQuery(query: URLSearchParams): Claim {
  const take = (name: string): string => {
    const value = query.get(`X-Amz-${name}`);
    if (value) return value;
    throw queryError(
      "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
    );
  };
  if (take("Algorithm") !== "AWS4-HMAC-SHA256") {
    throw queryError('X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"');
  }
  const [accessKeyId, ...scope] = take("Credential").split("/");
  const expires = take("Expires");
  if (!/^-?[0-9]+$/.test(expires)) throw queryError("X-Amz-Expires should be a number");
  if (Number(expires) < 0) throw queryError("X-Amz-Expires must be non-negative");
  if (Number(expires) > MAXIMUM_EXPIRES) {
    throw queryError(
      "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds",
    );
  }
  return {
    presigned: true,
    accessKeyId,
    date: take("Date"),
    scope,
    signedHeaders: take("SignedHeaders").split(";"),
    signature: take("Signature"),
    token: query.get("X-Amz-Security-Token") ?? undefined,
    expires: Number(expires),
  };
}

function readAuthorization(authorization: string, headers: IncomingHttpHeaders): Claim {
  const match = /^AWS4-HMAC-SHA256 +Credential=([^, ]+)[, ]+SignedHeaders=([^, ]+)[, ]+Signature=([^, ]+)$/.exec(
    authorization,
  );
  if (!match) throw new S3Error("AuthorizationHeaderMalformed");
  const [accessKeyId, ...scope] = match[1].split("/");
  return {
    presigned: false,
    accessKeyId,
    date: String(headers["x-amz-date"] ?? ""),
    scope,
    signedHeaders: match[2].split(";"),
    signature: match[3],
    token: headers["x-amz-security-token"] as string | undefined,
  };
}

function queryError(message: string, region?: string): S3Error {
  return new S3Error("AuthorizationQueryParametersError", { message, elements: { Region: region } });
}

/** The error for a credential that does not fit. */
export function malformed(claim: Claim, what: string, region?: string): S3Error {
  if (claim.presigned) return queryError(`Error parsing the X-Amz-Credential parameter; ${what}`, region);
  const message = `The authorization header is malformed; ${what}`;
  return new S3Error("AuthorizationHeaderMalformed", { message, elements: { Region: region } });
}

/** When the request was signed. */
export function parseDate(claim: Claim): Date {
  const match = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/.exec(claim.date);
  if (match) {
    const [year, month, day, hour, minute, second] = match.slice(1).map(Number);
    return new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  }
  if (claim.presigned) throw queryError("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
  throw new S3Error("AccessDenied", { message: "AWS authentication requires a valid Date or x-amz-date header" });
}
