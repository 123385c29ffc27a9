import { wifiName } from "../network/wifi-name";
import { type AccessPoint, type WiFiCredentials, WiFiError } from "../network/wifi-types";
import {
  answer,
  ConfigMessage,
  ControlMessage,
  configAnswer,
  connectedStatus,
  connectingStatus,
  disconnectedStatus,
  FailReason,
  failedStatus,
  type NetworkRequest,
  readNetworkRequest,
  readNumbers,
  readWiFiConfig,
  ScanMessage,
  scanResults,
  scanStatus,
} from "./network-messages";
import { MalformedMessage, type ProtobufWriter } from "./protobuf";
import type { BinaryEndpoints } from "./protocomm";
import { Status } from "./session-messages";
import { decodeText } from "./text";

/** What provisioning needs of modules/network/wifi-station. */
export interface WiFiStationLike {
  readonly state: "disconnected" | "connecting" | "connected";
  readonly address: string | undefined;
  readonly SSID: string | undefined;
  readonly BSSID: string | undefined;
  readonly channel: number | undefined;
  scan(): Promise<AccessPoint[]>;
  connect(credentials: WiFiCredentials): Promise<string>;
}

export interface WiFiEndpointsOptions {
  wifi: WiFiStationLike;
  /** The credentials worked: worth keeping. */
  onWiFiConfigured?(credentials: WiFiCredentials): void;
}

/** How old a list may be that is given to a phone that asks to wait for the scan ("blocking"). */
const freshness = 60_000;
const longestSSID = 32;
const longestPassphrase = 64;
/** Field of our own in RespGetWifiStatus: the failure by its full name. Espressif's clients skip it. */
const failureNameField = 100;

type Progress = "idle" | "connecting" | "connected" | "failed";

/**
 * prov-config, prov-scan and prov-ctrl (idf-extra-components network_provisioning, Wi-Fi part). Answers are made at once,
 * because a GATT read cannot wait: connecting and scanning go on in the background and are polled.
 */
export class WiFiEndpoints implements BinaryEndpoints {
  #options: WiFiEndpointsOptions;
  #now: () => number;
  #candidate: WiFiCredentials | undefined;
  #progress: Progress = "idle";
  #failure = "";
  #scanning = false;
  #found: AccessPoint[] = [];
  #foundAt: number | undefined;

  /** @param now milliseconds that only ever grow (they may wrap at 32 bits) */
  constructor(options: WiFiEndpointsOptions, now: () => number) {
    this.#options = options;
    this.#now = now;
  }

