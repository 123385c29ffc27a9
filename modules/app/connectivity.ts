import Timer from "timer";
import type { Identity, IdentityStore } from "../storage/identity-store";
import type { RecordStore } from "../storage/record-store";
import { describeError } from "./command-error";

/** Where the camera stands on its way to the cloud, in the order in which it gets there. */
export type ConnectionState = "unprovisioned" | "joining" | "settingClock" | "connecting" | "online";

/** The Wi-Fi station (modules/network/wifi-station), as far as it is used here. */
export interface Station {
  readonly connected: boolean;
  connect(credentials: WiFiCredentials): Promise<void>;
}

export interface WiFiCredentials {
  SSID: string;
  password?: string;
}

/** A running MQTT session (modules/cloud/session). */
export interface Session {
  readonly connected: boolean;
  close(): void;
}

interface Options {
  wifi: Station;
  clock: { readonly isSet: boolean; synchronize(): Promise<void> };
  identities: IdentityStore;
  records: RecordStore;
  openSession: (identity: Identity) => Session;
  onStateChanged: (state: ConnectionState, detail?: object) => void;
}

/** How long to wait before the next try to join Wi-Fi or to set the clock, in milliseconds: doubled up to the limit. */
const firstPause = 2000;
const longestPause = 60_000;

/**
 * Brings the camera online and keeps it there: Wi-Fi, then the clock (certificates cannot be judged without it), then
 * the session. Whatever is missing is tried again for ever, with growing pauses; the session does its own backoff.
 */
export class Connectivity {
  #options: Options;
  #state: ConnectionState = "unprovisioned";
  #session?: Session;
  #running = false;
  /** Something changed while a step was under way: look again when it ends. */
  #changed = false;
  #pause = firstPause;
  #timer?: Timer;

  constructor(options: Options) {
    this.#options = options;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get session(): Session | undefined {
    return this.#session;
  }

  get isProvisioned(): boolean {
    return this.#options.identities.current !== undefined && this.#credentials !== undefined;
  }

  get #credentials(): WiFiCredentials | undefined {
    const credentials = this.#options.records.read<WiFiCredentials>("wifi");
    return typeof credentials?.SSID === "string" ? credentials : undefined;
  }

  /** Remembers credentials that have just been proven to work, and goes on from there. */
  keepCredentials(credentials: WiFiCredentials): void {
    this.#options.records.write("wifi", credentials);
    this.advance();
  }

  /** The identity was replaced: the session of the old one ends, the new one's begins. */
  identityChanged(): void {
    this.#closeSession();
    this.advance();
  }

  wifiLost(): void {
    this.#closeSession();
    this.advance();
  }

  sessionChanged(connected: boolean, detail?: object): void {
    if (this.#session) this.#enter(connected ? "online" : "connecting", detail);
  }

  /** Does the next step towards the session, if none is under way. */
  advance(): void {
    this.#changed = true;
    if (this.#running) return;
    this.#changed = false;
    this.#running = true;
    Timer.clear(this.#timer);
    this.#timer = undefined;
    this.#advance()
      .then(() => {
        this.#pause = firstPause;
      })
      .catch((error) => this.#retryLater(error))
      .finally(() => {
        this.#running = false;
        if (this.#changed && !this.#timer) this.advance();
      });
  }

  async #advance(): Promise<void> {
    const { wifi, clock, identities } = this.#options;
    const credentials = this.#credentials;
    if (!wifi.connected) {
      if (!credentials) return this.#enter("unprovisioned");
      this.#enter("joining", { SSID: credentials.SSID });
      await wifi.connect(credentials);
    }
    if (!clock.isSet) {
      this.#enter("settingClock");
      await clock.synchronize();
    }
    const identity = identities.current;
    if (!identity) return this.#enter("unprovisioned");
    if (this.#session) return;
    this.#enter("connecting", { endpoint: identity.endpoint });
    this.#session = this.#options.openSession(identity);
  }

  #retryLater(error: unknown): void {
    this.#enter(this.#state, { error: describeError(error) });
    this.#timer = Timer.set(() => {
      this.#timer = undefined;
      this.advance();
    }, this.#pause);
    this.#pause = Math.min(this.#pause * 2, longestPause);
  }

  #closeSession(): void {
    this.#session?.close();
    this.#session = undefined;
  }

  #enter(state: ConnectionState, detail?: object): void {
    if (state === this.#state && !detail) return;
    this.#state = state;
    this.#options.onStateChanged(state, detail);
  }
}
