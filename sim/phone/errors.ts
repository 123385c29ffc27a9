/** Why something between phone and camera did not work, and what a person can do about it. */
const advice = {
  BadLabel: "Scan the QR code of the camera's label, or type in the name and the proof of possession by hand.",
  BluetoothDenied: "Allow Bluetooth for this page in the browser's site settings.",
  BluetoothOff: "Switch Bluetooth on.",
  BluetoothUnsupported:
    "This browser has no Web Bluetooth. Use Chrome or Edge on Android or a desktop, and an https or localhost address.",
  Busy: "Another phone is talking to the camera. Close the app there, or wait a moment.",
  CameraNotFound: "Come nearer, and see that the camera is switched on.",
  Cancelled: "Start again when you are ready.",
  Closed: "Open the page again.",
  ConnectTimeout: "Come nearer, and try again.",
  Disconnected: "Come nearer; the connection can be taken up again.",
  GattError: "Switch the camera off and on, and try again.",
  GestureNeeded: "Press the button: the browser shows its list of devices only then.",
  LockedOut: "There were too many wrong proofs. Wait, then read the label again.",
  NoSession: "Connect to the camera again.",
  NotACamera: "Choose another device; its name begins with PROV_.",
  NotConnected: "Connect to the camera first.",
  RadioUnavailable: "The simulator's radio is not running. Start it with `npm start`.",
  Refused: "Connect to the camera again.",
  ScanFailed: "Try again, or type in the name of the network.",
  SessionLost: "Connect to the camera again.",
  Timeout: "Try again; if that does not help, connect to the camera again.",
  UnsupportedProtocol: "This camera's firmware does not fit this app. Update one of the two.",
  WiFiAuthError: "Type in the Wi-Fi password again.",
  WiFiFailed: "See that the Wi-Fi works with another device, and try again.",
  WiFiNotFound: "Take the camera nearer to the Wi-Fi router, or choose another network (2.4 GHz).",
  WiFiTimeout: "Take the camera nearer to the Wi-Fi router, and try again.",
  WrongProof: "Read the proof of possession on the camera's label again.",
} as const;

export type PhoneErrorCode = keyof typeof advice;

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

  /** What the person can do now, as a sentence. */
  get advice(): string {
    return advice[this.code];
  }

  static isCode(code: unknown): code is PhoneErrorCode {
    return typeof code === "string" && Object.hasOwn(advice, code);
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
