/// <reference types="web-bluetooth" />
import { fromUTF8 } from "./bytes.ts";
import { PhoneError } from "./errors.ts";
import { type GattLink, provisioningService } from "./gatt.ts";
import { within } from "./waiting.ts";

/** Milliseconds for one GATT request; ATT itself gives up after 30 s. */
const requestTimeout = 15_000;
/** Characteristic user description, which has the name of the endpoint. */
const userDescription = 0x2901;
/** Milliseconds within which `gattserverdisconnected` follows the failure that a lost link makes. */
const lossDelay = 500;
/** Longest attribute value. A browser does not tell the MTU; longer writes than that are cut and put together by the stacks. */
const longestValue = 512;

/** A connection of a browser to a camera. */
export class WebBluetoothLink implements GattLink {
  readonly maximumWrite = longestValue;
  readonly closed: Promise<void>;
  #gatt: BluetoothRemoteGATTServer;
  #characteristics = new Map<string, BluetoothRemoteGATTCharacteristic>();
  #notifications = new Map<string, Notifications>();
  #queue: Promise<unknown> = Promise.resolve();
  /** Ends the operation that is under way. */
  #fail: (error: PhoneError) => void = () => {};

  private constructor(device: BluetoothDevice, gatt: BluetoothRemoteGATTServer) {
    this.#gatt = gatt;
    this.closed = new Promise((resolve) => {
      const lost = () => {
        this.#fail(disconnected());
        resolve();
      };
      device.addEventListener("gattserverdisconnected", lost, { once: true });
    });
  }

  /** Reads the attribute table of a camera that has just been connected. @throws PhoneError NotACamera, Disconnected */
  static async open(device: BluetoothDevice, gatt: BluetoothRemoteGATTServer): Promise<WebBluetoothLink> {
    const link = new WebBluetoothLink(device, gatt);
    await link.#discover();
    return link;
  }

  get endpoints(): readonly string[] {
    return [...this.#characteristics.keys()];
  }

  async write(endpoint: string, value: Uint8Array): Promise<void> {
    const characteristic = this.#find(endpoint);
    await this.#ask(() => characteristic.writeValueWithResponse(Uint8Array.from(value).buffer));
  }

  async read(endpoint: string): Promise<Uint8Array> {
    const characteristic = this.#find(endpoint);
    const notifications = this.#notifications.get(endpoint);
    const value = await this.#ask(() => notifications?.read() ?? characteristic.readValue());
    return bytesOf(value);
  }

  async subscribe(endpoint: string, onValue: (value: Uint8Array) => void): Promise<void> {
    const characteristic = this.#find(endpoint);
    this.#notifications.set(endpoint, new Notifications(characteristic, onValue));
    await this.#ask(() => characteristic.startNotifications());
  }

  async close(): Promise<void> {
    this.#gatt.disconnect();
    await within(1000, this.closed, () => new Error("late")).catch(() => {});
  }

  async #discover(): Promise<void> {
    const service = await this.#ask(() => this.#gatt.getPrimaryService(provisioningService)).catch((error) => {
      throw error.code === "GattError" ? new PhoneError("NotACamera", "the device has no provisioning service") : error;
    });
    for (const characteristic of await this.#ask(() => service.getCharacteristics())) {
      const name = await this.#nameOf(characteristic);
      if (name) this.#characteristics.set(name, characteristic);
    }
  }

  /** Undefined for a characteristic without a description. */
  async #nameOf(characteristic: BluetoothRemoteGATTCharacteristic): Promise<string | undefined> {
    try {
      const description = await this.#ask(() => characteristic.getDescriptor(userDescription));
      return fromUTF8(bytesOf(await this.#ask(() => description.readValue())));
    } catch (error) {
      if ((error as PhoneError).code === "GattError") return undefined;
      throw error;
    }
  }

  #find(endpoint: string): BluetoothRemoteGATTCharacteristic {
    const characteristic = this.#characteristics.get(endpoint);
    if (!characteristic) throw new PhoneError("NotACamera", `the device has no endpoint ${endpoint}`);
    return characteristic;
  }

  /** One GATT operation after the other: Chromium refuses a second one while one is under way. */
  #ask<T>(start: () => Promise<T>): Promise<T> {
    const asked = this.#queue.then(() => this.#run(start));
    this.#queue = asked.catch(() => undefined);
    return asked;
  }

  async #run<T>(start: () => Promise<T>): Promise<T> {
    if (!this.#gatt.connected) throw disconnected();
    const lost = new Promise<never>((_, reject) => {
      this.#fail = reject;
    });
    const late = () => new PhoneError("Timeout", `no answer within ${requestTimeout} ms`);
    try {
      return await within(requestTimeout, Promise.race([start(), lost]), late);
    } catch (error) {
      throw error instanceof PhoneError ? error : await this.#failure(error as Error);
    }
  }

  /** What a lost link does to an operation is told before the loss itself. */
  async #failure({ name, message }: Error): Promise<PhoneError> {
    const failure = new PhoneError("GattError", message);
    if (name === "NotFoundError") return failure;
    const lost = this.closed.then(disconnected);
    return await within(lossDelay, lost, () => failure).catch((late) => late);
  }
}

/** A browser fires `characteristicvaluechanged` for values that were read as well: those are kept from the listener here. */
class Notifications {
  #characteristic: BluetoothRemoteGATTCharacteristic;
  #onValue: (value: Uint8Array) => void;
  #reading = false;
  #held: Uint8Array[] = [];

  constructor(characteristic: BluetoothRemoteGATTCharacteristic, onValue: (value: Uint8Array) => void) {
    this.#characteristic = characteristic;
    this.#onValue = onValue;
    characteristic.addEventListener("characteristicvaluechanged", () => this.#changed());
  }

  async read(): Promise<DataView> {
    this.#reading = true;
    try {
      const value = await this.#characteristic.readValue();
      const text = String(bytesOf(value));
      const own = this.#held.findLastIndex((each) => String(each) === text);
      if (own >= 0) this.#held.splice(own, 1);
      return value;
    } finally {
      this.#reading = false;
      for (const value of this.#held.splice(0)) this.#onValue(value);
    }
  }

  #changed(): void {
    const value = this.#characteristic.value;
    if (!value) return;
    if (this.#reading) this.#held.push(bytesOf(value));
    else this.#onValue(bytesOf(value));
  }
}

/** A copy: the browser may use its buffer again. */
function bytesOf(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice();
}

function disconnected(): PhoneError {
  return new PhoneError("Disconnected", "the connection to the camera was lost");
}
