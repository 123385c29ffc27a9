import { getEnvironment } from "environment";
import { type AdvertisingRecords, advertisingData, bytesOf } from "./advertising-data";
import { AttributeTable } from "./attribute-table";
import {
  type ConnectionServer,
  type GATTServerCharacteristic,
  GATTServerConnection,
  type NotifyCallback,
  type ServiceOptions,
} from "./gatt-objects";
import { FromRadio, protocolVersion, ToRadio, unlikelyError, valueItself } from "./protocol";
import { RadioLink, type RadioLinkUser } from "./radio-link";

export interface GATTServerOptions {
  target?: unknown;
  mtu?: number;
  services: ServiceOptions[];
  onReady?(this: GATTServer): void;
  onConnect?(this: GATTServer, connection: GATTServerConnection): void;
  onDisconnect?(this: GATTServer, connection: GATTServerConnection): void;
  onSecured?(this: GATTServer, connection: GATTServerConnection, state: object): void;
  onWarning?(this: GATTServer, message: string): void;
}

/** Largest attribute value (Core Vol 3 Part F section 3.2.9). */
const longestValue = 512;

/**
 * `GATTServer` of the SDK's `embedded:io/bluetoothle/peripheral`, on the simulator's radio instead of NimBLE: the same callbacks in
 * the same order, the same errors for wrong options. The radio is the daemon at environment RADIO_PORT. When the daemon goes
 * away every phone is gone (onDisconnect); when it is back, so are the attributes and the advertisement.
 */
export class GATTServer implements RadioLinkUser, ConnectionServer {
  static readonly properties = Object.freeze({
    broadcast: 0x01,
    read: 0x02,
    writeWithOutResponse: 0x04,
    write: 0x08,
    notify: 0x10,
    indicate: 0x20,
    authenticatedSignedWrites: 0x40,
    reliableWrite: 0x80,
    readEncrypted: 0x202,
    readAuthenticated: 0x402,
    writeEncrypted: 0x1008,
    writeAuthenticated: 0x2008,
    subscribeEncrypted: 0x8010,
    subscribeAuthenticated: 0x10010,
  });

  /** The application's own (ECMA-419). */
  target: unknown;
  #options: GATTServerOptions;
  #table = new AttributeTable();
  #link: RadioLink | undefined;
  #connections: GATTServerConnection[] = [];
  /** Those who want to be told of their notification, by its token. */
  #notifications: Map<number, NotifyCallback> | undefined;
  #nextToken = 1;
  #ready = false;
  #wasReady = false;
  /** The frame's payload. */
  #advertisement: Uint8Array | undefined;

  constructor(options: GATTServerOptions) {
    this.target = options.target;
    this.#options = options;
    for (const service of options.services) this.addService(service);
    const port = Number(getEnvironment("RADIO_PORT"));
    if (!port) {
      options.onWarning?.call(this, "no radio: RADIO_PORT is not set");
      return;
    }
    this.#link = new RadioLink(port, this);
  }

  close(): void {
    this.#link?.close();
    this.#link = undefined;
    this.#connections = [];
  }

