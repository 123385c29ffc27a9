import endLink from "end-link";
import Time from "time";
import Timer from "timer";
import { type OwnedTimer, repeatTimer } from "../network/owned-timer";
import type { WiFiCredentials } from "../network/wifi-types";
import type { ProvisioningCrypto } from "./crypto-types";
import {
  type GATTConnection,
  type GATTServerCallbacks,
  type GATTServerClass,
  type GATTServerInstance,
  provisioningServices,
  type ServiceDelegate,
  serviceUUID,
} from "./gatt-service";
import { Improv, type ImprovHost, type ImprovOptions } from "./improv";
import { ImprovState } from "./improv-packet";
import { improvServiceData, improvServiceUUID } from "./improv-service";
import type { Link } from "./link";
import { type JSONEndpoints, Protocomm } from "./protocomm";
import type { ProvisioningStorage } from "./srp-account";
import { WiFiEndpoints, type WiFiStationLike } from "./wifi-endpoints";

export type ProvisioningState = "starting" | "advertising" | "connected" | "session" | "closed";

export interface ProvisioningOptions {
  /** The class `GATTServer` of `embedded:io/bluetoothle/peripheral`. */
  io: new (
    options: never,
  ) => unknown;
  /** native/tls/crypto */
  crypto: ProvisioningCrypto;
  /** Advertised name, `PROV_...`, at most 29 bytes. */
  name: string;
  proofOfPossession: string;
  /** Keeps the SRP account and the number of wrong proofs over power cycles. */
  storage: ProvisioningStorage;
  wifi: WiFiStationLike;
  /** Serves camera-cert, camera-command, camera-upload and camera-event. */
  endpoints: JSONEndpoints;
  /** Wi-Fi credentials from the phone have worked. */
  onWiFiConfigured?(credentials: WiFiCredentials): void;
  onStateChanged?(state: ProvisioningState): void;
  onWarning?(message: string): void;
  /**
   * Serve the endpoints over encrypted links only: the phone pairs (LE Secure Connections, "Just Works") before it gets an answer.
   * It protects the messages of phones that speak security 1 from being altered on the air, and Improv's from being read. Default false.
   */
  linkEncryption?: boolean;
  /**
   * Improv Wi-Fi as well, until the camera is in a network. The name has at most 11 bytes then. Absent: Espressif's protocol alone.
   */
  improv?: ImprovOptions | undefined;
  maximumMessage?: number;
  /** How many phones the Bluetooth stack takes at once. */
  links: number;
  requestTimeout?: number;
  idleTimeout?: number;
  /** Milliseconds after which a link without a session may be ended for somebody else; default 20 s. */
  patience?: number;
}

/** Largest ATT MTU that is of use: a 512-byte value and its header. */
const mtu = 517;
/** LE General Discoverable Mode, BR/EDR not supported. */
const flags = 0x06;
const defaultPatience = 20_000;
/** A fraction of the patience: how often links are looked at. */
const looks = 4;
/** Bytes that are left for the name in a packet of 31 bytes, and beside Improv's UUID. */
const longestName = 29;
const longestNameWithImprov = 11;

/** Milliseconds since start. */
function ticks(): number {
  return Time.ticks;
}

function look({ owner }: OwnedTimer<Provisioning>): void {
  owner.look();
}

/** A phone that is connected. */
interface Peer {
  connection: GATTConnection;
  link: Link;
  /** What notify() wants, once the phone has subscribed to camera-event. */
  characteristic: unknown;
}

/**
 * The camera's Bluetooth side: advertises, serves Espressif's unified provisioning and the camera endpoints, and tells phones that
 * there is an event to fetch. Nothing is thrown out of the callbacks of the Bluetooth stack.
 */
