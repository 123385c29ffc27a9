import type { ClientCharacteristic, ClientDescriptor, ClientService } from "../radio/host-stack.ts";
import { PhoneError } from "./errors.ts";
import {
  type ConnectOptions,
  type FoundCamera,
  type GattCentral,
  type GattLink,
  provisioningService,
  type ScanOptions,
} from "./gatt.ts";
import type { RadioConnection } from "./radio-connection.ts";
import { RadioHost, type RadioHostOptions } from "./radio-host.ts";
import { cancellable, checkNotCancelled } from "./waiting.ts";

export interface RadioCentralOptions extends RadioHostOptions {
  /** false: leave the MTU at 23. */
  exchangeMTU?: boolean;
}

/** A phone's Bluetooth on the simulator's radio, in Node. */
export class RadioCentral implements GattCentral {
  readonly hasChooser = false;
  #host: RadioHost;
  #exchangeMTU: boolean;

  private constructor(host: RadioHost, exchangeMTU: boolean) {
    this.#host = host;
    this.#exchangeMTU = exchangeMTU;
  }

  /** @throws PhoneError RadioUnavailable */
  static async open({ exchangeMTU = true, ...options }: RadioCentralOptions): Promise<RadioCentral> {
    return new RadioCentral(await RadioHost.open(options), exchangeMTU);
  }

  /** Called when the radio has ended: another central is needed then. */
  set onGone(listener: () => void) {
    this.#host.onLost = listener;
  }

  async scan({ timeout, name, onFound, signal }: ScanOptions): Promise<FoundCamera[]> {
    checkNotCancelled(signal);
    const found = new Map<string, FoundCamera>();
    let stop = () => {};
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ended = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeout);
      stop = this.#host.listen(provisioningService, ({ addressType, address, rssi, parsedDataItems }) => {
        const camera = { name: parsedDataItems.localName ?? "", id: `${addressType} ${address}`, rssi };
        if (found.get(camera.id)?.name !== camera.name) onFound?.(camera);
        found.set(camera.id, camera);
        if (camera.name === name) resolve();
      });
    });
    try {
      await cancellable(ended, signal);
    } finally {
      clearTimeout(timer);
      stop();
    }
    return [...found.values()];
  }

  async connect(id: string, { timeout, signal }: ConnectOptions): Promise<GattLink> {
    const [type, address] = id.split(" ");
    const connection = await this.#host.connect(type, address, timeout, signal);
    const link = new RadioLink(connection);
    try {
      await cancellable(link.discover(this.#exchangeMTU, timeout), signal);
      return link;
    } catch (error) {
      await link.close();
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#host.close();
  }
}

class RadioLink implements GattLink {
  #connection: RadioConnection;
  #characteristics = new Map<string, ClientCharacteristic>();

  constructor(connection: RadioConnection) {
    this.#connection = connection;
  }

  get closed(): Promise<void> {
    return this.#connection.closed;
  }

  get endpoints(): readonly string[] {
    return [...this.#characteristics.keys()];
  }

  get maximumWrite(): number {
    return this.#connection.maximumWrite;
  }

  /** Negotiates the MTU and reads the attribute table. @throws PhoneError NotACamera */
  async discover(exchangeMTU: boolean, timeout: number): Promise<void> {
    const connection = this.#connection;
    const { gatt } = connection.host;
    if (exchangeMTU) await connection.ask<void>((done) => gatt.exchangeMtu((error) => done(error)), timeout);
    const [service] = await connection.ask<ClientService[]>(
      (done) => gatt.discoverServicesByUuid(provisioningService.toUpperCase(), 1, (services) => done(0, services)),
      timeout,
    );
    if (!service) throw new PhoneError("NotACamera", "the device has no provisioning service");
    const characteristics = await connection.ask<ClientCharacteristic[]>(
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
    await this.#connection.askSecurely<void>((done) =>
      characteristic.write(Buffer.from(value), (error) => done(error)),
    );
  }

  async read(endpoint: string): Promise<Uint8Array> {
    const characteristic = this.#find(endpoint);
    return await this.#connection.askSecurely<Buffer>((done) => characteristic.read(done));
  }

  async subscribe(endpoint: string, onValue: (value: Uint8Array) => void): Promise<void> {
    const characteristic = this.#find(endpoint);
    characteristic.on("change", (value: Buffer) => onValue(value));
    await this.#connection.askSecurely<void>((done) => characteristic.writeCCCD(true, false, (error) => done(error)));
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #nameOf(characteristic: ClientCharacteristic, timeout: number): Promise<string | undefined> {
    const descriptors = await this.#connection.ask<ClientDescriptor[]>(
      (done) => characteristic.discoverDescriptors((found) => done(0, found)),
      timeout,
    );
    const description = descriptors.find(({ uuid }) => uuid.startsWith("00002901-"));
    if (!description) return undefined;
    return (await this.#connection.ask<Buffer>((done) => description.read(done), timeout)).toString("utf8");
  }

  #find(endpoint: string): ClientCharacteristic {
    const characteristic = this.#characteristics.get(endpoint);
    if (!characteristic) throw new PhoneError("NotACamera", `the device has no endpoint ${endpoint}`);
    return characteristic;
  }
}
