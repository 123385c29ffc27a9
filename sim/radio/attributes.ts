import { valueItself } from "./device/protocol.ts";
import type { HostCharacteristic, HostConnection, HostService } from "./host-stack.ts";

export type ReadDone = (error: number, value?: Buffer) => void;

/** Who answers for the attributes: the device. */
export interface AttributeOwner {
  read(connection: HostConnection, id: number, descriptor: number, done: ReadDone): void;
  /** Without `done` the phone does not want an answer. */
  write(
    connection: HostConnection,
    id: number,
    descriptor: number,
    value: Buffer,
    done: ((error: number) => void) | undefined,
  ): void;
  /** @param flags 1 notifications, 2 indications */
  subscribed(connection: HostConnection, id: number, flags: number): void;
}

/** Bits of `properties` (Core Vol 3 Part G section 3.3.1.1) and the SDK's encryption bits above them. */
const propertyNames: [number, string][] = [
  [0x01, "broadcast"],
  [0x02, "read"],
  [0x04, "write-without-response"],
  [0x08, "write"],
  [0x10, "notify"],
  [0x20, "indicate"],
];
const readEncrypted = 0x200 | 0x400;
const writeEncrypted = 0x1000 | 0x2000;

/** Builds the attribute table of the host stack from the device's frames (device/protocol.ts). */
export class AttributeBuilder {
  readonly services: HostService[] = [];
  #owner: AttributeOwner;
  #characteristics = new Map<number, HostCharacteristic>();

  constructor(owner: AttributeOwner) {
    this.#owner = owner;
  }

  characteristic(id: number): HostCharacteristic | undefined {
    return this.#characteristics.get(id);
  }

  addService(payload: Buffer): void {
    this.services.push({ uuid: uuidFromBytes(payload), characteristics: [] });
  }

  /** @throws Error when there is no service yet */
  addCharacteristic(payload: Buffer): void {
    const service = this.services.at(-1);
    if (!service) throw new Error("characteristic without a service");
    const id = payload[0];
    const properties = payload.readUInt32LE(1);
    const uuidLength = payload[6];
    const characteristic: HostCharacteristic = {
      uuid: uuidFromBytes(payload.subarray(7, 7 + uuidLength)),
      properties: propertyNames.filter(([bit]) => properties & bit).map(([, name]) => name),
      descriptors: [],
    };
    if (properties & readEncrypted) characteristic.readPerm = "encrypted";
    if (properties & writeEncrypted) characteristic.writePerm = "encrypted";
    if (payload[5]) characteristic.value = Buffer.from(payload.subarray(7 + uuidLength));
    else this.#connect(characteristic, id);
    service.characteristics.push(characteristic);
    this.#characteristics.set(id, characteristic);
  }

  /** @throws Error when there is no such characteristic */
  addDescriptor(payload: Buffer): void {
    const [id, index, access, uuidLength] = payload;
    const characteristic = this.#characteristics.get(id);
    if (!characteristic) throw new Error("descriptor without a characteristic");
    const uuid = uuidFromBytes(payload.subarray(4, 4 + uuidLength));
    if (access & 1) characteristic.descriptors.push({ uuid, value: Buffer.from(payload.subarray(4 + uuidLength)) });
    else
      characteristic.descriptors.push({
        uuid,
        onRead: (connection, done) => this.#owner.read(connection, id, index, done),
        onWrite: (connection, answer, value, done) =>
          this.#owner.write(connection, id, index, value, answer ? done : undefined),
      });
  }

  #connect(characteristic: HostCharacteristic, id: number): void {
    characteristic.onRead = (connection, done) => this.#owner.read(connection, id, valueItself, done);
    characteristic.onWrite = (connection, answer, value, done) =>
      this.#owner.write(connection, id, valueItself, value, answer ? done : undefined);
    characteristic.onSubscriptionChange = (connection, notification, indication) =>
      this.#owner.subscribed(connection, id, (notification ? 1 : 0) | (indication ? 2 : 0));
  }
}

/** 2 or 16 bytes, least significant first as in every Bluetooth packet. */
function uuidFromBytes(bytes: Buffer): string | number {
  if (bytes.length === 2) return bytes.readUInt16LE(0);
  if (bytes.length !== 16) throw new Error("a UUID has 2 or 16 bytes");
  const hex = Buffer.from(bytes).reverse().toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
