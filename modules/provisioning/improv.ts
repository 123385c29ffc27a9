import Time from "time";
import Timer from "timer";
import { memberOf } from "../json/member-of";
import { type OwnedTimer, setTimer } from "../network/owned-timer";
import type { AccessPoint, WiFiCredentials } from "../network/wifi-types";
import type { GATTConnection } from "./gatt-service";
import {
  ImprovCommand,
  ImprovError,
  type ImprovErrorCode,
  ImprovReader,
  type ImprovRequest,
  ImprovState,
  type ImprovStateCode,
  improvCapabilities,
  longestPacket,
  readSettings,
  resultPacket,
} from "./improv-packet";
import { type ImprovDelegate, ImprovValue, type ImprovValueKind } from "./improv-service";
import type { WiFiStationLike } from "./wifi-endpoints";

/** Whether there is Improv, and what it tells. */
export interface ImprovOptions {
  /** Asked again and again: false ends the authorization, for instance because the camera has got an owner. */
  readonly allowed: boolean;
  /** Milliseconds after power-on in which Wi-Fi settings are taken, whatever happens in them. */
  readonly window: number;
  /** For "device info": firmware, its version, chip, name of the device. */
  readonly info: readonly string[];
}

/** Whose Improv it is. */
export interface ImprovHost {
  readonly improvOptions: ImprovOptions;
  readonly wifi: WiFiStationLike;
  /** A phone has a session of Espressif's protocol: it has proven that its owner holds the camera in hand. */
  readonly hasSession: boolean;
  onWiFiConfigured(credentials: WiFiCredentials): void;
  /** The advertisement tells the state. */
  improvStateChanged(): void;
  onWarning(message: string): void;
}

/** A phone that has used Improv. */
interface Client {
  connection: GATTConnection;
  reader: ImprovReader;
  /** Bits of ImprovValue. */
  subscriptions: number;
  error: ImprovErrorCode;
  result: Uint8Array | undefined;
  /** A command is being carried out. */
  busy: boolean;
}

const empty = new ArrayBuffer(0);

/** As Improv names them; the SDK's names are the keys. */
const protections: Record<string, string> = {
  none: "NO",
  wep: "WEP",
  wpa_psk: "WPA",
  wpa2_psk: "WPA2",
  wpa_wpa2_psk: "WPA/WPA2",
  wpa2_enterprise: "WPA2 EAP",
  wpa3_psk: "WPA3",
  wpa2_wpa3_psk: "WPA2/WPA3",
  wapi_psk: "WAPI",
};

/** A protection that nobody knows is one all the same. */
function protection(security = "unknown"): string {
  return memberOf(protections, security) ?? "YES";
}

function windowEnds({ owner }: OwnedTimer<Improv>): void {
  owner.windowEnded();
}

/**
 * Improv Wi-Fi (improv-wifi.com/ble) beside Espressif's protocol: takes the name and the password of a Wi-Fi from whoever is near, in a
 * window of time. It knows no session and no proof; README.md says what protects it. The state is one for all clients;
 * errors and results are the client's that has asked.
 */
export class Improv implements ImprovDelegate {
  #host: ImprovHost;
  #clients: Client[] = [];
  /** The characteristics of state, error and result, which notify() wants; they come with the first subscriptions. */
  #characteristics: unknown[] = [];
  #joining = false;
  #windowOpen = false;
  #timer?: Timer;
  #state: ImprovStateCode = ImprovState.authorizationRequired;

  constructor(host: ImprovHost) {
    this.#host = host;
    this.openWindow();
    this.#state = this.current();
  }

  get state(): ImprovStateCode {
    return this.#state;
  }

  /** The camera is in a network, and nobody is left who would have to be told. */
  get isFinished(): boolean {
    return this.#state === ImprovState.provisioned && !this.#clients.length;
  }

