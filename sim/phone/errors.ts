/** Why something between phone and camera did not work. */
export type PhoneErrorCode =
  | "RadioUnavailable"
  | "CameraNotFound"
  | "ConnectTimeout"
  | "Disconnected"
  | "NotConnected"
  | "NotACamera"
  | "GattError"
  | "Timeout"
  | "UnsupportedProtocol"
  | "WrongProof"
  | "LockedOut"
  | "Busy"
  | "NoSession"
  | "SessionLost"
  | "Refused"
  | "ScanFailed"
  | "WiFiAuthError"
  | "WiFiNotFound"
  | "WiFiFailed"
  | "WiFiTimeout"
  | "Closed";

/** An error of the phone's side, of the radio or of the protocol. */
export class PhoneError extends Error {
  readonly code: PhoneErrorCode;
  /** Milliseconds to wait before trying again, where that is known (LockedOut). */
  retryAfter?: number;

  constructor(code: PhoneErrorCode, message: string) {
    super(message);
    this.name = "PhoneError";
    this.code = code;
  }
}

/** The camera answered a request with `{"error": {code, message}}`. */
export class CameraError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = "CameraError";
    this.code = code;
  }
}
