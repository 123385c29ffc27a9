/** Espressif's provisioning service (network_provisioning/src/scheme_ble.c). */
export const provisioningService = "1775244d-6b43-439b-877c-060f2d9bed07";

/** The names of cameras on the air begin so. */
export const namePrefix = "PROV_";

export interface FoundCamera {
  name: string;
  /** What `connect` wants; an address, or whatever the platform gives instead. */
  id: string;
  /** dBm; a browser's chooser does not tell. */
  rssi?: number;
}

export interface ScanOptions {
  /** Milliseconds. Where a person chooses, the person ends the scan. */
  timeout: number;
  /** The camera that is looked for: its advertisement ends the scan. */
  name?: string;
  /** Called for each camera as soon as it is heard. */
  onFound?(camera: FoundCamera): void;
  signal?: AbortSignal;
}

export interface ConnectOptions {
  /** Milliseconds, discovery included. */
  timeout: number;
  signal?: AbortSignal;
}

/**
 * Bluetooth of a phone, as far as it is needed to talk to a camera: radio-central.ts (Node, the simulator's radio),
 * radio-websocket.ts (the same from a browser) and web-bluetooth.ts (a browser's own Bluetooth).
 */
export interface GattCentral {
  /** Whether `scan` shows a chooser of the browser's own, which may only be done when the person has just pressed something. */
  readonly hasChooser: boolean;
  /** @throws PhoneError Cancelled, RadioUnavailable, BluetoothOff, BluetoothDenied, BluetoothUnsupported, GestureNeeded */
  scan(options: ScanOptions): Promise<FoundCamera[]>;
  /** Cameras that can be connected to without a scan, because the person has chosen them before. */
  remembered?(): Promise<FoundCamera[]>;
  /** @throws PhoneError ConnectTimeout, NotACamera, Disconnected, RadioUnavailable, BluetoothOff, Cancelled */
  connect(id: string, options: ConnectOptions): Promise<GattLink>;
  close(): Promise<void>;
}

/** A connection to one camera. Every method fails with PhoneError Disconnected once the link is gone. */
export interface GattLink {
  /** Names of the endpoints, from the user descriptions of the characteristics. */
  readonly endpoints: readonly string[];
  /** Bytes that fit into one write without being cut into pieces by the attribute protocol. */
  readonly maximumWrite: number;
  write(endpoint: string, value: Uint8Array): Promise<void>;
  read(endpoint: string): Promise<Uint8Array>;
  subscribe(endpoint: string, onValue: (value: Uint8Array) => void): Promise<void>;
  /** Resolves when the link is gone, whoever ended it. */
  readonly closed: Promise<void>;
  close(): Promise<void>;
}
