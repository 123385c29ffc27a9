/** A Web-Bluetooth shaped device on the simulator's radio, for clients that were written for a browser. */
import type { TestContext } from "node:test";
import { ImprovBluetoothLE } from "improv-wifi-sdk/dist/ble.js";
import type { RadioConnection } from "../../sim/phone/radio-connection.ts";
import { type AdvertisingReport, RadioHost, type RadioHostOptions } from "../../sim/phone/radio-host.ts";
import { within } from "../../sim/phone/waiting.ts";
import type { ClientCharacteristic, ClientService } from "../../sim/radio/host-stack.ts";

export const improvService = "00467768-6228-2272-4663-277478268000";
const serviceDataType = 0x16;

/** What a scan hears of a device: what Improv's clients look at. */
export interface Advertisement {
  name: string | undefined;
  serviceUuids: string[];
  /** The six bytes of Improv's service data. */
  serviceData: Buffer | undefined;
  id: string;
}

interface RawReport extends AdvertisingReport {
  rawDataItems?: { type: number; data: Buffer }[];
}

/** Listens until a device with the service is heard whose advertisement passes `test`. */
export async function hear(
  host: RadioHost,
  service: string | undefined,
  test: (advertisement: Advertisement) => boolean = () => true,
  timeout = 5000,
): Promise<Advertisement> {
  let stop = () => {};
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<Advertisement>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`nothing like it was heard within ${timeout} ms`)), timeout);
      stop = host.listen(service, (report) => {
        const advertisement = advertisementOf(report);
        if (test(advertisement)) resolve(advertisement);
      });
    });
  } finally {
    clearTimeout(timer);
    stop();
  }
}

function advertisementOf({ addressType, address, parsedDataItems, rawDataItems = [] }: RawReport): Advertisement {
  const data = rawDataItems.find(({ type, data }) => type === serviceDataType && data.readUInt16LE(0) === 0x4677);
  return {
    name: parsedDataItems.localName,
    serviceUuids: (parsedDataItems.serviceUuids ?? []).map((uuid) => uuid.toLowerCase()),
    serviceData: data?.data.subarray(2),
    id: `${addressType} ${address}`,
  };
}

class WebCharacteristic extends EventTarget {
  value: DataView | undefined;
  #connection: RadioConnection;
  #characteristic: ClientCharacteristic;

  constructor(connection: RadioConnection, characteristic: ClientCharacteristic) {
    super();
    this.#connection = connection;
    this.#characteristic = characteristic;
  }

  get properties() {
    return this.#characteristic.properties;
  }

  async readValue(): Promise<DataView> {
    return viewOf(await this.#connection.askSecurely<Buffer>((done) => this.#characteristic.read(done)));
  }

  async writeValueWithResponse(value: Uint8Array): Promise<void> {
    const bytes = Buffer.from(value);
    await this.#connection.askSecurely<void>((done) => this.#characteristic.write(bytes, (error) => done(error)));
  }

  async writeValueWithoutResponse(value: Uint8Array): Promise<void> {
    if (value.length > this.#connection.maximumWrite) throw new Error("longer than a write without response may be");
    await this.#connection.ask<void>((done) =>
      this.#characteristic.writeWithoutResponse(Buffer.from(value), () => done(0)),
    );
  }

  async startNotifications(): Promise<this> {
    this.#characteristic.on("change", (value: Buffer) => {
      this.value = viewOf(value);
      this.dispatchEvent(new Event("characteristicvaluechanged"));
    });
    await this.#connection.askSecurely<void>((done) =>
      this.#characteristic.writeCCCD(true, false, (error) => done(error)),
    );
    return this;
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(Uint8Array.from(bytes).buffer);
}

/** As much of Web Bluetooth's BluetoothDevice as Improv's client uses, with its names. */
export class WebDevice extends EventTarget {
  readonly id: string;
  readonly name: string | undefined;
  #host: RadioHost;
  #exchangeMTU: boolean;
  #connection: RadioConnection | undefined;
  #characteristics = new Map<string, WebCharacteristic>();

