import { Emitter } from "./emitter.ts";
import { PhoneError, type PhoneErrorCode } from "./errors.ts";
import { type FoundCamera, type GattCentral, type GattLink, namePrefix } from "./gatt.ts";
import type { Decoded } from "./protobuf.ts";
import { Session } from "./session.ts";
import { type CameraVersion, readVersion } from "./version.ts";
import { cancellable, pause } from "./waiting.ts";
import {
  configureWiFi,
  resetWiFi,
  scanWiFi,
  type WiFiNetwork,
  type WiFiStatus,
  waitForWiFi,
  wifiStatus,
} from "./wifi-setup.ts";

export type CameraEndpoint = "camera-cert" | "camera-command" | "camera-upload" | "camera-event";

export interface CameraClientOptions {
  /** Milliseconds to look for a camera; default 10 s. */
  scanTimeout?: number;
  /** Milliseconds for a connection, discovery included; default 10 s. */
  connectTimeout?: number;
  /** Milliseconds for an answer of the camera; default 60 s. */
  requestTimeout?: number;
}

/** For everything that may take long. */
export interface Waiting {
  /** Milliseconds, instead of the client's own. */
  timeout?: number;
  /** Ends the wait with PhoneError Cancelled. What the camera was asked to do, it does all the same. */
  signal?: AbortSignal;
}

/** A request to the camera, after its answer; without contents, which may be secret. */
export interface Exchange {
  endpoint: string;
  /** "TakePhoto", ... */
  messageType: string;
  milliseconds: number;
  /** Code of the error, when there was one. */
  failure?: string;
}

export interface CameraClientEvents {
  /** camera-event has something to fetch; counts notifications, modulo 256. */
  notify: number;
  exchange: Exchange;
  /** The link is gone, whoever ended it. */
  disconnect: undefined;
}

const eventEndpoint = "camera-event";
const wifiTimeout = 30_000;
/** Trying again does not help against these. */
const hopeless: readonly unknown[] = [
  "WrongProof",
  "LockedOut",
  "RadioUnavailable",
  "UnsupportedProtocol",
  "BluetoothOff",
  "BluetoothDenied",
  "BluetoothUnsupported",
  "GestureNeeded",
  "Cancelled",
] satisfies PhoneErrorCode[];

/**
 * A phone app's view of a camera. Every wait ends; errors are PhoneError (phone, radio, protocol) or CameraError (the camera's
 * own answer).
 */
export class CameraClient extends Emitter<CameraClientEvents> {
  #central: GattCentral;
  #options: Required<CameraClientOptions>;
  #link: GattLink | undefined;
  #session: Session | undefined;
  #establishing: Promise<unknown> = Promise.resolve();
  #name: string | undefined;
  #proofOfPossession: string | undefined;
  #subscribed = false;

  constructor(central: GattCentral, options: CameraClientOptions = {}) {
    super();
    this.#central = central;
    this.#options = { scanTimeout: 10_000, connectTimeout: 10_000, requestTimeout: 60_000, ...options };
  }

  get connected(): boolean {
    return this.#link !== undefined;
  }

  get hasSession(): boolean {
    return this.#session?.open === true;
  }

  /** How the session's messages are protected, in words; empty without a session. */
  get securityScheme(): string {
    return this.#session?.scheme ?? "";
  }

  /** Whether `scan`, and `connect` to a camera that was never chosen, open the browser's own chooser: only after a click. */
  get hasChooser(): boolean {
    return this.#central.hasChooser;
  }

  /** Name of the camera that was connected last. */
  get name(): string | undefined {
    return this.#name;
  }

  /** Names of the endpoints that the camera has. */
  get endpoints(): readonly string[] {
    return this.#link?.endpoints ?? [];
  }

  get maximumWrite(): number {
    return this.#link?.maximumWrite ?? 0;
  }

