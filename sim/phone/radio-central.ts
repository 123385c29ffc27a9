import {
  type BleHost,
  type BleManager,
  type ClientCharacteristic,
  type ClientDescriptor,
  type ClientService,
  type HostConnection,
  loadBleHost,
} from "../radio/host-stack.ts";
import { PhoneError } from "./errors.ts";
import { type FoundCamera, type GattCentral, type GattLink, provisioningService } from "./gatt.ts";
import { HCISocket } from "./hci-socket.ts";
import { within } from "./waiting.ts";

interface AdvertisingReport {
  addressType: string;
  address: string;
  rssi: number;
  parsedDataItems: { localName?: string; serviceUuids?: string[] };
}

/** Milliseconds for one GATT request; ATT itself gives up after 30 s. */
const requestTimeout = 15_000;
const openTimeout = 5000;

export interface RadioCentralOptions {
  /** TCP port of the radio daemon. */
  port: number;
  /** Units of 1.25 ms; absent: 20 to 25 (25 to 31 ms), what a phone usually takes. */
  connectionInterval?: number;
  /** Milliseconds after which a silent link is given up; absent: 5000. */
  supervisionTimeout?: number;
  /** false: leave the MTU at 23. */
  exchangeMTU?: boolean;
}

/** A phone's Bluetooth: npm ble-host, a whole LE host stack, on a virtual controller of the simulator's radio. */
export class RadioCentral implements GattCentral {
  #options: RadioCentralOptions;
  #socket: HCISocket;
  #host: BleHost;
  #manager: BleManager;
  #links = new Set<RadioLink>();
  #gone = false;

  private constructor(options: RadioCentralOptions, socket: HCISocket, host: BleHost, manager: BleManager) {
    this.#options = options;
    this.#socket = socket;
    this.#host = host;
    this.#manager = manager;
    // ble-host reports the end of its transport as an error.
    manager.on("error", () => this.#lost());
  }

  /** @throws PhoneError RadioUnavailable */
  static async open(options: RadioCentralOptions): Promise<RadioCentral> {
    const socket = await HCISocket.open(options.port, openTimeout);
    const host = loadBleHost();
    const created = new Promise<BleManager>((resolve, reject) => {
      socket.once("close", () => reject(new PhoneError("RadioUnavailable", "the radio closed the connection")));
      host.BleManager.create(socket, {}, (error, manager) => {
        if (error) return reject(new PhoneError("RadioUnavailable", error.message));
        // From now on it reports the end of the transport, and nobody may be listening yet (or ever, when this came too late).
        manager.on("error", () => {});
        resolve(manager);
      });
    });
    const late = () => new PhoneError("RadioUnavailable", "the controller does not answer");
    try {
      const manager = await within(openTimeout, created, late);
      return new RadioCentral(options, socket, host, manager);
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  async scan(options: { timeout: number; until?(camera: FoundCamera): boolean }): Promise<FoundCamera[]> {
    this.#checkRadio();
    const found = new Map<string, FoundCamera>();
    const session = this.#manager.startScan({
      activeScan: true,
      scanFilters: [new this.#host.BleManager.ServiceUUIDScanFilter(provisioningService)],
    });
    try {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, options.timeout);
        session.on("report", ({ addressType, address, rssi, parsedDataItems }: AdvertisingReport) => {
          const camera = { name: parsedDataItems.localName ?? "", id: `${addressType} ${address}`, rssi };
          found.set(camera.id, camera);
          if (!options.until?.(camera)) return;
          clearTimeout(timer);
          resolve();
        });
      });
    } finally {
      session.stopScan();
    }
    return [...found.values()];
  }

  async connect(id: string, timeout: number): Promise<GattLink> {
    this.#checkRadio();
    const [type, address] = id.split(" ");
    const connection = await this.#connect(type, address, timeout);
    const link = new RadioLink(connection);
    this.#links.add(link);
    void link.closed.then(() => this.#links.delete(link));
    try {
      await link.discover(this.#options.exchangeMTU ?? true, timeout);
      return link;
    } catch (error) {
      await link.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    for (const link of this.#links) await link.close();
    this.#lost();
    this.#socket.close();
  }

  #connect(type: string, address: string, timeout: number): Promise<HostConnection> {
    const { connectionInterval: interval, supervisionTimeout } = this.#options;
    const parameters: Record<string, number> = {};
    if (interval) parameters.connIntervalMin = parameters.connIntervalMax = interval;
    if (supervisionTimeout) parameters.supervisionTimeout = Math.max(10, Math.round(supervisionTimeout / 10));
    return new Promise((resolve, reject) => {
      const pending = this.#manager.connect(type, address, parameters, (connection) => {
        clearTimeout(timer);
        resolve(connection);
      });
      const timer = setTimeout(() => {
        pending.cancel(() => undefined);
        reject(new PhoneError("ConnectTimeout", `no connection to ${address} within ${timeout} ms`));
      }, timeout);
    });
  }

  #checkRadio(): void {
    if (this.#gone) throw new PhoneError("RadioUnavailable", "the radio is gone");
  }

  #lost(): void {
    this.#gone = true;
    for (const link of this.#links) link.lost();
  }
}

