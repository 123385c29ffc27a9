import type { CloudSettings } from "../../cloud-settings.ts";
import type { CameraLabel } from "../../label.ts";

/**
 * What a person would read off the simulated camera and the router beside it. The simulator's settings may have it as `simulator`; with a
 * real camera there is no such thing.
 */
export interface SimulatorHints {
  label?: CameraLabel;
  wifi?: { ssid: string; passphrase: string };
}

export function simulatorHints(settings: CloudSettings): SimulatorHints {
  return (settings as CloudSettings & { simulator?: SimulatorHints }).simulator ?? {};
}
