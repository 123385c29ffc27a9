import { ownMember } from "../own-member.ts";
import { AccountError, PhoneCloudError } from "./cloud-errors.ts";
import { CameraError, PhoneError } from "./errors.ts";

/** What the SDK throws, as far as it is looked at. */
export interface SdkError extends Error {
  $metadata?: { httpStatusCode?: number };
  $response?: unknown;
}

/** No answer came at all: `fetch` failed, or a socket did. */
export function isNetworkError(error: unknown): boolean {
  const { name, $metadata, $response } = error as SdkError;
  if ($response || $metadata?.httpStatusCode) return false;
  return name === "TypeError" || name === "TimeoutError" || name === "NetworkingError" || hasSystemCode(error);
}

/** ECONNREFUSED and its like, of Node. */
function hasSystemCode(error: unknown): boolean {
  const { code, cause } = error as { code?: unknown; cause?: { code?: unknown } };
  return [code, cause?.code].some((each) => typeof each === "string" && /^(E[A-Z]+|UND_ERR_\w+)$/.test(each));
}

/** Names under which services say that temporary credentials are dead, or not known (any more). */
const expired = new Set([
  "ExpiredToken",
  "ExpiredTokenException",
  "TokenRefreshRequired",
  "InvalidToken",
  "InvalidAccessKeyId",
  "InvalidClientTokenId",
  "UnrecognizedClientException",
]);

export function isExpiredCredentials(error: unknown): boolean {
  return expired.has((error as Error).name);
}

const meanings: Record<string, string> = {
  AccessDenied: "AccessDenied",
  AccessDeniedException: "AccessDenied",
  ForbiddenException: "AccessDenied",
  UnauthorizedException: "AccessDenied",
  NoSuchKey: "NoSuchPicture",
  NotFound: "NoSuchPicture",
  ThrottlingException: "Throttled",
  TooManyRequestsException: "Throttled",
  SlowDown: "Throttled",
  LimitExceededException: "Throttled",
  ResourceNotFoundException: "AccountNotSetUp",
  NoSuchBucket: "AccountNotSetUp",
  NotConfiguredException: "AccountNotSetUp",
};

/** An error of the SDK under this library's name; one that has a name here already stays. */
export function cloudError(error: unknown): Error {
  const isOurs = [AccountError, PhoneCloudError, PhoneError, CameraError].some((type) => error instanceof type);
  if (isOurs) return error as Error;
  const { name, message, $metadata } = error as SdkError;
  if (isNetworkError(error)) return new PhoneCloudError("NetworkUnavailable", message, { cause: error });
  // An answer to HEAD has no body that would tell its name.
  const meaning = ownMember(meanings, name) ?? ($metadata?.httpStatusCode === 403 ? "AccessDenied" : "CloudRefused");
  return new PhoneCloudError(meaning, `${name}: ${message}`, { cause: error });
}
