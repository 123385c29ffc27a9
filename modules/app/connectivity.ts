import Timer from "timer";
import type { WiFiCredentials } from "../network/wifi-types";
import type { Identity, IdentityStore } from "../storage/identity-store";
import type { RecordStore } from "../storage/record-store";
import { describeError } from "./command-error";

/** Where the camera stands on its way to the cloud, in the order in which it gets there. */
export type ConnectionState = "unprovisioned" | "joining" | "settingClock" | "connecting" | "online";

/** The Wi-Fi station (modules/network/wifi-station), as far as it is used here. It retries and reconnects by itself. */
export interface Station {
  readonly state: "disconnected" | "connecting" | "connected";
  keep(credentials: WiFiCredentials): void;
}

/** An MQTT session (modules/cloud/session). It retries and reconnects by itself between connect() and disconnect(). */
export interface Session {
  connect(): void;
  disconnect(): void;
  close(): void;
}

export interface ConnectivityHost<S extends Session> {
  readonly wifi: Station;
  readonly clock: { readonly isSet: boolean; synchronize(): Promise<unknown> };
  readonly identities: IdentityStore;
  readonly records: RecordStore;
  openSession(identity: Identity): S;
  /** Instead of a session, while a new identity is being fetched. */
  openProvisioning(): Session;
  /** No session can be made of the identity in use. */
  identityFailed(error: unknown): void;
  connectionChanged(state: ConnectionState, detail?: object): void;
}

/** How long to wait before the next try to set the clock, in milliseconds: doubled up to the limit. */
const firstPause = 2000;
const longestPause = 60_000;

/**
 * Brings the camera online and keeps it there: Wi-Fi, then the clock (certificates cannot be judged without it), then the
 * session. There is one session for an identity; it outlives losses of Wi-Fi, with what waits in it.
 */
export class Connectivity<S extends Session> {
  /** For telemetry: how often Wi-Fi went, the session came, and a connection ended by itself or did not come about. */
  readonly counters = { wifiLost: 0, connected: 0, connectionFailed: 0 };
  #host: ConnectivityHost<S>;
  #state: ConnectionState = "unprovisioned";
  #session?: S;
  #provisioning?: Session;
  #settingClock = false;
  #pause = firstPause;
  #timer?: Timer;

  constructor(host: ConnectivityHost<S>) {
    this.#host = host;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get session(): S | undefined {
    return this.#session;
  }

  /** After power-on: joins the network that was kept, if there is one. */
  start(): void {
    const credentials = this.#host.records.read<WiFiCredentials>("wifi");
    if (typeof credentials?.SSID === "string") this.#host.wifi.keep(credentials);
    this.advance();
  }

  /** Remembers credentials that have just been proven to work. */
  keepCredentials({ SSID, password }: WiFiCredentials): void {
    this.#host.records.write("wifi", { SSID, password });
    this.advance();
  }

  /** The identity was replaced: the session of the old one ends, the new one's begins. */
  identityChanged(): void {
    this.#session?.close();
    this.#provisioning?.close();
    this.#session = this.#provisioning = undefined;
    this.advance();
  }

  wifiChanged(): void {
    if (this.#host.wifi.state !== "connected") {
      if (this.#state !== "joining" && this.#state !== "unprovisioned") this.counters.wifiLost += 1;
      this.#session?.disconnect();
      this.#provisioning?.disconnect();
    }
    this.advance();
  }

  /** @param detail of a connection that has failed it has the `error` */
  sessionChanged(connected: boolean, detail?: object): void {
    if (connected) this.counters.connected += 1;
    else if (detail && "error" in detail) this.counters.connectionFailed += 1;
    if (this.#session && this.#host.wifi.state === "connected") this.enter(connected ? "online" : "connecting", detail);
  }

  /** Looks what is missing next, and begins with it. */
  advance(): void {
    const { wifi, clock, identities, records } = this.#host;
    if (wifi.state !== "connected") this.enter(records.read("wifi") ? "joining" : "unprovisioned");
    else if (!clock.isSet) this.setClock();
    else if (!identities.inUse) this.enter("unprovisioned");
    else this.connect();
  }

  private connect(): void {
    if (this.#state === "online" && this.#session) return;
    this.enter("connecting");
    this.open();
  }

  /** A job of its own, because the stack is short: a command has used up half of it, and a connection reads its keys from storage. */
  private async open(): Promise<void> {
    await undefined;
    // What has happened since may have made another state of it, or another identity.
    if (this.#state !== "connecting") return;
    try {
      this.connection()?.connect();
    } catch (error) {
      // An identity that no session can be made of, such as an endpoint that is no host name: only another one helps.
      this.enter("connecting", { error: describeError(error) });
      this.#host.identityFailed(error);
    }
  }

  /** The identity has kilobytes, which are free again when this returns: a connection reads it once more. */
  private connection(): { connect(): void } | undefined {
    const { identities } = this.#host;
    const identity = identities.inUse;
    if (!identity) return undefined;
    if (identities.isEnrolling) {
      this.#provisioning ??= this.#host.openProvisioning();
      return this.#provisioning;
    }
    this.#session ??= this.#host.openSession(identity);
    return this.#session;
  }

  private setClock(): void {
    if (this.#settingClock || this.#timer) return;
    this.#settingClock = true;
    this.enter("settingClock");
    this.#host.clock
      .synchronize()
      .then(() => {
        this.#pause = firstPause;
        this.#settingClock = false;
        this.advance();
      })
      .catch((error) => {
        this.#settingClock = false;
        this.enter("settingClock", { error: describeError(error) });
        this.retryLater();
      });
  }

  private retryLater(): void {
    this.#timer = Timer.set(() => {
      this.#timer = undefined;
      this.advance();
    }, this.#pause);
    this.#pause = Math.min(this.#pause * 2, longestPause);
  }

  private enter(state: ConnectionState, detail?: object): void {
    if (state === this.#state && !detail) return;
    this.#state = state;
    this.#host.connectionChanged(state, detail);
  }
}