  /** @throws Error after onReady, as on the chip. */
  addService(service: ServiceOptions): void {
    if (this.#wasReady) throw new Error("can't add service now");
    this.#table.add(service);
  }

  deleteService(_service: ServiceOptions): void {}

  /** @throws RangeError when a record does not fit into 31 bytes. */
  startAdvertising(scan: AdvertisingRecords, response?: AdvertisingRecords): void {
    if (!this.#wasReady) throw new Error("not ready");
    const first = advertisingData(scan);
    const second = response ? advertisingData(response) : new Uint8Array(0);
    this.#advertisement = Uint8Array.of(first.length, ...first, second.length, ...second);
    this.advertise();
  }

  stopAdvertising(): void {
    this.#advertisement = undefined;
    if (this.#ready) this.#link?.send(ToRadio.stopAdvertising, []);
  }

  private advertise(): void {
    if (this.#advertisement && this.#ready) this.#link?.send(ToRadio.advertise, [], this.#advertisement);
  }

  // ---- for the radio link alone

  radioConnected(link: RadioLink): void {
    const name = new Uint8Array(ArrayBuffer.fromString("camera"));
    const mtu = this.#options.mtu ?? 0;
    link.send(ToRadio.hello, [protocolVersion, mtu & 255, mtu >> 8], name);
    this.#table.register(link);
    link.send(ToRadio.start, []);
  }

  radioLost(): void {
    this.#ready = false;
    this.#notifications = undefined;
    const connections = this.#connections;
    this.#connections = [];
    if (this.#wasReady && connections.length) this.#options.onWarning?.call(this, "radio lost");
    for (const connection of connections) this.#options.onDisconnect?.call(this, connection);
  }

  radioFrame(type: number, payload: Uint8Array): void {
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    switch (type) {
      case FromRadio.ready:
        this.becomeReady();
        break;
      case FromRadio.connected:
        this.connect(view.getUint16(0, true), view.getUint16(2, true));
        break;
      case FromRadio.disconnected:
        this.disconnect(view.getUint16(0, true));
        break;
      case FromRadio.read:
        this.read(view);
        break;
      case FromRadio.write:
        this.write(view, payload);
        break;
      case FromRadio.subscribed:
        this.subscribed(view.getUint16(0, true), payload[2], payload[3]);
        break;
      case FromRadio.notified:
        this.notified(view.getUint16(0, true), payload[2]);
        break;
      case FromRadio.secured:
        this.secured(view.getUint16(0, true), payload[2], payload[3]);
        break;
    }
  }

  private becomeReady(): void {
    this.#ready = true;
    const first = !this.#wasReady;
    this.#wasReady = true;
    if (first) this.#options.onReady?.call(this);
    else this.advertise();
  }

  private connect(number: number, maximumWrite: number): void {
    const connection = new GATTServerConnection(this, number, maximumWrite);
    this.#connections.push(connection);
    this.#options.onConnect?.call(this, connection);
  }

  private disconnect(number: number): void {
    const connection = this.find(number);
    if (!connection) return;
    this.forget(number);
    connection.dispose();
    this.#options.onDisconnect?.call(this, connection);
  }

  private read(view: DataView): void {
    const connection = this.connectionOf(view);
    const characteristic = this.#table.characteristics[view.getUint8(6)];
    const descriptor = view.getUint8(7);
    const head = [view.getUint8(0), view.getUint8(1)];
    let value: ArrayBuffer | Uint8Array | undefined;
    // As on the chip: an exception in the callback ends the machine.
    if (connection && characteristic)
      value =
        descriptor === valueItself
          ? characteristic.read(connection)
          : characteristic.readDescriptor(descriptor, connection);
    if (value === undefined) {
      this.#link?.send(ToRadio.value, [...head, unlikelyError]);
      return;
    }
    if (value.byteLength > longestValue) throw new RangeError("value too big");
    this.#link?.send(ToRadio.value, [...head, 0], bytesOf(value));
  }

  private write(view: DataView, payload: Uint8Array): void {
    const connection = this.connectionOf(view);
    const characteristic = this.#table.characteristics[view.getUint8(6)];
    const descriptor = view.getUint8(7);
    const head = [view.getUint8(0), view.getUint8(1)];
    const wantsAnswer = view.getUint16(0, true) !== 0;
    const value = payload.slice(8).buffer as ArrayBuffer;
    let accepted = false;
    if (connection && characteristic)
      accepted =
        descriptor === valueItself
          ? characteristic.write(value, connection)
          : characteristic.writeDescriptor(descriptor, value, connection);
    if (wantsAnswer) this.#link?.send(ToRadio.written, [...head, accepted ? 0 : unlikelyError]);
  }

  private connectionOf(view: DataView): GATTServerConnection | undefined {
    const connection = this.find(view.getUint16(2, true));
    connection?.update(view.getUint16(4, true));
    return connection;
  }

  private find(number: number): GATTServerConnection | undefined {
    return this.#connections.find((connection) => connection.number === number);
  }

  private forget(number: number): void {
    this.#connections = this.#connections.filter((connection) => connection.number !== number);
  }

  private subscribed(number: number, id: number, flags: number): void {
    const connection = this.find(number);
    if (connection) this.#table.characteristics[id]?.subscribe(flags !== 0, connection);
  }

  // ---- for the connections alone

  closePeer(number: number): void {
    this.forget(number);
    this.endPeer(number);
  }

  endPeer(number: number): void {
    this.#link?.send(ToRadio.disconnect, [number & 255, number >> 8]);
  }

  notifyPeer(
    number: number,
    characteristic: GATTServerCharacteristic,
    value: ArrayBuffer | Uint8Array,
    callback?: NotifyCallback,
  ): void {
    if (!characteristic.subscribed) throw new Error("disabled");
    const token = this.#nextToken;
    this.#nextToken = (token % 0xffff) + 1;
    const head = [number & 255, number >> 8, characteristic.id, token & 255, token >> 8];
    if (!this.#link?.send(ToRadio.notify, head, bytesOf(value)) || !callback) return;
    this.#notifications ??= new Map();
    this.#notifications.set(token, callback);
  }

  private notified(token: number, status: number): void {
    const callback = this.#notifications?.get(token);
    this.#notifications?.delete(token);
    callback?.(status ? new Error("not sent") : undefined);
  }

  private secured(number: number, flags: number, keySize: number): void {
    const connection = this.find(number);
    if (!connection) return;
    this.#options.onSecured?.call(this, connection, {
      encrypted: (flags & 1) !== 0,
      authenticated: (flags & 2) !== 0,
      bonded: (flags & 4) !== 0,
      keySize,
    });
  }
}
