import { bytesOf, uuidBytes } from "./advertising-data";
import { GATTServerCharacteristic, type GATTServerConnection } from "./gatt-objects";
import { valueItself } from "./protocol";

type Value = ArrayBuffer | Uint8Array;

export interface DescriptorOptions {
  uuid: string;
  value?: Value;
  onRead?(connection: GATTServerConnection): Value;
  onWrite?(value: ArrayBuffer, connection: GATTServerConnection): void;
}

export interface CharacteristicOptions {
  uuid: string;
  properties?: number;
  value?: Value;
  descriptors?: DescriptorOptions[];
  onRead?(this: GATTServerCharacteristic, connection: GATTServerConnection): Value;
  onWrite?(this: GATTServerCharacteristic, value: ArrayBuffer, connection: GATTServerConnection): void;
  onSubscribe?(this: GATTServerCharacteristic, connection: GATTServerConnection): void;
  onUnsubscribe?(this: GATTServerCharacteristic, connection: GATTServerConnection): void;
}

export interface ServiceOptions {
  uuid: string;
  characteristics?: CharacteristicOptions[];
}

interface Characteristic {
  options: CharacteristicOptions;
  handle: GATTServerCharacteristic;
}

/** What a read or a write of one attribute calls. */
interface Target {
  onRead?(connection: GATTServerConnection): Value;
  onWrite?(value: ArrayBuffer, connection: GATTServerConnection): void;
}

const readBit = 0x02;
const writeBits = 0x04 | 0x08 | 0x40;
const notifyBits = 0x10 | 0x20;

/** The services of a GATTServer, checked as strictly as the chip does it. */
export class AttributeTable {
  readonly services: { uuid: string; characteristics: Characteristic[] }[] = [];
  /** In the order of their numbers. */
  readonly characteristics: Characteristic[] = [];
  deviceName: Uint8Array | undefined;
  appearance: Uint8Array | undefined;

  add(service: ServiceOptions): void {
    uuidBytes(service.uuid);
    if (service.uuid === "1800") {
      this.#genericAccess(service);
      return;
    }
    if (!service.characteristics?.length) throw new RangeError("invalid characteristics");
    const characteristics = service.characteristics.map((options) => {
      checkCharacteristic(options);
      const characteristic = { options, handle: new GATTServerCharacteristic(this.characteristics.length) };
      this.characteristics.push(characteristic);
      return characteristic;
    });
    this.services.push({ uuid: service.uuid, characteristics });
  }

  target(id: number, descriptor: number): Target | undefined {
    const characteristic = this.characteristics[id];
    if (!characteristic) return undefined;
    const { options, handle } = characteristic;
    if (descriptor !== valueItself) return options.descriptors?.[descriptor];
    const { onRead, onWrite } = options;
    return { onRead: onRead?.bind(handle), onWrite: onWrite?.bind(handle) };
  }

  /** The chip's own service: only its name and its appearance can be set. */
  #genericAccess(service: ServiceOptions): void {
    for (const { uuid, value } of service.characteristics ?? []) {
      if (!value) continue;
      if (uuid === "2a00") this.deviceName = bytesOf(value);
      else if (uuid === "2a01") this.appearance = bytesOf(value);
    }
  }
}

function checkCharacteristic(options: CharacteristicOptions): void {
  uuidBytes(options.uuid);
  if (!options.properties) throw new Error("properties missing");
  if (!options.value) {
    const { properties, onRead, onWrite, onUnsubscribe } = options;
    if (!onRead !== !(properties & readBit)) throw new Error("inconsistent read");
    if (!onWrite !== !(properties & writeBits)) throw new Error("inconsistent write");
    if (!onUnsubscribe !== !(properties & notifyBits)) throw new Error("inconsistent onSubscribe");
  }
  for (const descriptor of options.descriptors ?? []) {
    uuidBytes(descriptor.uuid);
    if (descriptor.value && (descriptor.onRead || descriptor.onWrite))
      throw new Error("invalid - no callbacks with value");
    if (!descriptor.value && !descriptor.onRead && !descriptor.onWrite)
      throw new Error("invalid - no onRead, onWrite, or value");
  }
}
