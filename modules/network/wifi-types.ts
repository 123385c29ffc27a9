/** What a scan has found. */
export interface AccessPoint {
  /** As in wifi-name.ts. */
  SSID: string;
  /** "xx:xx:xx:xx:xx:xx" */
  BSSID?: string;
  channel: number;
  /** dBm */
  RSSI: number;
  /**
   * As the SDK names it: "none", "wep", "wpa_psk", "wpa2_psk", "wpa_wpa2_psk", "wpa2_enterprise", "wpa3_psk",
   * "wpa2_wpa3_psk"; "unknown" or absent: some protection that it does not know, never an open network.
   */
  security?: string;
}

export interface WiFiCredentials {
  /** As in wifi-name.ts. */
  SSID: string;
  /** Absent or empty: an open network. */
  password?: string;
}

/** The SDK's `embedded:network/interface/wifi` (ECMA-419 network interface). */
export interface WiFiInterface {
  /** Its owner's own. */
  target?: unknown;
  close(): void;
  scan(options: { onFound(result: AccessPoint): void; onComplete(): void }): void;
  connect(options: WiFiCredentials): void;
  disconnect(): void;
  /** 200 not connected, 300 connecting, 400 linked, 500 has an address */
  readonly connection: number;
  readonly address: string | undefined;
  readonly MAC?: string | undefined;
  readonly SSID: string | undefined;
  readonly BSSID?: string | undefined;
  readonly RSSI: number | undefined;
  readonly channel?: number | undefined;
}

export type WiFiClass = new (options: { onChanged(this: WiFiInterface, property: string): void }) => WiFiInterface;

export type WiFiFailure =
  | "AuthError"
  | "BadCredentials"
  | "Cancelled"
  | "ConnectFailed"
  | "ConnectTimeout"
  | "NoAddress"
  | "NotFound"
  | "ScanFailed"
  | "ScanTimeout"
  | "Timeout";

export class WiFiError extends Error {
  readonly code: WiFiFailure;

  constructor(code: WiFiFailure, message: string) {
    super(message);
    this.code = code;
  }
}
