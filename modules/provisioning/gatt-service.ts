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
  notify(characteristic: unknown, value: Bytes): void;
}

export interface GATTServerInstance {
  startAdvertising(scan: object, response?: object): void;
  stopAdvertising(): void;
  close?(): void;
}

export type GATTServerClass = new (options: {
  mtu?: number;
  services: object[];
  security?: { bond: boolean };
  onReady(): void;
  onConnect(connection: GATTConnection): void;
  onDisconnect(connection: GATTConnection): void;
  onWarning?(message: string): void;
}) => GATTServerInstance;

/** Who serves the endpoints. */
export interface ServiceDelegate {
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
 * The attribute table: the device name, and a readable and writable characteristic for each endpoint.
 * @param encrypted whether the endpoints want an encrypted link, as Espressif's device does with ble_link_encryption
 */
export function provisioningServices(name: string, delegate: ServiceDelegate, encrypted = false): object[] {
  const access = read | write | (encrypted ? encryptedAccess : 0);
  const genericAccess = {
    uuid: "1800",
    characteristics: [{ uuid: "2a00", properties: read, value: ArrayBuffer.fromString(name) }],
  };
  const characteristics = endpointNumbers.map(([endpoint, number]) => {
    const callback = accessTo(endpoint, delegate);
    return {
      uuid: characteristicUUID(number),
      properties: access,
      descriptors: [{ uuid: userDescription, value: ArrayBuffer.fromString(endpoint) }],
      onRead: callback,
      onWrite: callback,
      ...(endpoint === eventEndpoint ? subscription(delegate, access | (encrypted ? encryptedSubscription : 0)) : {}),
    };
  });
  return [genericAccess, { uuid: serviceUUID, characteristics }];
}

type Access = (first: GATTConnection | ArrayBuffer, connection?: GATTConnection) => ArrayBuffer | undefined;

/**
 * onRead (connection) and onWrite (value, connection) of an endpoint in one function: each of these closures stays in the machine
 * for good, and there are nine endpoints.
 */
function accessTo(endpoint: string, delegate: ServiceDelegate): Access {
  return (first, connection) => {
    if (connection === undefined) return delegate.read(endpoint, first as GATTConnection);
    delegate.write(endpoint, first as ArrayBuffer, connection);
    return undefined;
  };
}

function subscription(delegate: ServiceDelegate, properties: number): object {
  return {
    properties: properties | notify,
    onSubscribe(this: unknown, connection: GATTConnection) {
      delegate.subscribe(connection, this);
    },
    onUnsubscribe: (connection: GATTConnection) => delegate.subscribe(connection, undefined),
  };
}
