import { type ImprovDelegate, improvService } from "./improv-service";

/** Espressif's provisioning service (idf-extra-components network_provisioning/src/scheme_ble.c). */
export const serviceUUID = "1775244d-6b43-439b-877c-060f2d9bed07";

/** 16-bit numbers of the endpoints (network_provisioning/src/manager.c); endpoints of one's own begin at FF54. */
const endpointNumbers: [string, string][] = [
  ["prov-ctrl", "ff4f"],
  ["prov-scan", "ff50"],
  ["prov-session", "ff51"],
  ["prov-config", "ff52"],
  ["proto-ver", "ff53"],
  ["camera-cert", "ff54"],
  ["camera-command", "ff55"],
  ["camera-upload", "ff56"],
  ["camera-event", "ff57"],
];

/** The endpoint that also notifies. */
export const eventEndpoint = "camera-event";

/** GATT properties (Bluetooth Core Vol 3 Part G section 3.3.1.1), as in the SDK's GATTServer.properties. */
const read = 0x02;
const write = 0x08;
const notify = 0x10;
/** The SDK's bits above them: only over an encrypted link. */
const encryptedAccess = 0x200 | 0x1000;
const encryptedSubscription = 0x8000;
/** Characteristic user description, where Espressif's clients find the name of the endpoint. */
const userDescription = "2901";

type Bytes = ArrayBuffer | Uint8Array;

/** What this module uses of the SDK's GATTServer (`embedded:io/bluetoothle/peripheral`). */
export interface GATTConnection {
  readonly maximumWrite: number;
  /** Who serves this phone: given to the connection as soon as it is there. */
  target?: ServiceDelegate;
  notify(characteristic: unknown, value: Bytes): void;
}

export interface GATTServerInstance {
  startAdvertising(scan: object, response?: object): void;
  stopAdvertising(): void;
  close?(): void;
}

/** They are called on the server, whose `target` is that of its options (ECMA-419). */
export interface GATTServerCallbacks<Target> {
  onReady(this: { target: Target }): void;
  onConnect(this: { target: Target }, connection: GATTConnection): void;
  onDisconnect(this: { target: Target }, connection: GATTConnection): void;
  onWarning(this: { target: Target }, message: string): void;
}

export interface GATTServerOptions<Target> extends GATTServerCallbacks<Target> {
  target: Target;
  mtu?: number;
  services: object[];
  security?: { bond: boolean };
}

export type GATTServerClass = new <Target>(options: GATTServerOptions<Target>) => GATTServerInstance;

/** Who serves the endpoints. */
export interface ServiceDelegate {
  /** Who serves Improv's clients; absent: nobody. */
  readonly improv?: ImprovDelegate | undefined;
  read(endpoint: string, connection: GATTConnection): ArrayBuffer;
  write(endpoint: string, value: ArrayBuffer, connection: GATTConnection): void;
  /** @param characteristic what `connection.notify` wants, undefined when the phone has unsubscribed */
  subscribe(connection: GATTConnection, characteristic: unknown): void;
}

/** The endpoint's characteristic: the service's UUID with bytes 12 and 13 replaced (protocomm_nimble.c). */
export function characteristicUUID(number: string): string {
  return serviceUUID.slice(0, 4) + number + serviceUUID.slice(8);
}

/**
 * A readable and writable characteristic for each endpoint. The callbacks find who serves the phone through the connection, and not
 * by a closure for each camera: so all of this is made when the module is loaded, and lies in flash.
 */
function endpointService(access: number, subscription: number): object {
  const characteristics = endpointNumbers.map(([endpoint, number]) => ({
    uuid: characteristicUUID(number),
    properties: access,
    descriptors: [{ uuid: userDescription, value: ArrayBuffer.fromString(endpoint) }],
    onRead: (connection: GATTConnection) => connection.target?.read(endpoint, connection) ?? new ArrayBuffer(0),
    onWrite: (value: ArrayBuffer, connection: GATTConnection) => connection.target?.write(endpoint, value, connection),
    ...(endpoint === eventEndpoint ? { properties: access | subscription, onSubscribe, onUnsubscribe } : {}),
  }));
  return { uuid: serviceUUID, characteristics };
}

/** Called on the characteristic. */
function onSubscribe(this: unknown, connection: GATTConnection): void {
  connection.target?.subscribe(connection, this);
}

function onUnsubscribe(connection: GATTConnection): void {
  connection.target?.subscribe(connection, undefined);
}

const openService = endpointService(read | write, notify);
const encryptedService = endpointService(read | write | encryptedAccess, notify | encryptedSubscription);

/**
 * The attribute table: the device name, and the service of the endpoints.
 * @param encrypted whether the endpoints want an encrypted link, as Espressif's device does with ble_link_encryption
 * @param improv with Improv's service: behind Espressif's, whose clients take the first one and phones remember handles
 */
export function provisioningServices(name: string, encrypted = false, improv = false): object[] {
  const deviceName = { uuid: "2a00", properties: read, value: ArrayBuffer.fromString(name) };
  const services = [{ uuid: "1800", characteristics: [deviceName] }, encrypted ? encryptedService : openService];
  if (improv) services.push(improvService(encrypted));
  return services;
}
