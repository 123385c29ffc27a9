import type { RadioConnection } from "../../../sim/phone/radio-connection.ts";
import type { AdvertisingReport, RadioHost } from "../../../sim/phone/radio-host.ts";
import { type Interface, type Method, ObjectError, type ObjectTree } from "./dbus-objects.ts";
import { GattObjects } from "./gatt-objects.ts";

const adapterPath = "/org/bluez/hci0";
const adapterInterface = "org.bluez.Adapter1";
const deviceInterface = "org.bluez.Device1";
/** Milliseconds until BlueZ gives up a connection attempt, shorter than the real one's for the tests' sake. */
const connectTimeout = 4000;

const nothing: Method = { returns: "", call: () => {} };

/** The adapter hci0 of BlueZ (doc/org.bluez.Adapter.rst, org.bluez.Device.rst) on the simulator's radio. */
export class Adapter {
  #tree: ObjectTree;
  #radio: RadioHost;
  #connections = new Map<string, RadioConnection>();
  #connecting = new Map<string, AbortController>();
  #stopListening: (() => void) | undefined;

  constructor(tree: ObjectTree, radio: RadioHost) {
    this.#tree = tree;
    this.#radio = radio;
    tree.add("/org/bluez", {
      "org.bluez.AgentManager1": {
        methods: { RegisterAgent: nothing, UnregisterAgent: nothing, RequestDefaultAgent: nothing },
      },
      "org.bluez.ProfileManager1": { methods: { RegisterProfile: nothing, UnregisterProfile: nothing } },
    });
    tree.add(adapterPath, { [adapterInterface]: this.#adapter() });
  }

  async close(): Promise<void> {
    this.#stopDiscovery();
    for (const cancel of this.#connecting.values()) cancel.abort();
    for (const connection of [...this.#connections.values()]) await connection.close();
  }

  /** As the switch of a desktop or phone does: links end before the adapter is off, and nothing begins until it is on again. */
  async setPowered(isOn: boolean): Promise<void> {
    if (!isOn) await this.close();
    this.#tree.set(adapterPath, adapterInterface, { Powered: isOn });
  }

  #checkPowered(): void {
    if (!this.#tree.get(adapterPath, adapterInterface, "Powered"))
      throw new ObjectError("org.bluez.Error.NotReady", "Resource Not Ready");
  }

  #adapter(): Interface {
    return {
      properties: {
        Address: ["s", "F0:99:B6:00:00:01"],
        AddressType: ["s", "public"],
        Name: ["s", "desk"],
        Alias: ["s", "desk"],
        Class: ["u", 0],
        Powered: ["b", true],
        Discoverable: ["b", false],
        DiscoverableTimeout: ["u", 0],
        Pairable: ["b", false],
        PairableTimeout: ["u", 0],
        Discovering: ["b", false],
        UUIDs: ["as", []],
        Modalias: ["s", "usb:v1D6Bp0246d0540"],
        Roles: ["as", ["central"]],
      },
      methods: {
        SetDiscoveryFilter: nothing,
        StartDiscovery: { returns: "", call: () => this.#startDiscovery() },
        StopDiscovery: { returns: "", call: () => this.#stopDiscovery() },
        RemoveDevice: { returns: "", call: (path: string) => this.#tree.remove(path) },
      },
    };
  }

  #startDiscovery(): void {
    this.#checkPowered();
    if (this.#stopListening) return;
    this.#stopListening = this.#radio.listen(undefined, (report) => this.#heard(report));
    this.#tree.set(adapterPath, adapterInterface, { Discovering: true });
  }

  #stopDiscovery(): void {
    this.#stopListening?.();
    this.#stopListening = undefined;
    this.#tree.set(adapterPath, adapterInterface, { Discovering: false });
  }

  #heard({ addressType, address, rssi, parsedDataItems }: AdvertisingReport): void {
    const path = `${adapterPath}/dev_${address.replaceAll(":", "_")}`;
    const { localName, serviceUuids = [] } = parsedDataItems;
    if (this.#tree.has(path)) {
      this.#tree.set(path, deviceInterface, { RSSI: rssi });
      return;
    }
    // BlueZ shows a device as soon as it has a name, and the name comes with the scan response.
    if (!localName) return;
    this.#tree.add(path, {
      [deviceInterface]: {
        properties: {
          Address: ["s", address],
          AddressType: ["s", addressType],
          Name: ["s", localName],
          Alias: ["s", localName],
          Paired: ["b", false],
          Bonded: ["b", false],
          Trusted: ["b", false],
          Blocked: ["b", false],
          LegacyPairing: ["b", false],
          RSSI: ["n", rssi],
          Connected: ["b", false],
          UUIDs: ["as", serviceUuids.map((uuid) => uuid.toLowerCase())],
          Adapter: ["o", adapterPath],
          ServicesResolved: ["b", false],
        },
        methods: {
          Connect: { returns: "", call: () => this.#connect(path, addressType, address) },
          Disconnect: { returns: "", call: () => this.#disconnect(path) },
          Pair: nothing,
          CancelPairing: nothing,
        },
      },
    });
  }

  async #connect(path: string, type: string, address: string): Promise<void> {
    this.#checkPowered();
    if (this.#connections.has(path)) return;
    const cancel = new AbortController();
    this.#connecting.set(path, cancel);
    try {
      const connection = await this.#radio.connect(type, address, connectTimeout, cancel.signal);
      this.#connections.set(path, connection);
      // As BlueZ does: what was under way is answered with an error first. Chromium cannot bear it the other way round.
      void connection.closed.then(() => setImmediate(() => this.#disconnected(path)));
      this.#tree.set(path, deviceInterface, { Connected: true });
      void this.#publish(path, connection);
    } catch {
      throw new ObjectError("org.bluez.Error.Failed", "le-connection-abort-by-local");
    } finally {
      this.#connecting.delete(path);
    }
  }

  /** BlueZ answers Connect, and resolves the services after that. */
  async #publish(path: string, connection: RadioConnection): Promise<void> {
    try {
      await new GattObjects(this.#tree, path, connection).publish();
      this.#tree.set(path, deviceInterface, { ServicesResolved: true });
    } catch {
      await connection.close();
    }
  }

  async #disconnect(path: string): Promise<void> {
    this.#connecting.get(path)?.abort();
    await this.#connections.get(path)?.close();
  }

  #disconnected(path: string): void {
    this.#connections.delete(path);
    for (const service of this.#tree.below(path)) this.#tree.remove(service);
    this.#tree.set(path, deviceInterface, { Connected: false, ServicesResolved: false });
  }
}
