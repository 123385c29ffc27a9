/** Names of native/arducam/mega.h, and those of this room. */
export type CameraErrorCode =
  | "BusError"
  | "NoCamera"
  | "UnknownSensor"
  | "IdleTimeout"
  | "CaptureTimeout"
  | "AbsurdLength"
  | "DarkFrame"
  | "BadFrame"
  | "CameraReset"
  | "Unsupported"
  | "NotStarted"
  | "NoFrame"
  | "LowPower"
  | "Busy"
  | "Closed"
  | "IncompleteFrame"
  | "StaleFrame";

const meanings: Record<CameraErrorCode, string> = {
  BusError: "the SPI bus failed",
  NoCamera: "no camera answers: check its supply and wiring",
  UnknownSensor: "the camera has an id outside 0x81 to 0x87",
  IdleTimeout: "the camera stays busy after a setting",
  CaptureTimeout: "the camera never finished the capture",
  AbsurdLength: "the camera reports a length that no picture has",
  DarkFrame: "the camera delivered one value over and over",
  BadFrame: "the picture does not begin like a JPEG",
  CameraReset: "the camera lost its power while a picture was in it",
  Unsupported: "this model has no such setting",
  NotStarted: "the camera was not started",
  NoFrame: "no picture is in the camera",
  LowPower: "no pictures in low power",
  Busy: "the camera is at work",
  Closed: "the camera was closed",
  IncompleteFrame: "the picture is cut: it does not end as a JPEG must",
  StaleFrame: "the camera has taken another picture since",
};

/** Why there is no picture. `code` is stable and goes into telemetry. */
export class CameraError extends Error {
  readonly code: CameraErrorCode;

  constructor(code: CameraErrorCode, detail = "") {
    super(`${meanings[code] ?? code}${detail && ` (${detail})`}`);
    this.code = code;
  }

  override get name(): string {
    return "CameraError";
  }
}
