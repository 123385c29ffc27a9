import Timer from "timer";
import { Condition } from "./condition";
import { driverName, nameFromDriver, readableWiFiName, wifiNameBytes } from "./wifi-name";
import { type AccessPoint, type WiFiClass, type WiFiCredentials, WiFiError, type WiFiInterface } from "./wifi-types";

export type WiFiState = "disconnected" | "connecting" | "connected";

export interface WiFiStationOptions {
  /** The class of `embedded:network/interface/wifi`. */
  io: WiFiClass;
  /** Called when `state` changes. Must not throw. */
  onStateChanged?(state: WiFiState): void;
  /** Milliseconds for one attempt to connect, address included. */
  connectTimeout?: number;
  scanTimeout?: number;
  /** Most access points that a scan keeps: the strongest ones. */
  maximumResults?: number;
  random?(): number;
}

/** `connection` of an ECMA-419 network interface. */
const idle = 200;
const linked = 400;
const addressed = 500;

/** The driver reports the end of a link some milliseconds after disconnect(); a new attempt must not be taken for it. */
const settleTime = 500;
const firstPause = 1000;
const longestPause = 60_000;

/**
 * A Wi-Fi station that gives names to failures and keeps a connection up. The driver's class under it says only "not
 * connected", never why; so after a failure the station looks whether the network can be heard at all.
 */