export class Provisioning implements ServiceDelegate, ImprovHost {
  /** The server calls them on itself, and its `target` is the Provisioning (ECMA-419): they take no memory on the chip. */
  static readonly #callbacks: GATTServerCallbacks<Provisioning> = Object.freeze({
    onReady() {
      this.target.ready();
    },
    onConnect(connection: GATTConnection) {
      this.target.connected(connection);
    },
    onDisconnect(connection: GATTConnection) {
      this.target.disconnected(connection);
    },
    onWarning(message: string) {
      this.target.#options.onWarning?.(message);
    },
  } as GATTServerCallbacks<Provisioning>);

  #options: ProvisioningOptions;
  #server: GATTServerInstance;
  #protocomm: Protocomm;
  #wifi: WiFiEndpoints;
  #peers: Peer[] = [];
  #state: ProvisioningState = "starting";
  #improv?: Improv;
  #counter = 0;
  /** Runs while a phone is connected. */
  #timer?: Timer;

  /** @throws RangeError when the name is too long to be advertised */
  constructor(options: ProvisioningOptions) {
    const longest = options.improv ? longestNameWithImprov : longestName;
    if (ArrayBuffer.fromString(options.name).byteLength > longest)
      throw new RangeError(`name is longer than ${longest} bytes`);
    this.#options = options;
    this.#wifi = new WiFiEndpoints(this, ticks);
    this.#protocomm = new Protocomm({
      crypto: options.crypto,
      proofOfPossession: options.proofOfPossession,
      storage: options.storage,
      now: ticks,
      binary: this.#wifi,
      json: options.endpoints,
      maximumMessage: options.maximumMessage,
      requestTimeout: options.requestTimeout,
      idleTimeout: options.idleTimeout,
      observer: this,
    });
    if (options.improv) this.#improv = new Improv(this);
    this.#server = this.serve(options);
  }

  get state(): ProvisioningState {
    return this.#state;
  }

  /** Tells every phone that has subscribed that camera-event has something new. */
  notifyEvent(): void {
    this.#counter = (this.#counter + 1) & 0xff;
    const value = Uint8Array.of(this.#counter);
    for (const { connection, characteristic } of this.#peers) {
      if (!characteristic) continue;
      try {
        connection.notify(characteristic, value);
      } catch (error) {
        this.#options.onWarning?.(`notification: ${(error as Error).message}`);
      }
    }
  }

  /**
   * Stops advertising and forgets all sessions. The links themselves end when the phones go: the server is closed with it, and could not
   * say any more that they have ended.
   */
  close(): void {
    if (this.#state === "closed") return;
    this.stopTimer();
    this.#improv?.close();
    if (this.#state !== "starting") this.#server.stopAdvertising();
    for (const { link } of this.#peers) link.close();
    this.#peers = [];
    this.#server.close?.();
    this.setState("closed");
  }

  // ---- what the parts of this call

  /**
   * For the timer. When no phone could connect any more, links end that have had their time to open a session and have none, whatever
   * they say meanwhile: others, such as the owner, may want their places.
   */
  look(): void {
    this.#protocomm.expire();
    if (this.#peers.length < this.#options.links) return;
    for (const { connection, link } of this.#peers) if (link.timeWithoutSession > this.patience) endLink(connection);
  }

  get improv(): Improv | undefined {
    return this.#improv;
  }

  get improvOptions(): ImprovOptions {
    return this.#options.improv!;
  }

  get wifi(): WiFiStationLike {
    return this.#options.wifi;
  }

  get hasSession(): boolean {
    return this.#protocomm.busy;
  }

  /** For the two that bring the camera into a Wi-Fi. */
  onWiFiConfigured(credentials: WiFiCredentials): void {
    this.#options.onWiFiConfigured?.(credentials);
    this.refreshImprov();
  }

  /** For Improv: the advertisement tells its state, and nothing of it any more when it has done its work. */
  improvStateChanged(): void {
    if (this.#state !== "starting" && this.#state !== "closed") this.advertise();
  }

  onWarning(message: string): void {
    this.#options.onWarning?.(message);
  }

  /** For the GATT service: a phone reads. */
  read(endpoint: string, connection: GATTConnection): ArrayBuffer {
    return this.peer(connection)?.link.read(endpoint, connection.maximumWrite) ?? new ArrayBuffer(0);
  }

  /** For the GATT service: a phone has written. */
  write(endpoint: string, value: ArrayBuffer, connection: GATTConnection): void {
    this.peer(connection)?.link.write(endpoint, new Uint8Array(value));
  }

  /** For the GATT service: a phone wants notifications of camera-event, or does not want them any more. */
  subscribe(connection: GATTConnection, characteristic: unknown): void {
    const peer = this.peer(connection);
    if (peer) peer.characteristic = characteristic;
  }

  /** For Protocomm. */
  sessionChanged(): void {
    if (this.#state === "closed") return;
    this.setState(this.#protocomm.busy ? "session" : this.#peers.length ? "connected" : "advertising");
    if (this.#improv) this.refreshSoon();
  }

  /** A job of its own: Improv asks the storage, and the stack is short where a handshake ends. */
  private async refreshSoon(): Promise<void> {
    await undefined;
    if (this.#state !== "closed") this.refreshImprov();
  }

  private serve({ io, name, linkEncryption, improv }: ProvisioningOptions): GATTServerInstance {
    // The SDK's typings and its class differ (maximumWrite): what counts is the class.
    return new (io as unknown as GATTServerClass)({
      mtu,
      target: this,
      services: provisioningServices(name, linkEncryption, improv !== undefined),
      ...(linkEncryption ? { security: { bond: false } } : {}),
      ...Provisioning.#callbacks,
    });
  }

  private ready(): void {
    this.#wifi.prepare();
    this.advertise();
    this.setState("advertising");
  }

  private advertise(): void {
    const { name } = this.#options;
    const state = this.#improv?.state ?? ImprovState.provisioned;
    const scan = { flags, services: [serviceUUID] };
    if (state === ImprovState.provisioned) this.#server.startAdvertising(scan, { name });
    else
      this.#server.startAdvertising({ ...scan, ...improvServiceData(state) }, { name, services: [improvServiceUUID] });
  }

  private connected(connection: GATTConnection): void {
    connection.target = this;
    this.#timer ??= repeatTimer(this as Provisioning, look, this.patience / looks);
    this.#peers.push({ connection, link: this.#protocomm.open(), characteristic: undefined });
    this.#wifi.prepare();
    this.sessionChanged();
  }

  private disconnected(connection: GATTConnection): void {
    const peer = this.peer(connection);
    if (!peer) return;
    this.#peers = this.#peers.filter((each) => each !== peer);
    peer.link.close();
    this.#improv?.disconnected(connection);
    this.refreshImprov();
    if (!this.#peers.length) this.stopTimer();
    this.sessionChanged();
  }

  /** Improv is not needed any more once the camera is in a network; what it held is free for pictures. */
  private refreshImprov(): void {
    const improv = this.#improv;
    improv?.refresh();
    if (!improv?.isFinished) return;
    improv.close();
    this.#improv = undefined;
  }

  private get patience(): number {
    return this.#options.patience ?? defaultPatience;
  }

  private stopTimer(): void {
    Timer.clear(this.#timer);
    this.#timer = undefined;
  }

  private peer(connection: GATTConnection): Peer | undefined {
    return this.#peers.find((each) => each.connection === connection);
  }

  private setState(state: ProvisioningState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#options.onStateChanged?.(state);
  }
}
