import { clampKeepAlive } from "./limits";

/** The times and sizes of a session. Times in milliseconds unless said otherwise. */
export interface Settings {
  /** Seconds between two signs of life; 30 to 1200 are kept, others become the nearest of them. 0, the default: it adapts (keep-alive.ts). */
  keepAlive: number;
  /** Of several endpoints one has to take a TCP connection in this time, look-up included. Default 10 s. */
  raceTimeout: number;
  /** From the start to a TLS connection. Default 30 s. */
  connectTimeout: number;
  /** From CONNECT to CONNACK. Default 10 s. */
  connackTimeout: number;
  /** From PINGREQ to PINGRESP. Default 20 s, or half of a keep-alive time that is given, if that is less. */
  pingTimeout: number;
  /** After this time without PUBACK or SUBACK the packet is sent again. Default 10 s. */
  acknowledgeTimeout: number;
  /** How long a message may wait until the application takes it. Default 120 s. */
  holdTimeout: number;
  /** A connection that held this long was a good one, and the next attempt after it starts with the shortest delay. Default 30 s. */
  stableTime: number;
  /** The largest payload that is taken, bytes; larger ones are acknowledged, dropped and reported. Default 4096. */
  maximumMessage: number;
  /** Outbound messages that wait or are in flight: how many, and of how many bytes together. Default 16 and 8192. */
  queueCount: number;
  queueBytes: number;
  /** QoS 1 messages that are sent before the first of them is acknowledged. Default 4. */
  maximumInFlight: number;
}

const longestPingTimeout = 20_000;

const defaults: Readonly<Settings> = Object.freeze({
  keepAlive: 0,
  raceTimeout: 10_000,
  connectTimeout: 30_000,
  connackTimeout: 10_000,
  pingTimeout: longestPingTimeout,
  acknowledgeTimeout: 10_000,
  holdTimeout: 120_000,
  stableTime: 30_000,
  maximumMessage: 4096,
  queueCount: 16,
  queueBytes: 8192,
  maximumInFlight: 4,
});

/** The defaults themselves when nothing deviates from them: they are in flash. */
export function completeSettings(given: Partial<Settings>): Readonly<Settings> {
  let settings = defaults;
  for (const name of Object.keys(defaults) as (keyof Settings)[]) {
    const value = given[name];
    if (value !== undefined && value !== defaults[name]) settings = { ...settings, [name]: value };
  }
  if (settings === defaults) return defaults;
  const half = settings.keepAlive ? clampKeepAlive(settings.keepAlive) * 500 : longestPingTimeout;
  return { ...settings, pingTimeout: given.pingTimeout ?? Math.min(longestPingTimeout, half) };
}