export class WiFiStation {
  /** The driver calls it on itself. It knows no option `target`, so that its `target` is set here: a closure would stay for good. */
  static readonly #callbacks = Object.freeze({
    onChanged(this: WiFiInterface) {
      (this.target as WiFiStation).changed();
    },
  });

  #options: WiFiStationOptions;
  #io: WiFiInterface;
  #condition = new Condition();
  #state: WiFiState = "disconnected";
  #failure: WiFiError | undefined;
  #attempt = 0;
  #wanted: WiFiCredentials | undefined;
  #pause = firstPause;
  #retryTimer: Timer | undefined;
  #scan: Promise<AccessPoint[]> | undefined;
  #closed = false;

  constructor(options: WiFiStationOptions) {
    this.#options = options;
    this.#io = new options.io(WiFiStation.#callbacks);
    this.#io.target = this;
  }

  get state(): WiFiState {
    return this.#state;
  }

  /** Why the last attempt failed, undefined after a success. */
  get failure(): WiFiError | undefined {
    return this.#failure;
  }

  get address(): string | undefined {
    return this.#state === "connected" ? this.#io.address : undefined;
  }

  get SSID(): string | undefined {
    const { SSID } = this.#io;
    return this.#state === "connected" && SSID !== undefined ? nameFromDriver(SSID) : undefined;
  }

  get BSSID(): string | undefined {
    return this.#state === "connected" ? this.#io.BSSID : undefined;
  }

  get channel(): number | undefined {
    return this.#state === "connected" ? this.#io.channel : undefined;
  }

  /** dBm */
  get RSSI(): number | undefined {
    return this.#state === "connected" ? this.#io.RSSI : undefined;
  }

  get MAC(): string | undefined {
    return this.#io.MAC;
  }

  /**
   * What can be heard, strongest first, each name once, hidden networks left out.
   * @throws WiFiError ScanFailed (the driver is busy connecting), ScanTimeout
   */
  scan(): Promise<AccessPoint[]> {
    if (!this.#scan) {
      const forget = () => {
        this.#scan = undefined;
      };
      this.#scan = this.runScan();
      this.#scan.then(forget, forget);
    }
    return this.#scan;
  }

  /**
   * One attempt. After a success the station keeps this network: it reconnects by itself. After a failure it goes back to the
   * network that it kept before, if there was one.
   * @returns the address
   * @throws WiFiError BadCredentials, NotFound, AuthError, NoAddress, ConnectFailed, ConnectTimeout, Cancelled
   */
  async connect(credentials: WiFiCredentials): Promise<string> {
    this.stopRetrying();
    try {
      const address = await this.connectOnce(credentials);
      this.#wanted = credentials;
      return address;
    } catch (error) {
      if ((error as WiFiError).code !== "Cancelled" && this.#wanted) this.retryLater();
      throw error;
    }
  }

  /** Keeps this network from now on, however long it takes to be there: what a device with stored credentials does. */
  keep(credentials: WiFiCredentials): void {
    this.#wanted = credentials;
    this.stopRetrying();
    this.#pause = firstPause;
    this.retry();
  }

  /** Ends the connection and forgets the network. */
  disconnect(): void {
    this.#wanted = undefined;
    this.stopRetrying();
    this.#attempt += 1;
    this.#condition.fail(new WiFiError("Cancelled", "disconnected"));
    this.#io.disconnect();
    this.setState("disconnected");
  }

  close(): void {
    this.#closed = true;
    this.disconnect();
    this.#io.close();
  }

  private async connectOnce(credentials: WiFiCredentials): Promise<string> {
    checkCredentials(credentials);
    const attempt = ++this.#attempt;
    this.#condition.fail(new WiFiError("Cancelled", "another network was asked for"));
    this.setState("connecting");
    try {
      await this.settle();
      this.checkCurrent(attempt);
      await this.associate(credentials);
      this.#pause = firstPause;
      this.#failure = undefined;
      this.setState("connected");
      return this.#io.address ?? "";
    } catch (error) {
      const failure = error instanceof WiFiError ? error : new WiFiError("ConnectFailed", String(error));
      if (attempt === this.#attempt) {
        this.#failure = failure;
        this.setState("disconnected");
      }
      throw failure;
    }
  }

  /** Leaves the current network, and waits until the driver has said so. */
  private async settle(): Promise<void> {
    if (this.#io.connection === idle) return;
    this.#io.disconnect();
    await this.#condition.wait(() => false, settleTime).catch(ignoreTimeout);
  }

  private async associate(credentials: WiFiCredentials): Promise<void> {
    const { SSID, password } = credentials;
    const network = { SSID: driverName(SSID) };
    this.#io.connect(password ? { ...network, password } : network);
    let wasLinked = false;
    const decided = () => {
      const connection = this.#io.connection;
      if (connection >= linked) wasLinked = true;
      return connection >= addressed || connection <= idle;
    };
    try {
      await this.#condition.wait(decided, this.#options.connectTimeout ?? 20_000);
    } catch (error) {
      if ((error as WiFiError).code !== "Timeout") throw error;
      this.#io.disconnect();
      if (wasLinked) throw new WiFiError("NoAddress", `${readableWiFiName(SSID)} gave no address`);
      throw new WiFiError("ConnectTimeout", `no answer from ${readableWiFiName(SSID)}`);
    }
    if (this.#io.connection < addressed) throw await this.diagnose(credentials);
  }

  private async diagnose({ SSID, password }: WiFiCredentials): Promise<WiFiError> {
    const name = readableWiFiName(SSID);
    let found: AccessPoint | undefined;
    try {
      found = (await this.scan()).find((each) => each.SSID === SSID);
    } catch {
      return new WiFiError("ConnectFailed", `${name} refused the connection`);
    }
    if (!found) return new WiFiError("NotFound", `${name} cannot be heard`);
    if (found.security === "none" && !password) return new WiFiError("ConnectFailed", `${name} refused the connection`);
    return new WiFiError("AuthError", `${name} does not take the password`);
  }

  private async runScan(): Promise<AccessPoint[]> {
    const found = new Map<string, AccessPoint>();
    let complete = false;
    try {
      this.#io.scan({
        onFound: (result) => {
          const SSID = nameFromDriver(result.SSID);
          const known = found.get(SSID);
          if (SSID && (!known || known.RSSI < result.RSSI)) found.set(SSID, { ...result, SSID });
          if (found.size > this.limit) found.delete(weakest(found));
        },
        onComplete: () => {
          complete = true;
          this.#condition.check();
        },
      });
    } catch (error) {
      throw new WiFiError("ScanFailed", error instanceof Error ? error.message : "the driver is busy");
    }
    await this.#condition
      .wait(() => complete, this.#options.scanTimeout ?? 10_000, true)
      .catch(() => Promise.reject(new WiFiError("ScanTimeout", "the scan did not end")));
    return [...found.values()].sort((a, b) => b.RSSI - a.RSSI);
  }

  private get limit(): number {
    return this.#options.maximumResults ?? 16;
  }

  private changed(): void {
    this.#condition.check();
    if (this.#state !== "connected" || this.#io.connection >= addressed) return;
    this.setState("disconnected");
    if (this.#wanted) this.retryLater();
  }

  private retry(): void {
    this.#retryTimer = undefined;
    const wanted = this.#wanted;
    if (!wanted || this.#closed) return;
    this.connectOnce(wanted).catch((error) => {
      if (error.code !== "Cancelled" && this.#wanted === wanted) this.retryLater();
    });
  }

  private retryLater(): void {
    if (this.#retryTimer !== undefined || this.#closed) return;
    const random = this.#options.random ?? Math.random;
    const pause = this.#pause * (0.5 + random() / 2);
    this.#pause = Math.min(this.#pause * 2, longestPause);
    this.#retryTimer = Timer.set(() => this.retry(), pause);
  }

  private stopRetrying(): void {
    if (this.#retryTimer !== undefined) Timer.clear(this.#retryTimer);
    this.#retryTimer = undefined;
  }

  private checkCurrent(attempt: number): void {
    if (attempt !== this.#attempt) throw new WiFiError("Cancelled", "another network was asked for");
  }

  private setState(state: WiFiState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#options.onStateChanged?.(state);
  }
}

function checkCredentials({ SSID, password }: WiFiCredentials): void {
  const name = wifiNameBytes(SSID);
  if (name.length < 1 || name.length > 32) throw new WiFiError("BadCredentials", "an SSID has 1 to 32 bytes");
  // ESP-IDF's station takes a name up to its first zero byte: it would join another network.
  if (SSID.includes("\u0000")) throw new WiFiError("BadCredentials", "an SSID with a zero byte cannot be joined");
  if (password && ArrayBuffer.fromString(password).byteLength > 64)
    throw new WiFiError("BadCredentials", "a password has at most 64 bytes");
}

function weakest(found: Map<string, AccessPoint>): string {
  let worst: AccessPoint | undefined;
  for (const each of found.values()) if (!worst || each.RSSI < worst.RSSI) worst = each;
  return worst!.SSID;
}

function ignoreTimeout(error: WiFiError): void {
  if (error.code !== "Timeout") throw error;
}
