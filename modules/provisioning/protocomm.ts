import type { JSONShape } from "../json/parse-json";
import { AttemptLimit } from "./attempt-limit";
import type { ProvisioningCrypto } from "./crypto-types";
import { Link } from "./link";
import { isStrongProof } from "./proof-strength";
import { SecurityScheme } from "./session-messages";
import { type ProvisioningStorage, type SRPAccount, srpAccount } from "./srp-account";

/** The camera's endpoints: JSON, fragmented, answered when ready. */
export interface JSONEndpoints {
  has(endpoint: string): boolean;
  /** What a message may have, and is read of it. One that has more is answered with the name of the bound. */
  readonly shape: JSONShape;
  /** Answers a message. A thrown error becomes `{"error": {code, message}}`, `code` from the error if it has one. */
  handle(endpoint: string, message: object): object | Promise<object>;
}

/** Espressif's endpoints beside proto-ver and prov-session: protobuf, one value each way, answered at once. */
export interface BinaryEndpoints {
  has(endpoint: string): boolean;
  /** @throws MalformedMessage for what is no request of this endpoint */
  handle(endpoint: string, request: Uint8Array): ArrayBuffer;
  /** The session ended. */
  reset(): void;
}

export interface ProtocommOptions {
  crypto: ProvisioningCrypto;
  proofOfPossession: string;
  /** Keeps the SRP account and the number of wrong proofs. */
  storage: ProvisioningStorage;
  binary: BinaryEndpoints;
  json: JSONEndpoints;
  /** Milliseconds that only ever grow; may wrap at 32 bits. */
  now(): number;
  /** Longest message of a camera endpoint in bytes, default 6144. */
  maximumMessage?: number;
  /** Milliseconds that a handler may take. */
  requestTimeout?: number;
  /** Milliseconds without a message after which the session is given up, so that another phone gets its turn. */
  idleTimeout?: number;
  /** Told when a session opens and when it ends. */
  observer?: { sessionChanged(): void };
}

/**
 * Espressif's protocomm for one device and any number of links, without I/O: what is written to an endpoint goes in, what is read
 * comes out. One session at a time; who comes second is told so.
 */
export class Protocomm {
  readonly options: ProtocommOptions;
  readonly limit: AttemptLimit;
  #owner: Link | undefined;

  constructor(options: ProtocommOptions) {
    this.options = options;
    this.limit = new AttemptLimit(options.now, options.storage);
  }

  /** A phone has connected. */
  open(): Link {
    return new Link(this);
  }

  /** Whether a session is open. */
  get busy(): boolean {
    return this.#owner !== undefined;
  }

  /** Called from time to time: ends a session that nobody uses. */
  expire(): void {
    const { now, idleTimeout = 10 * 60 * 1000 } = this.options;
    if (this.#owner && ((now() - this.#owner.lastActive) | 0) > idleTimeout) this.#owner.endSession();
  }

  /** What proto-ver answers (network_provisioning manager.c), and for our own app whether it would get a session now. */
  version(): string {
    const cap = ["wifi_prov", "wifi_scan"];
    if (!this.options.proofOfPossession) cap.unshift("no_pop");
    return JSON.stringify({
      prov: { ver: "netprov-v1.2", sec_ver: 2, sec_patch_ver: 1, cap },
      devicelink: { ver: "1", busy: this.busy, retryAfter: Math.ceil(this.limit.remaining / 1000) },
    });
  }

  /** Whether a phone may speak this scheme: security 1 needs a proof that cannot be guessed away from the camera. */
  allows(scheme: SecurityScheme): boolean {
    return scheme === SecurityScheme.two || isStrongProof(this.options.proofOfPossession);
  }

  /** For security 2. */
  account(): SRPAccount {
    const { crypto, storage, proofOfPossession } = this.options;
    return srpAccount(crypto, storage, proofOfPossession);
  }

  /** Whether this link may have the session. */
  isFree(link: Link): boolean {
    return this.#owner === undefined || this.#owner === link;
  }

  claim(link: Link): void {
    this.#owner = link;
    this.options.observer?.sessionChanged();
  }

  release(link: Link): void {
    if (this.#owner !== link) return;
    this.#owner = undefined;
    this.options.binary.reset();
    this.options.observer?.sessionChanged();
  }
}
