/// <reference types="web-bluetooth" />
import { PhoneError } from "./errors.ts";
import {
  type ConnectOptions,
  type FoundCamera,
  type GattCentral,
  type GattLink,
  namePrefix,
  provisioningService,
  type ScanOptions,
} from "./gatt.ts";
import { cancellable, checkNotCancelled, pause, within } from "./waiting.ts";
import { WebBluetoothLink } from "./web-bluetooth-link.ts";

/**
 * Milliseconds between the end of a link and the next connection to the same camera. A browser says that a link is gone before the
 * adapter has let go of it; Chromium's Bluetooth on Linux hangs until the page is loaded again when it is asked for more meanwhile.
 */
const settleTime = 500;

/** The browser's Web Bluetooth, or undefined where there is none: other browsers, and pages from an address that is not secure. */
export function browserBluetooth(): Bluetooth | undefined {
  return (globalThis as { navigator?: { bluetooth?: Bluetooth } }).navigator?.bluetooth;
}

/**
 * A browser's own Bluetooth (https://webbluetoothcg.github.io/web-bluetooth/). A scan is the browser's chooser: it has no time-out, the
 * person ends it. Cameras that were chosen once are connected to without it, in this page and, where the browser has
 * `getDevices`, after a reload.
 */
export class WebBluetoothCentral implements GattCentral {
  readonly hasChooser = true;
  #bluetooth: Bluetooth | undefined;
  #devices = new Map<string, BluetoothDevice>();
  #links = new Set<GattLink>();
  /** When the last link to each device ended (performance.now()). */
  #ended = new Map<string, number>();

  constructor(bluetooth: Bluetooth | undefined = browserBluetooth()) {
    this.#bluetooth = bluetooth;
  }

  async scan({ name, onFound, signal }: ScanOptions): Promise<FoundCamera[]> {
    checkNotCancelled(signal);
    const known = name === undefined ? undefined : await this.#find(name);
    const camera = known ?? this.#prefer(await cancellable(this.#choose(name), signal));
    onFound?.(camera);
    return [camera];
  }

