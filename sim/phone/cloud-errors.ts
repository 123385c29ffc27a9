/** Why a sign-in, or what lives on it, did not work. */
export type AccountErrorCode =
  | "WrongPassword"
  | "UserNotFound"
  | "UserDisabled"
  | "NotConfirmed"
  | "NewPasswordRequired"
  | "NewPasswordRefused"
  | "PasswordResetRequired"
  | "ChallengeNotSupported"
  | "TooManyAttempts"
  | "NetworkUnavailable"
  | "SessionExpired"
  | "AccountNotSetUp";

/** An error of signing in or of the credentials that come with it. */
export class AccountError extends Error {
  readonly code: AccountErrorCode;

  constructor(code: AccountErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AccountError";
    this.code = code;
  }
}

/**
 * Why something with the cloud did not work. The first six are the binding function's own answers; AWS's own names of errors
 * that have none here come as they are in `message`, under `CloudRefused`.
 */
export type PhoneCloudErrorCode =
  | "NotYours"
  | "NoSuchCamera"
  | "BadRequest"
  | "TooManyCameras"
  | "NotProven"
  | "StaleNonce"
  | "AccessDenied"
  | "NoSuchPicture"
  | "NoAnswer"
  | "CameraOffline"
  | "VersionConflict"
  | "NetworkUnavailable"
  | "AccountNotSetUp"
  | "Throttled"
  | "CloudRefused"
  | "UploadFailed"
  | "Closed";

/** An error of the cloud's side: S3, IoT Core, the binding function, or the way there. */
export class PhoneCloudError extends Error {
  readonly code: PhoneCloudErrorCode | (string & {});

  constructor(code: PhoneCloudErrorCode | (string & {}), message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "PhoneCloudError";
    this.code = code;
  }
}

/** Why a flow stopped, other than by an error of phone (PhoneError Cancelled among them), camera or cloud. */
export type FlowErrorCode =
  | "NetworkNeeded"
  | "CameraStaysOffline"
  | "IdentityRejected"
  | "NoCertificate"
  | "AlreadyRunning";

export class FlowError extends Error {
  readonly code: FlowErrorCode;

  constructor(code: FlowErrorCode, message: string) {
    super(message);
    this.name = "FlowError";
    this.code = code;
  }
}

/** The `code` of an error of this library, or its name. */
export function codeOf(error: unknown): string {
  if (error instanceof Error) return (error as Error & { code?: unknown }).code?.toString() ?? error.name;
  return "Unknown";
}

const lostLink = ["Disconnected", "NotConnected", "NoSession", "SessionLost"];

/** The Bluetooth link is gone, or its two sides are out of step: a new one may help. */
export function isLostLink(error: unknown): boolean {
  return lostLink.includes(codeOf(error));
}
