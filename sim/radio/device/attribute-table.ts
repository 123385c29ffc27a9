import { bytesOf, uuidBytes } from "./advertising-data";
import { frame } from "./frame";
import { type CharacteristicCallbacks, type DescriptorCallbacks, GATTServerCharacteristic } from "./gatt-objects";
import { ToRadio } from "./protocol";

type Value = ArrayBuffer | Uint8Array;

export interface DescriptorOptions extends DescriptorCallbacks {
  uuid: string;
  value?: Value;
}

export interface CharacteristicOptions extends CharacteristicCallbacks {
  uuid: string;
  properties?: number;
  value?: Value;
  descriptors?: DescriptorOptions[];
}

export interface ServiceOptions {
  uuid: string;
  characteristics?: CharacteristicOptions[];
}

const readBit = 0x02;
const writeBits = 0x04 | 0x08 | 0x40;
const notifyBits = 0x10 | 0x20;

/**
 * The services of a GATTServer, checked as strictly as the chip does it. Like the chip's, it keeps the callbacks and nothing else
 * of the options; the rest is the frames that tell the radio.
 */
export class AttributeTable {
  /** In the order of their numbers. */
  readonly characteristics: GATTServerCharacteristic[] = [];
  /** The frames that are sent to the radio before `start`. */
  registration = new Uint8Array(0);

  add(service: ServiceOptions): void {
    const uuid = uuidBytes(service.uuid);
    if (service.uuid === "1800") {
      this.genericAccess(service);
      return;
    }
    if (!service.characteristics?.length) throw new RangeError("invalid characteristics");
    this.register(frame(ToRadio.service, [], uuid));
    for (const options of service.characteristics) this.addCharacteristic(options);
  }

  private addCharacteristic(options: CharacteristicOptions): void {
    checkCharacteristic(options);
    const id = this.characteristics.length;
    const characteristic = new GATTServerCharacteristic(id, options.value ? {} : options);
    this.characteristics.push(characteristic);
    const uuid = uuidBytes(options.uuid);
    const p = options.properties!;
    const head = [id, p & 255, (p >> 8) & 255, (p >> 16) & 255, 0, options.value ? 1 : 0, uuid.length, ...uuid];
    this.register(frame(ToRadio.characteristic, head, options.value && bytesOf(options.value)));
    options.descriptors?.forEach((descriptor, index) => {
      const uuid = uuidBytes(descriptor.uuid);
      const access = descriptor.value ? 1 : (descriptor.onRead ? 2 : 0) | (descriptor.onWrite ? 4 : 0);
      const head = [id, index, access, uuid.length, ...uuid];
      this.register(frame(ToRadio.descriptor, head, descriptor.value && bytesOf(descriptor.value)));
      if (!descriptor.value) characteristic.addDescriptor(index, descriptor);
    });
  }

  private register(bytes: Uint8Array): void {
    const joined = new Uint8Array(this.registration.length + bytes.length);
    joined.set(this.registration);
    joined.set(bytes, this.registration.length);
    this.registration = joined;
  }

  /** The chip's own service: only its name and its appearance can be set. */
  private genericAccess(service: ServiceOptions): void {
    for (const { uuid, value } of service.characteristics ?? []) {
      if (!value) continue;
      if (uuid === "2a00") this.register(frame(ToRadio.deviceName, [], bytesOf(value)));
      else if (uuid === "2a01") this.register(frame(ToRadio.appearance, [], bytesOf(value)));
    }
  }
}

function checkCharacteristic(options: CharacteristicOptions): void {
  if (!options.properties) throw new Error("properties missing");
  if (!options.value) {
    const { properties, onRead, onWrite, onUnsubscribe } = options;
    if (!onRead !== !(properties & readBit)) throw new Error("inconsistent read");
    if (!onWrite !== !(properties & writeBits)) throw new Error("inconsistent write");
    if (!onUnsubscribe !== !(properties & notifyBits)) throw new Error("inconsistent onSubscribe");
  }
  for (const descriptor of options.descriptors ?? []) {
    if (descriptor.value && (descriptor.onRead || descriptor.onWrite))
      throw new Error("invalid - no callbacks with value");
    if (!descriptor.value && !descriptor.onRead && !descriptor.onWrite)
      throw new Error("invalid - no onRead, onWrite, or value");
  }
}