/** ATT errors that say: encrypt the link first (Core Vol 3 Part F section 3.4.1.1). */
const insufficient = [0x05, 0x0f];
/** ATT error "unlikely error". */
const pairingFailed = 0x0e;

class AttributeError extends PhoneError {
  readonly attError: number;

  constructor(attError: number) {
    super("GattError", `attribute protocol error ${attError}`);
    this.attError = attError;
  }
}

class RadioLink implements GattLink {
  readonly closed: Promise<void>;
  #connection: HostConnection;
  #characteristics = new Map<string, ClientCharacteristic>();
  #lost!: () => void;

  constructor(connection: HostConnection) {
    this.#connection = connection;
    this.closed = new Promise((resolve) => {
      this.#lost = resolve;
    });
    connection.on("disconnect", () => this.#lost());
  }

  get endpoints(): readonly string[] {
    return [...this.#characteristics.keys()];
  }

  get maximumWrite(): number {
    return Math.min(512, this.#connection.gatt.currentMtu - 3);
  }

  lost(): void {
    this.#lost();
  }

  /** Negotiates the MTU and reads the attribute table. @throws PhoneError NotACamera */
  async discover(exchangeMTU: boolean, timeout: number): Promise<void> {
    const { gatt } = this.#connection;
    if (exchangeMTU) await this.#ask<void>((done) => gatt.exchangeMtu((error) => done(error)), timeout);
    const [service] = await this.#ask<ClientService[]>(
      (done) => gatt.discoverServicesByUuid(provisioningService, 1, (services) => done(0, services)),
      timeout,
    );
    if (!service) throw new PhoneError("NotACamera", "the device has no provisioning service");
    const characteristics = await this.#ask<ClientCharacteristic[]>(
      (done) => service.discoverCharacteristics((found) => done(0, found)),
      timeout,
    );
    for (const characteristic of characteristics) {
      const name = await this.#nameOf(characteristic, timeout);
      if (name) this.#characteristics.set(name, characteristic);
    }
  }

  async write(endpoint: string, value: Uint8Array): Promise<void> {
    const characteristic = this.#find(endpoint);
    await this.#askSecurely<void>((done) => characteristic.write(Buffer.from(value), (error) => done(error)));
  }

  async read(endpoint: string): Promise<Uint8Array> {
    const characteristic = this.#find(endpoint);
    return await this.#askSecurely<Buffer>((done) => characteristic.read(done));
  }

  async subscribe(endpoint: string, onValue: (value: Uint8Array) => void): Promise<void> {
    const characteristic = this.#find(endpoint);
    characteristic.on("change", (value: Buffer) => onValue(value));
    await this.#askSecurely<void>((done) => characteristic.writeCCCD(true, false, (error) => done(error)));
  }

  async close(): Promise<void> {
    if (!this.#connection.disconnected) this.#connection.disconnect();
    await within(1000, this.closed, () => new Error("late")).catch(() => this.#lost());
  }

  async #nameOf(characteristic: ClientCharacteristic, timeout: number): Promise<string | undefined> {
    const descriptors = await this.#ask<ClientDescriptor[]>(
      (done) => characteristic.discoverDescriptors((found) => done(0, found)),
      timeout,
    );
    const description = descriptors.find(({ uuid }) => uuid.startsWith("00002901-"));
    if (!description) return undefined;
    return (await this.#ask<Buffer>((done) => description.read(done), timeout)).toString("utf8");
  }

  #find(endpoint: string): ClientCharacteristic {
    const characteristic = this.#characteristics.get(endpoint);
    if (!characteristic) throw new PhoneError("NotACamera", `the device has no endpoint ${endpoint}`);
    return characteristic;
  }

  /** The procedure, and once more after pairing when the camera wants an encrypted link for it. */
  async #askSecurely<T>(start: (done: (error: number, value?: T) => void) => void): Promise<T> {
    try {
      return await this.#ask(start);
    } catch (error) {
      const wantsPairing = error instanceof AttributeError && insufficient.includes(error.attError);
      if (!wantsPairing || this.#connection.smp.isEncrypted) throw error;
    }
    await this.#pair();
    return await this.#ask(start);
  }

  /** LE Secure Connections, "Just Works", without a bond: the proof of possession is what counts here. */
  #pair(): Promise<void> {
    const { smp } = this.#connection;
    return this.#ask<void>((done) => {
      smp.once("pairingComplete", () => done(0));
      smp.once("pairingFailed", () => done(pairingFailed));
      smp.sendPairingRequest({ bondingFlags: 0, sc: true });
    });
  }

  /** One GATT procedure. ble-host forgets its callbacks when the link ends, so the end of the link is waited for as well. */
  #ask<T>(start: (done: (error: number, value?: T) => void) => void, timeout = requestTimeout): Promise<T> {
    const disconnected = () => new PhoneError("Disconnected", "the connection to the camera was lost");
    const asked = new Promise<T>((resolve, reject) => {
      if (this.#connection.disconnected) {
        reject(disconnected());
        return;
      }
      void this.closed.then(() => reject(disconnected()));
      start((error, value) => {
        if (error) reject(new AttributeError(error));
        else resolve(value as T);
      });
    });
    return within(timeout, asked, () => new PhoneError("Timeout", `no answer within ${timeout} ms`));
  }
}
