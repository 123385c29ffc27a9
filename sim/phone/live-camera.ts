import { Emitter } from "./emitter.ts";

export type JsonObject = Record<string, unknown>;

/** The classic shadow as this phone knows it. */
export interface ShadowState {
  desired: JsonObject;
  reported: JsonObject;
  /** What is desired and not yet reported. */
  delta: JsonObject;
  /** 0: there is none yet. */
  version: number;
}

/** What the camera says of a stored picture on `device/<thing>/photos`. */
export interface PhotoAnnouncement {
  imageId: string;
  /** Address of the object, without a signature. */
  url: string;
  bytes: number;
  etag: string;
  /** When it was taken, milliseconds since 1970. */
  time: number;
  width: number;
  height: number;
  resolution: string;
}

export interface LiveState {
  /** undefined: not known yet. */
  online: boolean | undefined;
  /** The last report. */
  telemetry: JsonObject | undefined;
  shadow: ShadowState | undefined;
  /** When the camera was heard last, milliseconds since 1970 of this machine's clock. */
  lastSeen: number | undefined;
}

export interface LiveCameraEvents {
  change: LiveState;
  photo: PhotoAnnouncement;
  /** Any answer, also those to other phones. */
  answer: JsonObject;
}

export declare class LiveCamera extends Emitter<LiveCameraEvents> {
  readonly thingName: string;
  readonly state: LiveState;
  /** Subscribes, and asks for the shadow; PhoneCloud.live() does it. @throws PhoneCloudError */
  open(): Promise<void>;
  /**
   * Sends a command and waits for its answer.
   * @param timeout milliseconds, default 20 s
   * @throws CameraError the camera's own; PhoneCloudError CameraOffline (no answer), NetworkUnavailable
   */
  command(
    message: JsonObject & { type: string },
    options?: { timeout?: number; signal?: AbortSignal },
  ): Promise<JsonObject>;
  /** Wishes for the settings; null takes one back. Resolves when the cloud has it. @throws PhoneCloudError VersionConflict, NoAnswer */
  updateSettings(desired: JsonObject): Promise<ShadowState>;
  /** Ends the subscriptions. */
  close(): Promise<void>;
}
