import { AttributeError, type RadioConnection } from "../../../sim/phone/radio-connection.ts";
import type { ClientCharacteristic, ClientDescriptor, ClientService } from "../../../sim/radio/host-stack.ts";
import { type Method, ObjectError, type ObjectTree } from "./dbus-objects.ts";

const serviceInterface = "org.bluez.GattService1";
const characteristicInterface = "org.bluez.GattCharacteristic1";
const descriptorInterface = "org.bluez.GattDescriptor1";

/** The attribute table of a connected device as objects of BlueZ (doc/org.bluez.Gatt*.rst). */
export class GattObjects {
  #tree: ObjectTree;
  #device: string;
  #connection: RadioConnection;
  #next = 1;

  constructor(tree: ObjectTree, device: string, connection: RadioConnection) {
    this.#tree = tree;
    this.#device = device;
    this.#connection = connection;
  }

  /** Discovers everything. */
  async publish(): Promise<void> {
    const { gatt } = this.#connection.host;
    await this.#connection.ask<void>((done) => gatt.exchangeMtu((error) => done(error)));
    const services = await this.#connection.ask<ClientService[]>((done) =>
      gatt.discoverAllPrimaryServices((found) => done(0, found)),
    );
    for (const service of services) await this.#addService(service);
  }

  async #addService(service: ClientService): Promise<void> {
    const path = `${this.#device}/service${this.#number()}`;
    const characteristics = await this.#connection.ask<ClientCharacteristic[]>((done) =>
      service.discoverCharacteristics((found) => done(0, found)),
    );
    this.#tree.add(path, {
      [serviceInterface]: {
        properties: {
          UUID: ["s", service.uuid.toLowerCase()],
          Primary: ["b", true],
          Device: ["o", this.#device],
          Includes: ["ao", []],
        },
      },
    });
    for (const characteristic of characteristics) await this.#addCharacteristic(path, characteristic);
  }

  async #addCharacteristic(service: string, characteristic: ClientCharacteristic): Promise<void> {
    const path = `${service}/char${this.#number()}`;
    const descriptors = await this.#connection.ask<ClientDescriptor[]>((done) =>
      characteristic.discoverDescriptors((found) => done(0, found)),
    );
    this.#tree.add(path, {
      [characteristicInterface]: {
        properties: {
          UUID: ["s", characteristic.uuid.toLowerCase()],
          Service: ["o", service],
          Value: ["ay", Buffer.alloc(0)],
          Notifying: ["b", false],
          Flags: ["as", flagsOf(characteristic)],
          MTU: ["q", this.#connection.host.gatt.currentMtu],
        },
        methods: this.#characteristicMethods(path, characteristic),
      },
    });
    for (const descriptor of descriptors) this.#addDescriptor(path, descriptor);
  }

  #characteristicMethods(path: string, characteristic: ClientCharacteristic): Record<string, Method> {
    const setNotifying = async (isOn: boolean) => {
      await this.#ask<void>((done) => characteristic.writeCCCD(isOn, false, (error) => done(error)));
      this.#tree.set(path, characteristicInterface, { Notifying: isOn });
    };
    const changed = (value: Buffer) => this.#tree.set(path, characteristicInterface, { Value: value });
    characteristic.on("change", (value: Buffer) => {
      if (this.#tree.get(path, characteristicInterface, "Notifying")) changed(value);
    });
    return {
      ReadValue: {
        returns: "ay",
        call: async () => {
          const value = await this.#ask<Buffer>((done) => characteristic.read(done));
          // BlueZ tells of what was read as of what was notified.
          changed(value);
          return value;
        },
      },
      WriteValue: {
        returns: "",
        call: (value: Iterable<number>) =>
          this.#ask<void>((done) => characteristic.write(Buffer.from([...value]), (error) => done(error))),
      },
      StartNotify: { returns: "", call: () => setNotifying(true) },
      StopNotify: { returns: "", call: () => setNotifying(false) },
    };
  }

  #addDescriptor(characteristic: string, descriptor: ClientDescriptor): void {
    this.#tree.add(`${characteristic}/desc${this.#number()}`, {
      [descriptorInterface]: {
        properties: {
          UUID: ["s", descriptor.uuid.toLowerCase()],
          Characteristic: ["o", characteristic],
          Value: ["ay", Buffer.alloc(0)],
          Flags: ["as", ["read"]],
        },
        methods: {
          ReadValue: { returns: "ay", call: () => this.#ask<Buffer>((done) => descriptor.read(done)) },
        },
      },
    });
  }

  async #ask<T>(start: (done: (error: number, value?: T) => void) => void): Promise<T> {
    try {
      return await this.#connection.askSecurely(start);
    } catch (error) {
      if (!(error instanceof AttributeError)) throw new ObjectError("org.bluez.Error.Failed", "Not connected");
      const code = error.attError.toString(16).padStart(2, "0");
      throw new ObjectError("org.bluez.Error.Failed", `Operation failed with ATT error: 0x${code}`);
    }
  }

  #number(): string {
    return (this.#next++).toString(16).padStart(4, "0");
  }
}

const flagNames = {
  read: "read",
  write: "write",
  writeWithoutResponse: "write-without-response",
  notify: "notify",
  indicate: "indicate",
} as const;

function flagsOf({ properties }: ClientCharacteristic): string[] {
  const names = Object.entries(flagNames) as [keyof typeof flagNames, string][];
  return names.filter(([name]) => properties[name]).map(([, flag]) => flag);
}