  /**
   * Cameras that wait to be set up or used. A browser's chooser gives the one that the person has chosen.
   * @throws PhoneError Cancelled, RadioUnavailable, BluetoothOff, BluetoothDenied, BluetoothUnsupported, GestureNeeded
   */
  async scan(options: Waiting & { onFound?(camera: FoundCamera): void } = {}): Promise<FoundCamera[]> {
    const isCamera = ({ name }: FoundCamera) => name.startsWith(namePrefix);
    const onFound = (camera: FoundCamera) => {
      if (isCamera(camera)) options.onFound?.(camera);
    };
    const { timeout = this.#options.scanTimeout, signal } = options;
    return (await this.#central.scan({ timeout, signal, onFound })).filter(isCamera);
  }

  /** Cameras that can be connected to without a scan. */
  async remembered(): Promise<FoundCamera[]> {
    return (await this.#central.remembered?.()) ?? [];
  }

  /**
   * Looks for the camera of this name and connects to it.
   * @throws PhoneError CameraNotFound, ConnectTimeout, NotACamera, Disconnected, Cancelled, and those of scan()
   */
  async connect(name: string, { timeout, signal }: Waiting = {}): Promise<void> {
    await this.disconnect();
    const { scanTimeout, connectTimeout } = this.#options;
    const found = await this.#central.scan({ timeout: timeout ?? scanTimeout, name, signal });
    const camera = found.find((each) => each.name === name);
    if (!camera) throw new PhoneError("CameraNotFound", `${name} is not advertising nearby`);
    const link = await this.#central.connect(camera.id, { timeout: timeout ?? connectTimeout, signal });
    this.#link = link;
    this.#name = name;
    void link.closed.then(() => this.#disconnected(link));
    if (this.#subscribed) await this.#subscribe(link);
  }

  /** Versions and capabilities; needs no session. */
  version(): Promise<CameraVersion> {
    return this.#withLink(readVersion);
  }

  /** Opens the encrypted session. @throws PhoneError WrongProof, LockedOut, Busy, UnsupportedProtocol, Cancelled */
  async openSession(proofOfPossession: string, { signal }: Pick<Waiting, "signal"> = {}): Promise<void> {
    this.#session?.end();
    this.#session = undefined;
    // A handshake that was cancelled ends first: two at once would read each other's answers.
    await cancellable(this.#establishing, signal);
    const established = this.#withLink((link) => Session.establish(link, proofOfPossession, signal));
    this.#establishing = established.catch(() => undefined);
    const session = await cancellable(established, signal);
    if (!this.#link) throw new PhoneError("Disconnected", "the connection to the camera was lost");
    this.#session = session;
    this.#proofOfPossession = proofOfPossession;
  }

  /**
   * After a lost link: connects to the same camera and opens a session again, with growing pauses between the attempts.
   * @throws the last attempt's error
   */
  async reconnect(options: { attempts?: number; firstPause?: number; signal?: AbortSignal } = {}): Promise<void> {
    const { attempts = 5, firstPause = 250, signal } = options;
    const name = this.#name;
    const proofOfPossession = this.#proofOfPossession;
    if (!name || proofOfPossession === undefined) throw new PhoneError("NotConnected", "there was no session before");
    for (let attempt = 1; ; attempt++) {
      try {
        await this.connect(name, { signal });
        await this.openSession(proofOfPossession, { signal });
        return;
      } catch (error) {
        const code = error instanceof PhoneError ? error.code : undefined;
        if (hopeless.includes(code) || attempt >= attempts) throw error;
        await pause(firstPause * 2 ** (attempt - 1), signal);
      }
    }
  }

  /** The networks that the camera hears. @throws PhoneError ScanFailed, Cancelled */
  scanWiFi({ signal }: Pick<Waiting, "signal"> = {}): Promise<WiFiNetwork[]> {
    return this.#exchange("prov-scan", "ScanWiFi", (session) => scanWiFi(session, signal));
  }

  /** Hands over credentials; the camera starts to connect. */
  configureWiFi(network: { ssid: string; passphrase?: string }): Promise<void> {
    return this.#exchange("prov-config", "SetWiFi", (session) => configureWiFi(session, network));
  }

  wifiStatus(): Promise<WiFiStatus> {
    return this.#exchange("prov-config", "GetWiFiStatus", (session) => wifiStatus(session));
  }

  /**
   * Waits until the camera has joined its network; default 30 s.
   * @throws PhoneError WiFiAuthError, WiFiNotFound, WiFiFailed, WiFiTimeout, Cancelled
   */
  waitForWiFi({ timeout = wifiTimeout, signal }: Waiting = {}): Promise<WiFiStatus> {
    return this.#exchange("prov-config", "WaitForWiFi", (session) => waitForWiFi(session, { timeout, signal }));
  }

  /** After a failed attempt; false when there is nothing to reset. */
  resetWiFi(): Promise<boolean> {
    return this.#exchange("prov-ctrl", "ResetWiFi", resetWiFi);
  }

  /** Sends a message, or bytes as they are, to one of the camera's endpoints. @throws CameraError, PhoneError */
  request(
    endpoint: CameraEndpoint | (string & {}),
    message: object | Uint8Array,
    { timeout = this.#options.requestTimeout, signal }: Waiting = {},
  ): Promise<Decoded> {
    const { type = "?" } = message as { type?: string };
    return this.#exchange(endpoint, type, (session) => session.request(endpoint, message, { timeout, signal }));
  }

  /** Events after serial number `since`. */
  events(since: number): Promise<Decoded> {
    return this.request(eventEndpoint, { type: "GetEvents", since });
  }

  /**
   * Asks to be told of events: "notify" is dispatched from then on, also after reconnect().
   * @returns a function that ends it for this listener
   */
  async onNotify(listener: (counter: number) => void): Promise<() => void> {
    const end = this.on("notify", listener);
    if (this.#subscribed) return end;
    await this.#withLink((link) => this.#subscribe(link));
    this.#subscribed = true;
    return end;
  }

  /** Ends the link; the client can connect again. */
  async disconnect(): Promise<void> {
    const link = this.#link;
    if (!link) return;
    await link.close();
    this.#disconnected(link);
  }

  /** Ends the link and leaves the radio. */
  async close(): Promise<void> {
    await this.disconnect();
    await this.#central.close();
  }

  async #subscribe(link: GattLink): Promise<void> {
    await link.subscribe(eventEndpoint, (value) => this.emit("notify", value[0]));
  }

  #disconnected(link: GattLink): void {
    if (this.#link !== link) return;
    this.#link = undefined;
    this.#session?.end();
    this.#session = undefined;
    this.emit("disconnect", undefined);
  }

  async #withLink<T>(run: (link: GattLink) => Promise<T>): Promise<T> {
    if (!this.#link) throw new PhoneError("NotConnected", "connect to a camera first");
    return await run(this.#link);
  }

  async #exchange<T>(endpoint: string, messageType: string, run: (session: Session) => Promise<T>): Promise<T> {
    if (!this.#link) throw new PhoneError("NotConnected", "connect to a camera first");
    if (!this.#session) throw new PhoneError("NoSession", "open a session first");
    const start = performance.now();
    const tell = (failure?: string) => {
      const milliseconds = Math.round(performance.now() - start);
      this.emit("exchange", { endpoint, messageType, milliseconds, ...(failure ? { failure } : {}) });
    };
    try {
      const answer = await run(this.#session);
      tell();
      return answer;
    } catch (error) {
      tell((error as { code?: string }).code ?? "Error");
      throw error;
    }
  }
}
