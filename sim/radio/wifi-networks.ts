import type { Socket } from "node:net";
import { WiFiFrame } from "./device/protocol.ts";
import { frame } from "./frames.ts";

/** A network that simulated devices hear; the fields are those of WIFI_NETWORKS (README.md). */
export interface WiFiNetwork {
  SSID?: string;
  /** Instead of SSID, for a name that is no text. */
  hex?: string;
  password?: string;
  RSSI?: number;
  channel?: number;
  security?: string;
  BSSID?: string;
  address?: string | null;
}

/** Tells the Wi-Fi stand-ins of all devices which networks there are, once somebody has used the switch. */
export class WiFiNetworks {
  #networks: WiFiNetwork[] | undefined;
  #sockets = new Set<Socket>();

  attach(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    this.#tell(socket);
  }

  set(networks: WiFiNetwork[]): void {
    this.#networks = networks;
    for (const socket of this.#sockets) this.#tell(socket);
  }

  #tell(socket: Socket): void {
    if (!this.#networks) return;
    for (const network of this.#networks) socket.write(frame(WiFiFrame.network, Buffer.from(JSON.stringify(network))));
    socket.write(frame(WiFiFrame.complete));
  }
}
