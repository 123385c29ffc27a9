import type { GATTServer } from "embedded:io/bluetoothle/peripheral";
import type TCP from "embedded:io/socket/tcp";
import type Resolver from "embedded:network/dns/resolver/udp";
import type MQTTClient from "embedded:network/mqtt/client";
import type * as crypto from "../../native/tls/crypto";
import type { Clock } from "../network/clock";
import { amazonRoots } from "../network/roots";
import type { Identity, IdentityStore } from "../storage/identity-store";

/** What main.ts knows and the parts of the room do not: the classes behind the `embedded:` names, and the manifest's `config`. */
export interface Board {
  readonly TCP: typeof TCP;
  readonly Resolver: typeof Resolver;
  readonly MQTTClient: typeof MQTTClient;
  readonly GATTServer: typeof GATTServer;
  readonly crypto: typeof crypto;
  /** How long Improv takes Wi-Fi settings, in milliseconds; 0: the camera has no Improv. */
  readonly improv: number;
  /** How many phones can be connected at once: what the Bluetooth stack is built for (native/sdkconfig). */
  readonly bluetoothLinks: number;
  /** LE Secure Connections below the Bluetooth session. */
  readonly linkEncryption: boolean;
  /** Product, firmware and chip, as Improv's "device info" has them. */
  readonly info: readonly string[];
}

/** What everything that opens a connection needs. */
export interface BoardHost {
  readonly board: Board;
  readonly identities: IdentityStore;
  readonly clock: Clock;
  /** A line on the console. Never a key, a password, or a URL with its query. */
  log(line: string): void;
}

/** The identity's own roots, or Amazon's. */
export function rootsFor(identity: Identity | undefined): readonly string[] {
  return identity?.rootCA ? [identity.rootCA] : amazonRoots;
}
