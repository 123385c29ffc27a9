import { getEnvironment } from "environment";
import rawString from "raw-string";
import { protocolVersion, WiFiFrame } from "./protocol";
import { RadioLink, type RadioLinkUser } from "./radio-link";

/** As scan results name it on the chip. */
export type Security =
  | "none"
  | "wep"
  | "wpa_psk"
  | "wpa2_psk"
  | "wpa_wpa2_psk"
  | "wpa2_enterprise"
  | "wpa3_psk"
  | "wpa2_wpa3_psk"
  | "unknown";

/** A network of the simulated surroundings. */
export interface Network {
  /** For a name that is no text the bytes as the driver gives them; `hex` says which. */
  SSID: string;
  /** The bytes of such a name, hexadecimal. */
  hex?: string;
  /** Absent or empty: open network. */
  password?: string;
  RSSI?: number;
  channel?: number;
  security?: Security;
  BSSID?: string;
  /** Address that it gives to the station; null: its DHCP server never answers. */
  address?: string | null;
}

const surroundings: Network[] = [
  { SSID: "Devicelink", password: "correct horse", RSSI: -48, channel: 6, security: "wpa2_psk" },
  { SSID: "Neighbours", password: "battery staple", RSSI: -79, channel: 11, security: "wpa2_wpa3_psk" },
  { SSID: "Cafe", RSSI: -70, channel: 1, security: "none" },
];

/**
 * The networks that can be heard: from environment WIFI_NETWORKS (a JSON array), replaced by what the radio daemon says as soon as
 * somebody has used its switch.
 */
export class WiFiAir implements RadioLinkUser {
  networks: Network[];
  #station: { airChanged(): void };
  #link: RadioLink | undefined;
  #incoming: Network[] = [];

  constructor(station: { airChanged(): void }) {
    this.#station = station;
    const configured = getEnvironment("WIFI_NETWORKS");
    this.networks = configured ? JSON.parse(configured).map(named) : surroundings;
    const port = Number(getEnvironment("RADIO_PORT"));
    if (port) this.#link = new RadioLink(port, this);
  }

  radioConnected(link: RadioLink): void {
    link.send(WiFiFrame.hello, [protocolVersion]);
  }

  radioFrame(type: number, payload: Uint8Array): void {
    if (type === WiFiFrame.network)
      this.#incoming.push(named(JSON.parse(String.fromArrayBuffer(payload.slice().buffer as ArrayBuffer))));
    else if (type === WiFiFrame.complete) {
      this.networks = this.#incoming;
      this.#incoming = [];
      this.#station.airChanged();
    }
  }

  radioLost(): void {
    this.#incoming = [];
  }

  find(SSID: string): Network | undefined {
    return this.networks.find((network) => network.SSID === SSID);
  }

  close(): void {
    this.#link?.close();
  }
}

/** As on the chip: a string up to its first zero byte, whatever its bytes are. */
function named(network: Network): Network {
  const { hex } = network;
  if (!hex) return network;
  const bytes = Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
  return { ...network, SSID: rawString(bytes) };
}
