/** As much of the SDK's GATT server as main.ts needs to hand it on; modules/provisioning/gatt-service.ts has the rest. */
declare module "embedded:io/bluetoothle/peripheral" {
  export class GATTServer {
    constructor(options: object);
  }
}

/** ECMA-419 network interface for Wi-Fi; modules/network/wifi-types.ts has the details. */
declare module "embedded:network/interface/wifi" {
  interface ScanResult {
    SSID: string;
    channel: number;
    RSSI: number;
    BSSID?: string;
    security?: string;
  }

  export default class WiFi {
    constructor(options: { onChanged?(property: "connection" | "address"): void });
    close(): void;
    scan(options: { onFound?(result: ScanResult): void; onComplete?(): void }): void;
    connect(options: { SSID: string; password?: string }): void;
    disconnect(): void;
    configure(options: object): void;
    readonly connection: number;
    readonly address: string | undefined;
    readonly MAC: string | undefined;
    readonly SSID: string | undefined;
    readonly BSSID: string | undefined;
    readonly RSSI: number | undefined;
    readonly channel: number | undefined;
  }
}
