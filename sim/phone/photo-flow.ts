import type { CameraClient } from "./camera-client.ts";
import type { PhotoInfo } from "./camera-owner.ts";
import { Emitter } from "./emitter.ts";
import type { Picture } from "./gallery.ts";
import type { PhoneCloud } from "./phone-cloud.ts";
import type { Step } from "./steps.ts";

export const photoSteps = ["take", "thumbnail", "grant", "upload", "announce"] as const;
export type PhotoStepName = (typeof photoSteps)[number];
export type PhotoStep = Step<PhotoStepName>;

export interface PhotoOptions {
  cloud: PhoneCloud;
  thingName: string;
  /** Used when it is linked and has a session; otherwise MQTT. */
  client?: CameraClient;
  resolution?: string;
  quality?: string;
}

export interface PhotoFlowEvents {
  change: PhotoFlow;
}

/** One picture from the shutter to the bucket. After a failed upload run() sends the same picture again, as long as the camera has it. */
export declare class PhotoFlow extends Emitter<PhotoFlowEvents> {
  constructor(options: PhotoOptions);
  readonly steps: readonly PhotoStep[];
  readonly isRunning: boolean;
  /** Which way the commands went, of the last run. */
  readonly transport: "bluetooth" | "mqtt" | undefined;
  /** From step take on. */
  readonly photo: PhotoInfo | undefined;
  /** A JPEG of 128 x 128, from step thumbnail on; a camera without one leaves it out. */
  readonly thumbnail: Uint8Array | undefined;
  /** Bytes of the upload. */
  readonly progress: { sent: number; total: number } | undefined;
  /** The picture in the bucket, from step upload on. */
  readonly picture: Picture | undefined;
  /** @throws what the failed step threw (CameraError, PhoneError, PhoneCloudError, FlowError Cancelled, AlreadyRunning) */
  run(options?: { signal?: AbortSignal }): Promise<Picture>;
}