  /** Cameras of this page and of earlier visits that the person has allowed. */
  async remembered(): Promise<FoundCamera[]> {
    const devices = (await this.#bluetooth?.getDevices?.().catch(() => [])) ?? [];
    for (const device of devices) if (!this.#devices.has(device.id)) this.#remember(device);
    return [...this.#devices.values()].map(describe).filter(({ name }) => name.startsWith(namePrefix));
  }

  async connect(id: string, { timeout, signal }: ConnectOptions): Promise<GattLink> {
    checkNotCancelled(signal);
    const device = this.#devices.get(id);
    if (!device?.gatt) throw new PhoneError("CameraNotFound", "the camera has not been chosen");
    const { gatt } = device;
    const late = () => new PhoneError("ConnectTimeout", `no connection to ${device.name} within ${timeout} ms`);
    let opened: Promise<GattLink> | undefined;
    try {
      await this.#settle(id, signal);
      opened = openLinkPatiently(device, gatt, timeout);
      const link = await cancellable(within(timeout, opened, late), signal);
      this.#links.add(link);
      void link.closed.then(() => {
        this.#links.delete(link);
        this.#ended.set(id, performance.now());
      });
      return link;
    } catch (error) {
      // Nobody waits any more for a link that may still come.
      opened?.then((link) => link.close()).catch(() => {});
      gatt.disconnect();
      this.#ended.set(id, performance.now());
      if (error instanceof PhoneError) throw error;
      if (saysOff(error as Error)) throw switchedOff();
      await this.#checkPower();
      throw new PhoneError("ConnectTimeout", `no connection to ${device.name}: ${(error as Error).message}`);
    }
  }

  async close(): Promise<void> {
    for (const link of [...this.#links]) await link.close();
  }

  async #settle(id: string, signal: AbortSignal | undefined): Promise<void> {
    const left = (this.#ended.get(id) ?? Number.NEGATIVE_INFINITY) + settleTime - performance.now();
    if (left > 0) await pause(left, signal);
  }

  async #find(name: string): Promise<FoundCamera | undefined> {
    const isWanted = (camera: FoundCamera) => camera.name === name;
    return [...this.#devices.values()].map(describe).find(isWanted) ?? (await this.remembered()).find(isWanted);
  }

  /** The browser's chooser. */
  async #choose(name: string | undefined): Promise<BluetoothDevice> {
    if (!this.#bluetooth) throw unsupported();
    const filters = [name === undefined ? { namePrefix } : { name }];
    try {
      return await this.#bluetooth.requestDevice({ filters, optionalServices: [provisioningService] });
    } catch (error) {
      throw await this.#chooserFailure(error as Error);
    }
  }

  /** The specification has few names for many causes; the messages are Chromium's. */
  async #chooserFailure({ name, message }: Error): Promise<PhoneError> {
    if (name === "SecurityError" && /gesture/i.test(message))
      return new PhoneError("GestureNeeded", "the browser asks for a click before it shows its chooser");
    if (name === "SecurityError" || /denied|policy|permission|disabled|blocked/i.test(message))
      return new PhoneError("BluetoothDenied", `the page may not use Bluetooth: ${message}`);
    if (name === "NotSupportedError") return unsupported();
    if (!(await this.#isAvailable()) || saysOff({ message })) return switchedOff();
    return new PhoneError("Cancelled", "no camera was chosen");
  }

  async #checkPower(): Promise<void> {
    if (!(await this.#isAvailable())) throw switchedOff();
  }

  async #isAvailable(): Promise<boolean> {
    return (await this.#bluetooth?.getAvailability?.().catch(() => true)) ?? true;
  }

  /** What the person has just chosen counts, and not what an earlier visit knows under the same name. */
  #prefer(device: BluetoothDevice): FoundCamera {
    for (const { id, name } of [...this.#devices.values()]) if (name === device.name) this.#devices.delete(id);
    return this.#remember(device);
  }

  #remember(device: BluetoothDevice): FoundCamera {
    this.#devices.set(device.id, device);
    return describe(device);
  }
}

/** Where letting go took longer than the pause before, the connection is the old one, and ends. */
async function openLinkPatiently(
  device: BluetoothDevice,
  gatt: BluetoothRemoteGATTServer,
  timeout: number,
): Promise<GattLink> {
  try {
    return await openLink(device, gatt, timeout);
  } catch (error) {
    if ((error as PhoneError).code !== "Disconnected") throw error;
  }
  await pause(settleTime);
  return await openLink(device, gatt, timeout);
}

async function openLink(device: BluetoothDevice, gatt: BluetoothRemoteGATTServer, timeout: number): Promise<GattLink> {
  try {
    return await WebBluetoothLink.open(device, await gatt.connect());
  } catch (error) {
    // A device of an earlier visit is not known to the adapter until it has been heard again.
    if (!/no longer in range/i.test((error as Error).message) || !device.watchAdvertisements) throw error;
  }
  if (!(await heard(device, timeout)))
    throw new PhoneError("CameraNotFound", `${device.name} is not advertising nearby`);
  return await WebBluetoothLink.open(device, await gatt.connect());
}

/** Waits for an advertisement. */
async function heard(device: BluetoothDevice, timeout: number): Promise<boolean> {
  const watching = new AbortController();
  const advertisement = new Promise<boolean>((resolve) => {
    device.addEventListener("advertisementreceived", () => resolve(true), { once: true });
  });
  try {
    await device.watchAdvertisements({ signal: watching.signal });
    return await within(timeout, advertisement, () => new Error("late"));
  } catch (error) {
    if (saysOff(error as Error)) throw error;
    return false;
  } finally {
    watching.abort();
  }
}

function describe({ id, name = "" }: BluetoothDevice): FoundCamera {
  return { id, name };
}

/** An adapter that is there and switched off is "available" to Chromium; only its messages tell. */
const saysOff = ({ message }: Pick<Error, "message">) => /adapter|not ready/i.test(message);

function switchedOff(): PhoneError {
  return new PhoneError("BluetoothOff", "there is no Bluetooth adapter, or it is switched off");
}

function unsupported(): PhoneError {
  return new PhoneError(
    "BluetoothUnsupported",
    "this browser has no Web Bluetooth, or the page's address is not secure",
  );
}