  /** Something has happened that the state depends on. */
  refresh(): void {
    const state = this.current();
    if (state === this.#state) return;
    this.#state = state;
    for (const client of this.#clients) this.notify(client, ImprovValue.state, Uint8Array.of(state));
    this.#host.improvStateChanged();
  }

  disconnected(connection: GATTConnection): void {
    this.#clients = this.#clients.filter((client) => client.connection !== connection);
  }

  close(): void {
    this.closeWindow();
    this.#clients = [];
  }

  /** For the timer. */
  windowEnded(): void {
    this.closeWindow();
    this.refresh();
  }

  // ---- for the service

  read(kind: ImprovValueKind, connection: GATTConnection): ArrayBuffer {
    switch (kind) {
      case ImprovValue.state:
        return oneByte(this.#state);
      case ImprovValue.capabilities:
        return oneByte(improvCapabilities);
      case ImprovValue.error:
        return oneByte(this.find(connection)?.error ?? ImprovError.none);
      default:
        return (this.find(connection)?.result?.buffer as ArrayBuffer | undefined) ?? empty;
    }
  }

  /** Never throws. */
  write(value: ArrayBuffer, connection: GATTConnection): void {
    if (!value.byteLength) return;
    const client = this.client(connection);
    const request = client.reader.push(new Uint8Array(value), Time.ticks);
    if (request === "Invalid") this.fail(client, ImprovError.invalidPacket);
    else if (request) this.command(client, request);
  }

  subscribe(kind: ImprovValueKind, connection: GATTConnection, characteristic: unknown): void {
    const client = this.client(connection);
    client.subscriptions &= ~kind;
    if (!characteristic) return;
    client.subscriptions |= kind;
    this.#characteristics[kind] = characteristic;
  }

  // ---- commands

  private command(client: Client, request: ImprovRequest): void {
    // A command while another one is under way could not be told from it by its answer.
    if (client.busy) {
      this.fail(client, ImprovError.unknown);
      return;
    }
    this.succeed(client);
    const { command, data } = request;
    if (command === ImprovCommand.sendWiFiSettings) this.settings(client, data);
    else if (command !== ImprovCommand.deviceInfo && command !== ImprovCommand.scan)
      this.fail(client, ImprovError.unknownCommand);
    else if (data.length) this.fail(client, ImprovError.invalidPacket);
    else if (command === ImprovCommand.scan) this.scan(client);
    else this.answer(client, resultPacket(command, this.#host.improvOptions.info));
  }

  private settings(client: Client, data: Uint8Array): void {
    const settings = readSettings(data);
    if (!settings) this.fail(client, ImprovError.invalidPacket);
    else if (this.current() !== ImprovState.authorized) this.fail(client, ImprovError.notAuthorized);
    else this.join(client, settings);
  }

  /** Never rejects. Begins as a job of its own: the stack is short where a write from Bluetooth arrives. */
  private async join(client: Client, settings: WiFiCredentials): Promise<void> {
    client.busy = this.#joining = true;
    await undefined;
    this.refresh();
    let joined = false;
    try {
      await this.#host.wifi.connect(settings);
      joined = true;
    } catch (error) {
      // The name of the failure, not of the network: it is in the log for whoever looks why.
      this.#host.onWarning(`Improv: ${(error as { code?: string }).code ?? "ConnectFailed"}`);
    }
    client.busy = this.#joining = false;
    if (joined) this.joined(client, settings);
    else this.failedToJoin(client);
  }

  private joined(client: Client, settings: WiFiCredentials): void {
    this.closeWindow();
    this.#host.onWiFiConfigured(settings);
    this.refresh();
    // No URL: the camera has no page. What comes next, its owner, is for the app.
    this.answer(client, resultPacket(ImprovCommand.sendWiFiSettings, []));
  }

  private failedToJoin(client: Client): void {
    this.fail(client, ImprovError.unableToConnect);
    this.refresh();
  }

  /** Never rejects. */
  private async scan(client: Client): Promise<void> {
    client.busy = true;
    await undefined;
    let found: AccessPoint[] | undefined;
    try {
      found = await this.#host.wifi.scan();
    } catch {
      // The driver is busy connecting.
    }
    client.busy = false;
    if (found) this.answer(client, scanResult(found, client.connection.maximumWrite));
    else this.fail(client, ImprovError.unknown);
  }

  // ---- the window and the state

  private current(): ImprovStateCode {
    const { improvOptions, wifi, hasSession } = this.#host;
    if (this.#joining) return ImprovState.provisioning;
    if (wifi.state === "connected") return ImprovState.provisioned;
    const isAuthorized = this.#windowOpen && improvOptions.allowed && !hasSession;
    return isAuthorized ? ImprovState.authorized : ImprovState.authorizationRequired;
  }

  private openWindow(): void {
    this.#windowOpen = true;
    this.#timer = setTimer(this as Improv, windowEnds, this.#host.improvOptions.window);
  }

  private closeWindow(): void {
    this.#windowOpen = false;
    Timer.clear(this.#timer);
    this.#timer = undefined;
  }

  // ---- what the client hears

  private succeed(client: Client): void {
    client.result = undefined;
    if (client.error === ImprovError.none) return;
    client.error = ImprovError.none;
    this.notify(client, ImprovValue.error, Uint8Array.of(client.error));
  }

  private fail(client: Client, error: ImprovErrorCode): void {
    client.error = error;
    this.notify(client, ImprovValue.error, Uint8Array.of(error));
  }

  private answer(client: Client, packet: Uint8Array): void {
    client.result = packet;
    this.notify(client, ImprovValue.result, packet);
  }

  /** A notification holds as much of a value as the link takes (Core Vol 3 Part F section 3.4.7.1): the rest is for reading. */
  private notify({ connection, subscriptions }: Client, kind: ImprovValueKind, value: Uint8Array): void {
    if (!(subscriptions & kind)) return;
    try {
      connection.notify(this.#characteristics[kind], value.slice(0, connection.maximumWrite));
    } catch {
      // The phone has just gone, or another one has unsubscribed, which the SDK counts for both: the value can be read.
    }
  }

  private find(connection: GATTConnection): Client | undefined {
    return this.#clients.find((client) => client.connection === connection);
  }

  private client(connection: GATTConnection): Client {
    let client = this.find(connection);
    if (!client) {
      const reader = new ImprovReader();
      client = { connection, reader, subscriptions: 0, error: ImprovError.none, result: undefined, busy: false };
      this.#clients.push(client);
    }
    return client;
  }
}

function oneByte(value: number): ArrayBuffer {
  return Uint8Array.of(value).buffer as ArrayBuffer;
}

/**
 * Name, strength and protection of each network, strongest first: as many as one notification takes. When not even the first one fits,
 * as many as one packet takes; they can be read.
 */
function scanResult(found: readonly AccessPoint[], limit: number): Uint8Array {
  const strings: string[] = [];
  for (const { SSID, RSSI, security } of found) strings.push(SSID, String(RSSI), protection(security));
  const packet = resultPacket(ImprovCommand.scan, strings, limit, 3);
  const isEmptyForLackOfRoom = strings.length > 0 && packet[1] === 0 && limit < longestPacket;
  return isEmptyForLackOfRoom ? resultPacket(ImprovCommand.scan, strings, longestPacket, 3) : packet;
}
