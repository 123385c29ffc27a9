const codes = [
  "BadLabel",
  "BluetoothDenied",
  "BluetoothOff",
  "BluetoothUnsupported",
  "Busy",
  "CameraNotFound",
  "Cancelled",
  "Closed",
  "ConnectTimeout",
  "Disconnected",
  "GattError",
  "GestureNeeded",
  "LockedOut",
  "NoSession",
  "NotACamera",
  "NotConnected",
  "RadioUnavailable",
  "Refused",
  "ScanFailed",
  "SessionLost",
  "Timeout",
  "UnsupportedProtocol",
  "WiFiAuthError",
  "WiFiFailed",
  "WiFiNotFound",
  "WiFiTimeout",
  "WrongProof",
] as const;

/** Why something between phone and camera did not work; README.md and advice.ts tell what to do. */
export type PhoneErrorCode = (typeof codes)[number];

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

  static isCode(code: unknown): code is PhoneErrorCode {
    return codes.some((each) => each === code);
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