  /** Looks around before a phone asks, so that Espressif's clients, which wait for a scan to end, find a list. */
  prepare(): void {
    if (this.#options.wifi.state !== "connecting" && !this.isFresh()) this.startScan();
  }

  /** The session ended: forgets credentials that were set but not applied. */
  reset(): void {
    this.#candidate = undefined;
  }

  has(endpoint: string): boolean {
    return endpoint === "prov-config" || endpoint === "prov-scan" || endpoint === "prov-ctrl";
  }

  /** @throws MalformedMessage for what is no request of this endpoint */
  handle(endpoint: string, bytes: Uint8Array): ArrayBuffer {
    if (endpoint === "prov-config") return this.config(bytes);
    if (endpoint === "prov-scan") return this.scan(bytes);
    return this.control(bytes);
  }

  private config(bytes: Uint8Array): ArrayBuffer {
    const request = readNetworkRequest(bytes);
    switch (request.message) {
      case ConfigMessage.getStatus:
        return configAnswer(request.message, Status.success, this.status());
      case ConfigMessage.set:
        return configAnswer(request.message, this.set(request));
      case ConfigMessage.apply:
        return configAnswer(request.message, this.apply());
      default:
        throw new MalformedMessage(`prov-config message ${request.message}`);
    }
  }

  private scan(bytes: Uint8Array): ArrayBuffer {
    const request = readNetworkRequest(bytes);
    const responseField = 11 + request.message;
    switch (request.message) {
      case ScanMessage.start: {
        if (request.payloadField !== 10) return answer(request.message, responseField, Status.invalidArgument);
        const [, blocking] = readNumbers(request.payload, 1);
        if (!blocking || !this.isFresh()) this.startScan();
        return answer(request.message, responseField, Status.success);
      }
      case ScanMessage.status: {
        const finished = !this.#scanning || this.isFresh();
        const status = scanStatus(finished, finished ? this.#found.length : 0);
        return answer(request.message, responseField, Status.success, status);
      }
      case ScanMessage.result:
        return this.scanResult(request, responseField);
      default:
        throw new MalformedMessage(`prov-scan message ${request.message}`);
    }
  }

  private control(bytes: Uint8Array): ArrayBuffer {
    const { message } = readNetworkRequest(bytes);
    const from =
      message === ControlMessage.reset ? "failed" : message === ControlMessage.reprovision ? "connected" : "";
    if (!from) throw new MalformedMessage(`prov-ctrl message ${message}`);
    const allowed = this.#progress === from;
    if (allowed) this.#progress = "idle";
    return answer(message, 11 + message, allowed ? Status.success : Status.internalError);
  }

  private set({ payloadField, payload }: NetworkRequest): number {
    if (payloadField !== 12) return Status.invalidArgument;
    const { ssid, passphrase, bssid } = readWiFiConfig(payload);
    const lengthsAreRight =
      ssid.length >= 1 &&
      ssid.length <= longestSSID &&
      !ssid.includes(0) &&
      passphrase.length <= longestPassphrase &&
      (bssid.length === 0 || bssid.length === 6);
    if (!lengthsAreRight) return Status.invalidArgument;
    try {
      this.#candidate = { SSID: wifiName(ssid), password: decodeText(passphrase) };
    } catch {
      return Status.invalidArgument;
    }
    return Status.success;
  }

  private apply(): number {
    const candidate = this.#candidate;
    if (!candidate) return Status.internalError;
    this.#candidate = undefined;
    this.#progress = "connecting";
    this.#failure = "";
    this.connect(candidate);
    return Status.success;
  }

  /** Never rejects. Begins as a job of its own: the stack is short where a write from Bluetooth arrives. */
  private async connect(candidate: WiFiCredentials): Promise<void> {
    await undefined;
    try {
      await this.#options.wifi.connect(candidate);
    } catch (error) {
      const code = error instanceof WiFiError ? error.code : "ConnectFailed";
      // A newer apply took over; the state is its own now.
      if (code === "Cancelled") return;
      this.#progress = "failed";
      this.#failure = code;
      return;
    }
    this.#progress = "connected";
    this.#options.onWiFiConfigured?.(candidate);
  }

  private status(): ProtobufWriter {
    const { wifi } = this.#options;
    if (this.#progress === "connecting") return connectingStatus();
    if (this.#progress === "failed") {
      const reason = this.#failure === "AuthError" ? FailReason.authError : FailReason.networkNotFound;
      return failedStatus(reason).string(failureNameField, this.#failure);
    }
    const { address, SSID, BSSID, channel } = wifi;
    if (wifi.state === "connected" && SSID !== undefined) {
      const security = this.#found.find((each) => each.SSID === SSID)?.security;
      return connectedStatus({ address: address ?? "", SSID, BSSID, channel, security });
    }
    return wifi.state === "connecting" ? connectingStatus() : disconnectedStatus();
  }

  private isFresh(): boolean {
    return this.#foundAt !== undefined && ((this.#now() - this.#foundAt) | 0) < freshness;
  }

  private startScan(): void {
    if (this.#scanning) return;
    this.#scanning = true;
    this.#foundAt = undefined;
    this.runScan();
  }

  /** Never rejects. After a failure the old list stays; the phone sees it, or an empty one. */
  private async runScan(): Promise<void> {
    await undefined;
    try {
      this.#found = await this.#options.wifi.scan();
      this.#foundAt = this.#now();
    } catch {
      // The driver was busy. The phone sees that the scan has ended.
    }
    this.#scanning = false;
  }

  private scanResult(request: NetworkRequest, responseField: number): ArrayBuffer {
    const [, start, count] = readNumbers(request.payload, 2);
    if (request.payloadField !== 14 || start + count > this.#found.length)
      return answer(request.message, responseField, Status.invalidArgument);
    try {
      const results = scanResults(this.#found.slice(start, start + count));
      return answer(request.message, responseField, Status.success, results);
    } catch {
      return answer(request.message, responseField, Status.invalidArgument);
    }
  }
}
