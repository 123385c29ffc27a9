import { getEnvironment } from "environment";
import Timer from "timer";
import { type Network, WiFiAir } from "./wifi-air";

interface ScanResult {
  SSID: string;
  BSSID: string;
  RSSI: number;
  channel: number;
  security: string;
}

/** How long things take, in milliseconds; environment WIFI_TIMING (JSON) changes them. */
interface Timing {
  scan: number;
  /** Until it is clear that there is no such network. */
  search: number;
  associate: number;
  /** Until a wrong password is noticed (four-way handshake time-out). */
  refuse: number;
  address: number;
  /** Until the driver reports a link that was ended by disconnect(). */
  disconnect: number;
}

const usual: Timing = { scan: 400, search: 500, associate: 250, refuse: 600, address: 200, disconnect: 20 };

/** Values of `connection` (ECMA-419 network interface). */
const idle = 200;
const connecting = 300;
const linked = 400;
const addressed = 500;

interface WiFiOptions {
  onChanged?(this: WiFi, property: "connection" | "address"): void;
}

/**
 * `embedded:network/interface/wifi` without a radio: a station with the states, the delays and the silences of the SDK's class for
 * ESP32. In particular it does not say why a connection failed, and a link that disconnect() ended is reported a moment later.
 */
export default class WiFi {
  #options: WiFiOptions | undefined;
  #timing: Timing;
  #air: WiFiAir;
  #connection = idle;
  #network: Network | undefined;
  #address: string | undefined;
  #step: Timer | undefined;
  #scan: Timer | undefined;
  #late: Timer | undefined;

  constructor(options: WiFiOptions) {
    this.#options = options;
    const timing = getEnvironment("WIFI_TIMING");
    this.#timing = timing ? { ...usual, ...JSON.parse(timing) } : usual;
    this.#air = new WiFiAir(this);
  }

  close(): void {
    this.clear();
    if (this.#scan !== undefined) Timer.clear(this.#scan);
    if (this.#late !== undefined) Timer.clear(this.#late);
    this.#air.close();
    this.#options = undefined;
  }

  /** @throws Error while another scan runs. */
  scan(options: { onFound?(result: ScanResult): void; onComplete?(): void; channel?: number }): void {
    if (this.#scan !== undefined) throw new Error("already scanning");
    if (!options.onFound) throw new Error("onFound required");
    this.#scan = Timer.set(() => {
      this.#scan = undefined;
      for (const network of this.#air.networks) {
        const result = describe(network);
        if (options.channel === undefined || options.channel === result.channel) options.onFound!.call(this, result);
      }
      options.onComplete?.call(this);
    }, this.#timing.scan);
  }

  /** @throws Error while it is connecting already. */
  connect(options: { SSID: string; password?: string }): void {
    if (this.#connection === connecting) throw new Error("already connecting");
    if (options.SSID === undefined) throw new Error("SSID required");
    const { SSID, password = "" } = options;
    this.clear();
    this.#connection = connecting;
    const network = this.#air.find(SSID);
    if (!network) this.after(this.#timing.search, () => this.end());
    else if ((network.password ?? "") !== password) this.after(this.#timing.refuse, () => this.end());
    else this.after(this.#timing.associate, () => this.associated(SSID));
  }

  disconnect(): void {
    const wasUp = this.#connection > idle;
    this.clear();
    this.#connection = idle;
    this.#network = undefined;
    this.#address = undefined;
    if (wasUp && this.#late === undefined)
      this.#late = Timer.set(() => {
        this.#late = undefined;
        this.end();
      }, this.#timing.disconnect);
  }

  configure(_options: object): void {}

  get connection(): number {
    return this.#connection;
  }

  get address(): string | undefined {
    return this.#address;
  }

  get MAC(): string {
    return "24:6f:28:00:00:01";
  }

  get SSID(): string | undefined {
    return this.#network?.SSID;
  }

  get BSSID(): string | undefined {
    return this.#network && describe(this.#network).BSSID;
  }

  get RSSI(): number | undefined {
    return this.#network && describe(this.#network).RSSI;
  }

  get channel(): number | undefined {
    return this.#network && describe(this.#network).channel;
  }

  private associated(SSID: string): void {
    const network = this.#air.find(SSID);
    if (!network) {
      this.end();
      return;
    }
    this.#network = network;
    this.#connection = linked;
    if (network.address !== null)
      this.after(this.#timing.address, () => {
        this.#address = network.address ?? "127.0.0.1";
        this.#connection = addressed;
        this.tell("connection");
        this.tell("address");
      });
    this.tell("connection");
  }

  /** The driver's "disconnected" event: it also ends an attempt that was begun after a late report was due. */
  private end(): void {
    const changed = this.#connection !== idle;
    this.clear();
    this.#connection = idle;
    this.#network = undefined;
    this.#address = undefined;
    if (changed) this.tell("connection");
  }

  /** For the air alone: other networks can be heard now. */
  airChanged(): void {
    const current = this.#network;
    if (!current) return;
    const now = this.#air.find(current.SSID);
    if (!now || (now.password ?? "") !== (current.password ?? "")) this.end();
    else this.#network = now;
  }

  private tell(property: "connection" | "address"): void {
    this.#options?.onChanged?.call(this, property);
  }

  private after(delay: number, run: () => void): void {
    this.#step = Timer.set(() => {
      this.#step = undefined;
      run();
    }, delay);
  }

  private clear(): void {
    if (this.#step !== undefined) Timer.clear(this.#step);
    this.#step = undefined;
  }
}

function describe(network: Network): ScanResult {
  const { SSID, RSSI = -60, channel = 1, password } = network;
  let sum = 0;
  for (const byte of new Uint8Array(ArrayBuffer.fromString(SSID))) sum = (sum * 31 + byte) & 0xffff;
  const hex = (value: number) => (value + 0x100).toString(16).slice(-2);
  const BSSID = network.BSSID ?? `02:00:5e:00:${hex(sum >> 8)}:${hex(sum & 255)}`;
  return { SSID, BSSID, RSSI, channel, security: network.security ?? (password ? "wpa2_psk" : "none") };
}
