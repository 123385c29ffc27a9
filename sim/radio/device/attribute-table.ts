import { bytesOf, uuidBytes } from "./advertising-data";
import { type CharacteristicOptions, GATTServerCharacteristic, type ServiceOptions } from "./gatt-objects";
import { ToRadio } from "./protocol";
import type { RadioLink } from "./radio-link";

const readBit = 0x02;
const writeBits = 0x04 | 0x08 | 0x40;
const notifyBits = 0x10 | 0x20;

/**
 * The services of a GATTServer, checked as strictly as the chip does it. It keeps the options, where the chip keeps the callbacks
 * only: those of the camera lie in flash. Their values are on the radio's side.
 */
export class AttributeTable {
  /** In the order of their numbers. */
  readonly characteristics: GATTServerCharacteristic[] = [];
  #services: ServiceOptions[] = [];

  add(service: ServiceOptions): void {
    uuidBytes(service.uuid);
    if (service.uuid !== "1800") {
      if (!service.characteristics?.length) throw new RangeError("invalid characteristics");
      for (const options of service.characteristics) {
        checkCharacteristic(options);
        this.characteristics.push(new GATTServerCharacteristic(this.characteristics.length, options));
      }
    }
    this.#services.push(service);
  }

  /** Tells the radio of everything. */
  register(link: RadioLink): void {
    let id = 0;
    for (const service of this.#services) {
      if (service.uuid === "1800") registerGenericAccess(link, service);
      else {
        link.send(ToRadio.service, [], uuidBytes(service.uuid));
        for (const options of service.characteristics!) registerCharacteristic(link, id++, options);
      }
    }
  }
}

/** The chip's own service: only its name and its appearance can be set. */
function registerGenericAccess(link: RadioLink, service: ServiceOptions): void {
  for (const { uuid, value } of service.characteristics ?? []) {
    if (!value) continue;
    if (uuid === "2a00") link.send(ToRadio.deviceName, [], bytesOf(value));
    else if (uuid === "2a01") link.send(ToRadio.appearance, [], bytesOf(value));
  }
}

function registerCharacteristic(link: RadioLink, id: number, options: CharacteristicOptions): void {
  const { properties: p = 0, value, descriptors = [] } = options;
  const uuid = uuidBytes(options.uuid);
  const head = [id, p & 255, (p >> 8) & 255, (p >> 16) & 255, 0, value ? 1 : 0, uuid.length, ...uuid];
  link.send(ToRadio.characteristic, head, value && bytesOf(value));
  for (let index = 0; index < descriptors.length; index++) {
    const { uuid, value, onRead, onWrite } = descriptors[index];
    const access = value ? 1 : (onRead ? 2 : 0) | (onWrite ? 4 : 0);
    const type = uuidBytes(uuid);
    link.send(ToRadio.descriptor, [id, index, access, type.length, ...type], value && bytesOf(value));
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
