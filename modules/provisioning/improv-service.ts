import type { GATTConnection } from "./gatt-service";
import { ImprovState, type ImprovStateCode, improvCapabilities } from "./improv-packet";

/** Improv's service (improv-wifi.com/ble). */
export const improvServiceUUID = "00467768-6228-2272-4663-277478268000";
/** Improv's 16-bit UUID, of the service data. */
const serviceDataUUID = [0x77, 0x46];
/** AD type "Service Data - 16-bit UUID" (assigned numbers, section 2.3). */
const serviceDataType = 0x16;

/** GATT properties, and the SDK's bits for an encrypted link above them, as in gatt-service. */
const read = 0x02;
const writeWithoutResponse = 0x04;
const write = 0x08;
const notify = 0x10;
const encryptedRead = 0x200;
const encryptedWrite = 0x1000;
const encryptedSubscription = 0x8000;

/** What a client may read, and may be notified of; the numbers are the bits of its subscriptions. */
export const ImprovValue = { state: 1, error: 2, result: 4, capabilities: 8 } as const;
export type ImprovValueKind = (typeof ImprovValue)[keyof typeof ImprovValue];

/** Who serves the clients: `connection.target.improv`. */
export interface ImprovDelegate {
  read(kind: ImprovValueKind, connection: GATTConnection): ArrayBuffer;
  write(value: ArrayBuffer, connection: GATTConnection): void;
  /** @param characteristic what `connection.notify` wants, undefined when the client has unsubscribed */
  subscribe(kind: ImprovValueKind, connection: GATTConnection, characteristic: unknown): void;
}

/** What is read when Improv has done its work and is gone. */
function valueAfterwards(kind: ImprovValueKind): ArrayBuffer {
  if (kind === ImprovValue.result) return new ArrayBuffer(0);
  return Uint8Array.of(kind === ImprovValue.state ? ImprovState.provisioned : 0).buffer as ArrayBuffer;
}

function characteristicUUID(last: number): string {
  return improvServiceUUID.slice(0, -1) + last;
}

function value(last: number, kind: ImprovValueKind, properties: number): object {
  const characteristic = {
    uuid: characteristicUUID(last),
    properties,
    onRead: (connection: GATTConnection) => connection.target?.improv?.read(kind, connection) ?? valueAfterwards(kind),
  };
  if (!(properties & notify)) return characteristic;
  return {
    ...characteristic,
    /** Called on the characteristic. */
    onSubscribe(this: unknown, connection: GATTConnection) {
      connection.target?.improv?.subscribe(kind, connection, this);
    },
    onUnsubscribe: (connection: GATTConnection) => connection.target?.improv?.subscribe(kind, connection, undefined),
  };
}

/** With `encrypted` a client pairs when it reads; a write without response would be dropped in silence on an open link. */
function service(encrypted: boolean): object {
  const readable = encrypted ? read | encryptedRead : read;
  const subscribable = encrypted ? readable | notify | encryptedSubscription : readable | notify;
  const writable = write | writeWithoutResponse | (encrypted ? encryptedWrite : 0);
  return {
    uuid: improvServiceUUID,
    characteristics: [
      value(1, ImprovValue.state, subscribable),
      value(2, ImprovValue.error, subscribable),
      {
        uuid: characteristicUUID(3),
        properties: writable,
        onWrite: (bytes: ArrayBuffer, connection: GATTConnection) =>
          connection.target?.improv?.write(bytes, connection),
      },
      value(4, ImprovValue.result, subscribable),
      value(5, ImprovValue.capabilities, readable),
    ],
  };
}

// Both made when the module is loaded: so they lie in flash.
const openService = service(false);
const encryptedService = service(true);

export function improvService(encrypted: boolean): object {
  return encrypted ? encryptedService : openService;
}

/**
 * What is advertised beside Espressif's service: the service data, which just fill the 31 bytes. Improv's own UUID goes into the scan
 * response, where a name of at most 11 bytes leaves room for it.
 */
export function improvServiceData(state: ImprovStateCode): Record<number, Uint8Array> {
  return { [serviceDataType]: Uint8Array.of(...serviceDataUUID, state, improvCapabilities, 0, 0, 0, 0) };
}
