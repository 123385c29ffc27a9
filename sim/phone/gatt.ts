/** Espressif's provisioning service (network_provisioning/src/scheme_ble.c). */
export const provisioningService = "1775244D-6B43-439B-877C-060F2D9BED07";

export interface FoundCamera {
  name: string;
  /** What `connect` wants; an address, or whatever the platform gives instead. */
  id: string;
  /** dBm */
  rssi: number;
}

/**
 * Bluetooth of a phone, as far as it is needed to talk to a camera. There is one for the simulator's radio; a browser's Web
 * Bluetooth fits the same shape.
 */
export interface GattCentral {
  /** Looks for cameras for `timeout` milliseconds, or until `until` says that the right one is there. @throws PhoneError */
  scan(options: { timeout: number; until?(camera: FoundCamera): boolean }): Promise<FoundCamera[]>;
  /** @throws PhoneError ConnectTimeout, NotACamera, Disconnected, RadioUnavailable */
  connect(id: string, timeout: number): Promise<GattLink>;
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
