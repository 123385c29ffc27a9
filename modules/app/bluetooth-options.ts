import type { GATTServer } from "embedded:io/bluetoothle/peripheral";
import type * as crypto from "../../native/tls/crypto";
import type { JSONShape } from "../json/parse-json";
import type { WiFiStation } from "../network/wifi-station";
import type { WiFiCredentials } from "../network/wifi-types";
import type { RecordStore } from "../storage/record-store";
import type { BoardHost } from "./board";
import { commandShape, commandShapeBesideUpload } from "./command-shape";
import { type Endpoint, endpoints, type Message } from "./commands";
import type { Label } from "./label";

export interface BluetoothHost extends BoardHost {
  readonly records: RecordStore;
  readonly label: Label;
  readonly wifi: WiFiStation;
  readonly device: {
    readonly uploads: { readonly busy: string | undefined };
    execute(message: Message, transport: "bluetooth", endpoint: Endpoint): Promise<object>;
  };
  readonly connectivity: { keepCredentials(credentials: WiFiCredentials): void };
}

/** What `modules/provisioning` is given: the camera's name, its Wi-Fi, its commands. */
export class BluetoothOptions {
  /** Itself, in a camera as it comes from its box; a camera that has a network or an owner has no Improv from the next start on. */
  readonly improv: this | undefined;
  #host: BluetoothHost;

  constructor(host: BluetoothHost) {
    this.#host = host;
    this.improv = this.window && this.allowed ? this : undefined;
  }

  get io(): typeof GATTServer {
    return this.#host.board.GATTServer;
  }

  get crypto(): typeof crypto {
    return this.#host.board.crypto;
  }

  get name(): string {
    return this.#host.label.name;
  }

  get proofOfPossession(): string {
    return this.#host.label.proofOfPossession;
  }

  get storage(): RecordStore {
    return this.#host.records;
  }

  get wifi(): WiFiStation {
    return this.#host.wifi;
  }

  /** How long Improv takes Wi-Fi settings, in milliseconds; 0: the camera has no Improv. */
  get window(): number {
    return this.#host.board.improv;
  }

  /** For Improv, which asks for no proof: there is nothing yet that somebody could take away. */
  get allowed(): boolean {
    const { identities, records } = this.#host;
    return !identities.inUse && !records.read("wifi");
  }

  /** For Improv's "device info". */
  get info(): readonly string[] {
    return [...this.#host.board.info, this.name];
  }

  get links(): number {
    return this.#host.board.bluetoothLinks;
  }

  get linkEncryption(): boolean {
    return this.#host.board.linkEncryption;
  }

  get endpoints(): this {
    return this;
  }

  get shape(): JSONShape {
    return this.#host.device.uploads.busy === undefined ? commandShape : commandShapeBesideUpload;
  }

  has(endpoint: string): boolean {
    return endpoints.includes(endpoint as Endpoint);
  }

  handle(endpoint: string, message: object): Promise<object> {
    return this.#host.device.execute(message as Message, "bluetooth", endpoint as Endpoint);
  }

  onWiFiConfigured(credentials: WiFiCredentials): void {
    this.#host.connectivity.keepCredentials(credentials);
  }

  onWarning(message: string): void {
    this.#host.log(`bluetooth: ${message}`);
  }
}
