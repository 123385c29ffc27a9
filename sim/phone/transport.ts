import type { ActivityLog } from "./activity.ts";

/**
 * What differs between a browser and Node under the AWS clients. A browser needs none of it; node-transport.ts has what Node needs
 * to reach the local cloud.
 */
export interface Transport {
  /** For the constructors of the SDK's clients. */
  requestHandler?: object;
  /** For MQTT.js (`wsOptions`). */
  webSocketOptions?: object;
}

export interface CloudOptions {
  transport?: Transport;
  /** Told of every message; never of secrets. */
  activity?: ActivityLog;
}
