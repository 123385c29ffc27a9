import type { CameraClient } from "./camera-client.ts";
import { Emitter } from "./emitter.ts";
import type { PhoneCloud } from "./phone-cloud.ts";
import type { Step } from "./steps.ts";
import type { WiFiNetwork } from "./wifi-setup.ts";

export const setupSteps = ["connect", "session", "wifi", "claim", "certificate", "register", "online"] as const;
export type SetupStepName = (typeof setupSteps)[number];
export type SetupStep = Step<SetupStepName>;

export interface SetupOptions {
  client: CameraClient;
  cloud: PhoneCloud;
  /** Bluetooth name, such as PROV_0A1B2C. */
  name: string;
  proofOfPossession: string;
  /** What the person calls the camera. Default: its Bluetooth name. */
  label?: string;
  /** Of a page that was reloaded in the middle: what `snapshot` said. */
  resume?: SetupSnapshot;
}

/** Enough to go on after a reload; has the proof of possession in it, but no Wi-Fi password. */
export interface SetupSnapshot {
  name: string;
  proofOfPossession: string;
  label?: string;
  thingName?: string;
  /** RegisterDevice has been taken by the camera: what is left is to wait. */
  registered?: boolean;
}

export interface SetupEvents {
  /** Some step, or what is known of the camera, has changed. */
  change: SetupFlow;
}

/**
 * From a camera in its box to one that is online and this person's. run() does what is left to do: after a failure, a cancellation or a
 * reload it goes on where it stopped.
 */
export declare class SetupFlow extends Emitter<SetupEvents> {
  constructor(options: SetupOptions);
  readonly steps: readonly SetupStep[];
  readonly isRunning: boolean;
  /** Known from step claim on. */
  readonly thingName: string | undefined;
  /** What the camera says of itself (GetDeviceInfo), known from step session on. */
  readonly info: Record<string, unknown> | undefined;
  readonly snapshot: SetupSnapshot;
  /** The networks that the camera hears; connects and opens the session first if need be. */
  scanWiFi(options?: { signal?: AbortSignal }): Promise<WiFiNetwork[]>;
  /** For step wifi. A camera that is on a network already keeps it when none was chosen. */
  chooseNetwork(network: { ssid: string; passphrase?: string }): void;
  /**
   * Does the steps that are left, up to and with `until` (default: all).
   * @throws what the failed step threw, which is also in its `advice`; FlowError Cancelled, NetworkNeeded, AlreadyRunning
   */
  run(options?: { until?: SetupStepName; signal?: AbortSignal }): Promise<void>;
}
