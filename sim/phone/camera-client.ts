import { EventEmitter } from "node:events";
import { PhoneError } from "./errors.ts";
import type { FoundCamera, GattCentral, GattLink } from "./gatt.ts";
import type { Decoded } from "./messages.ts";
import { RadioCentral, type RadioCentralOptions } from "./radio-central.ts";
import { type CameraVersion, readVersion, Session } from "./session.ts";
import { pause } from "./waiting.ts";
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

const namePrefix = "PROV_";
const eventEndpoint = "camera-event";

/**
 * A phone app's view of a camera. Emits `notify` (counter) when camera-event has something to fetch, and `disconnect` when the
 * link is gone. Every wait ends; errors are PhoneError (phone, radio, protocol) or CameraError (the camera's own answer).
 */
export class CameraClient extends EventEmitter {
  #central: GattCentral;
  #options: Required<CameraClientOptions>;
  #link: GattLink | undefined;
  #session: Session | undefined;
  #name: string | undefined;
  #proofOfPossession: string | undefined;
  #subscribed = false;

  constructor(central: GattCentral, options: CameraClientOptions = {}) {
    super();
    this.#central = central;
    this.#options = { scanTimeout: 10_000, connectTimeout: 10_000, requestTimeout: 60_000, ...options };
  }

  /** A client on the simulator's radio. @throws PhoneError RadioUnavailable */
  static async overRadio(radio: RadioCentralOptions, options?: CameraClientOptions): Promise<CameraClient> {
    return new CameraClient(await RadioCentral.open(radio), options);
  }

  get connected(): boolean {
    return this.#link !== undefined;
  }

  get hasSession(): boolean {
    return this.#session?.open === true;
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

  /** Cameras that wait to be set up or used. */
  async scan(timeout = this.#options.scanTimeout): Promise<FoundCamera[]> {
    const found = await this.#central.scan({ timeout });
    return found.filter(({ name }) => name.startsWith(namePrefix));
  }

  /**
   * Looks for the camera of this name and connects to it.
   * @throws PhoneError CameraNotFound, ConnectTimeout, NotACamera, Disconnected, RadioUnavailable
   */
  async connect(name: string): Promise<void> {
    await this.disconnect();
    const { scanTimeout, connectTimeout } = this.#options;
    const isWanted = (camera: FoundCamera) => camera.name === name;
    const camera = (await this.#central.scan({ timeout: scanTimeout, until: isWanted })).find(isWanted);
    if (!camera) throw new PhoneError("CameraNotFound", `${name} is not advertising nearby`);
    const link = await this.#central.connect(camera.id, connectTimeout);
    this.#link = link;
    this.#name = name;
    void link.closed.then(() => this.#disconnected(link));
    if (this.#subscribed) await this.#subscribe(link);
  }

  /** Versions and capabilities; needs no session. */
  version(): Promise<CameraVersion> {
    return this.#withLink(readVersion);
  }

  /** Opens the encrypted session. @throws PhoneError WrongProof, LockedOut, Busy, UnsupportedProtocol */
  async openSession(proofOfPossession: string): Promise<void> {
    this.#session?.end();
    this.#session = undefined;
    this.#session = await this.#withLink((link) => Session.establish(link, proofOfPossession));
    this.#proofOfPossession = proofOfPossession;
  }

  /**
   * After a lost link: connects to the same camera and opens a session again, with growing pauses between the attempts.
   * @throws the last attempt's error
   */
  async reconnect({ attempts = 5, firstPause = 250 } = {}): Promise<void> {
    const name = this.#name;
    const proofOfPossession = this.#proofOfPossession;
    if (!name || proofOfPossession === undefined) throw new PhoneError("NotConnected", "there was no session before");
    for (let attempt = 1; ; attempt++) {
      try {
        await this.connect(name);
        await this.openSession(proofOfPossession);
        return;
      } catch (error) {
        const code = error instanceof PhoneError ? error.code : undefined;
        const hopeless = code === "WrongProof" || code === "RadioUnavailable" || code === "UnsupportedProtocol";
        if (hopeless || attempt >= attempts) throw error;
        await pause(firstPause * 2 ** (attempt - 1));
      }
    }
  }

  /** The networks that the camera hears. */
  scanWiFi(): Promise<WiFiNetwork[]> {
    return this.#withSession(scanWiFi);
  }

  /** Hands over credentials; the camera starts to connect. */
  configureWiFi(network: { ssid: string; passphrase?: string }): Promise<void> {
    return this.#withSession((session) => configureWiFi(session, network));
  }

  wifiStatus(): Promise<WiFiStatus> {
    return this.#withSession(wifiStatus);
  }

  /** Waits until the camera has joined its network. @throws PhoneError WiFiAuthError, WiFiNotFound, WiFiFailed, WiFiTimeout */
  waitForWiFi(timeout = 30_000): Promise<WiFiStatus> {
    return this.#withSession((session) => waitForWiFi(session, timeout));
  }

  /** After a failed attempt; false when there is nothing to reset. */
  resetWiFi(): Promise<boolean> {
    return this.#withSession(resetWiFi);
  }

  /** Sends a message to one of the camera's endpoints. @throws CameraError, PhoneError */
  request(
    endpoint: CameraEndpoint | (string & {}),
    message: object,
    timeout = this.#options.requestTimeout,
  ): Promise<Decoded> {
    return this.#withSession((session) => session.request(endpoint, message, timeout));
  }

  /** Events after serial number `since`. */
  events(since: number): Promise<Decoded> {
    return this.request(eventEndpoint, { type: "GetEvents", since });
  }

  /** Asks to be told of events; `notify` is emitted from then on, also after reconnect(). */
  async onNotify(listener: (counter: number) => void): Promise<void> {
    this.on("notify", listener);
    if (this.#subscribed) return;
    await this.#withLink((link) => this.#subscribe(link));
    this.#subscribed = true;
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
    this.emit("disconnect");
  }

  async #withLink<T>(run: (link: GattLink) => Promise<T>): Promise<T> {
    if (!this.#link) throw new PhoneError("NotConnected", "connect to a camera first");
    return await run(this.#link);
  }

  async #withSession<T>(run: (session: Session) => Promise<T>): Promise<T> {
    if (!this.#link) throw new PhoneError("NotConnected", "connect to a camera first");
    if (!this.#session) throw new PhoneError("NoSession", "open a session first");
    return await run(this.#session);
  }
}