  constructor(host: RadioHost, { id, name }: Advertisement, exchangeMTU = true) {
    super();
    this.#host = host;
    this.id = id;
    this.name = name;
    this.#exchangeMTU = exchangeMTU;
  }

  get gatt() {
    return this;
  }

  get connected(): boolean {
    return this.#connection !== undefined;
  }

  async connect(): Promise<this> {
    const [type, address] = this.id.split(" ");
    const connection = await this.#host.connect(type, address, 5000);
    void connection.closed.then(() => {
      this.#connection = undefined;
      this.dispatchEvent(new Event("gattserverdisconnected"));
    });
    const { gatt } = connection.host;
    if (this.#exchangeMTU) await connection.ask<void>((done) => gatt.exchangeMtu((error) => done(error)));
    this.#connection = connection;
    return this;
  }

  disconnect(): void {
    void this.#connection?.close();
  }

  async getPrimaryService(uuid: string): Promise<this> {
    const connection = this.#connection!;
    const [service] = await connection.ask<ClientService[]>((done) =>
      connection.host.gatt.discoverServicesByUuid(uuid.toUpperCase(), 1, (services) => done(0, services)),
    );
    if (!service) throw new DOMException(`no service ${uuid}`, "NotFoundError");
    const found = await connection.ask<ClientCharacteristic[]>((done) =>
      service.discoverCharacteristics((all) => done(0, all)),
    );
    for (const each of found)
      this.#characteristics.set(each.uuid.toLowerCase(), new WebCharacteristic(connection, each));
    return this;
  }

  async getCharacteristic(uuid: string): Promise<WebCharacteristic> {
    const characteristic = this.#characteristics.get(uuid);
    if (!characteristic) throw new DOMException(`no characteristic ${uuid}`, "NotFoundError");
    return characteristic;
  }
}

/** A connection without a client: a test writes and reads by itself. */
export async function openDevice(
  t: Pick<TestContext, "after">,
  options: RadioHostOptions & { exchangeMTU?: boolean },
): Promise<WebDevice> {
  const host = await RadioHost.open(options);
  t.after(() => host.close());
  const device = new WebDevice(host, await hear(host, improvService), options.exchangeMTU);
  await device.connect();
  return await device.getPrimaryService(improvService);
}

export function characteristicOf(device: WebDevice, last: number): Promise<WebCharacteristic> {
  return device.getCharacteristic(improvService.slice(0, -1) + last);
}

const silent = { log() {}, error() {}, debug() {} };

/** The unmodified client of npm improv-wifi-sdk, connected to the camera. */
export class ImprovPhone {
  readonly client: ImprovBluetoothLE;
  readonly device: WebDevice;
  /** Errors of Improv, in order. */
  readonly errors: number[] = [];
  readonly states: number[] = [];

  private constructor(device: WebDevice) {
    this.device = device;
    this.client = new ImprovBluetoothLE(device as unknown as BluetoothDevice, silent);
    this.client.addEventListener("state-changed", () => this.states.push(this.client.currentState as number));
  }

  static async open(t: Pick<TestContext, "after">, options: RadioHostOptions): Promise<ImprovPhone> {
    const host = await RadioHost.open(options);
    t.after(() => host.close());
    const phone = new ImprovPhone(new WebDevice(host, await hear(host, improvService)));
    await phone.client.initialize();
    phone.states.length = 0;
    return phone;
  }

  /** @returns the result's strings, or the error that it was answered with */
  async command(command: number, data: Uint8Array = new Uint8Array()): Promise<string[] | number> {
    const answer = this.client.sendRPCWithResponse(command, data).then(
      ({ values }) => values,
      (error) => error as number,
    );
    return await within(10_000, answer, () => new Error(`no answer to command ${command}`));
  }

  characteristic(last: number): Promise<WebCharacteristic> {
    return characteristicOf(this.device, last);
  }
}
