import type { EventEmitter } from "node:events";
import { createRequire } from "node:module";

/** What the project uses of npm ble-host, which has no types of its own. */
export interface BleHost {
  BleManager: {
    create(
      transport: HCITransport,
      options: { staticRandomAddress?: string },
      ready: (error: Error | null, manager: BleManager) => void,
    ): void;
    ServiceUUIDScanFilter: new (uuid: string) => unknown;
  };
  AttErrors: Record<string, number> & { toString(code: number): string };
  HciErrors: Record<string, number> & { toString(code: number): string };
}

/** One whole HCI packet (H4) in each call. */
export interface HCITransport extends EventEmitter {
  write(packet: Buffer): void;
}

export interface BleManager extends EventEmitter {
  gattDb: {
    setDeviceName(name: string): void;
    setAppearance(appearance: number): void;
    addServices(services: HostService[]): void;
  };
  setAdvertisingData(data: Buffer, done: (status: number) => void): void;
  setScanResponseData(data: Buffer, done: (status: number) => void): void;
  startAdvertising(parameters: object, connected: (status: number, connection: HostConnection) => void): void;
  stopAdvertising(done: (status: number) => void): void;
  startScan(parameters: object): ScanSession;
  connect(
    type: string,
    address: string,
    parameters: object,
    done: (connection: HostConnection) => void,
  ): PendingConnection;
}

export interface ScanSession extends EventEmitter {
  stopScan(): void;
}

export interface PendingConnection extends EventEmitter {
  cancel(done: () => void): void;
}

export interface HostConnection extends EventEmitter {
  peerAddress: string;
  disconnected: boolean;
  disconnect(reason?: number): void;
  gatt: GattClient;
  smp: SecurityManager;
}

/** Emits `pairingComplete` and `pairingFail`. */
export interface SecurityManager extends EventEmitter {
  readonly isEncrypted: boolean;
  sendPairingRequest(features: { bondingFlags?: 0 | 1; sc?: boolean }): boolean;
}

export interface HostService {
  uuid: string | number;
  characteristics: HostCharacteristic[];
}

export interface HostCharacteristic {
  uuid: string | number;
  properties: string[];
  readPerm?: string;
  writePerm?: string;
  value?: Buffer;
  descriptors: HostDescriptor[];
  onRead?(connection: HostConnection, done: (error: number, value?: Buffer) => void): void;
  onWrite?(connection: HostConnection, needsAnswer: boolean, value: Buffer, done: (error: number) => void): void;
  onSubscriptionChange?(connection: HostConnection, notification: boolean, indication: boolean): void;
  notify?(connection: HostConnection, value: Buffer, sent?: () => void, completed?: () => void): void;
  indicate?(connection: HostConnection, value: Buffer, done?: () => void): void;
}

export interface HostDescriptor {
  uuid: string | number;
  value?: Buffer;
  onRead?: HostCharacteristic["onRead"];
  onWrite?: HostCharacteristic["onWrite"];
}

export interface GattClient extends EventEmitter {
  currentMtu: number;
  exchangeMtu(done: (error: number) => void): void;
  discoverAllPrimaryServices(done: (services: ClientService[]) => void): void;
  discoverServicesByUuid(uuid: string, count: number, done: (services: ClientService[]) => void): void;
}

export interface ClientService {
  uuid: string;
  discoverCharacteristics(done: (characteristics: ClientCharacteristic[]) => void): void;
}

export interface ClientCharacteristic extends EventEmitter {
  uuid: string;
  properties: {
    read: boolean;
    write: boolean;
    writeWithoutResponse: boolean;
    notify: boolean;
    indicate: boolean;
  };
  discoverDescriptors(done: (descriptors: ClientDescriptor[]) => void): void;
  read(done: (error: number, value?: Buffer) => void): void;
  write(value: Buffer, done: (error: number) => void): void;
  writeWithoutResponse(value: Buffer, sent?: () => void, completed?: () => void): void;
  writeCCCD(notifications: boolean, indications: boolean, done: (error: number) => void): void;
}

export interface ClientDescriptor {
  uuid: string;
  read(done: (error: number, value?: Buffer) => void): void;
}

const require = createRequire(import.meta.url);

/**
 * A copy of ble-host of its own for each host: the module keeps its ECDH key pair and its bond cache in module variables,
 * which two hosts in one process must not share.
 */
export function loadBleHost(): BleHost {
  for (const path of Object.keys(require.cache)) if (/[\\/]ble-host[\\/]/.test(path)) delete require.cache[path];
  return require("ble-host") as BleHost;
}
