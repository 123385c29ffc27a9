import type { EventEmitter } from "node:events";
import { Command, PacketType } from "./hci.ts";
import type { PeripheralController } from "./peripheral.ts";

/** A socket of npm hci-socket: one whole HCI packet (H4) in each call and in each `data`; `close` when the adapter is gone. */
export interface AdapterSocket extends EventEmitter {
  write(packet: Buffer): void;
  close(): void;
}

/** What npm hci-socket exports. */
export type AdapterSocketClass = new (index: number) => AdapterSocket;

export type AdapterFailure = "NotInstalled" | "NoAdapter" | "Busy" | "NotPermitted" | "Blocked" | "AdapterFailed";

/** Why there is no real radio, and what to do. */
export class AdapterError extends Error {
  readonly code: AdapterFailure;

  constructor(code: AdapterFailure, message: string) {
    super(message);
    this.code = code;
  }
}

const moduleName: string = "hci-socket";
/** errno of "Operation not possible due to RF-kill" and "Address family not supported", which hci-socket has no names for. */
const rfkill = 132;
const noAddressFamily = 97;

/** Only who asks for a real adapter needs the module, which has a native part and runs on Linux alone. */
async function loadModule(): Promise<AdapterSocketClass> {
  const { default: HciSocket } = await import(moduleName);
  return HciSocket;
}

/**
 * A real Bluetooth adapter, for a simulated camera that real phones can meet. It belongs to this process until it is closed.
 * @param index 0 for hci0
 * @throws AdapterError
 */
export async function openAdapter(
  index: number,
  load: () => Promise<AdapterSocketClass> = loadModule,
): Promise<Adapter> {
  let HciSocket: AdapterSocketClass;
  try {
    HciSocket = await load();
  } catch (error) {
    throw notLoaded(error as NodeJS.ErrnoException);
  }
  try {
    return new Adapter(new HciSocket(index));
  } catch (error) {
    throw notOpened(index, error as NodeJS.ErrnoException);
  }
}

/** What its native part is built with. */
const builtWith = "On Linux, with a C++ compiler, make and Python";

function notLoaded({ code, message }: NodeJS.ErrnoException): AdapterError {
  if (code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND")
    return new AdapterError(
      "NotInstalled",
      `--hci needs the npm package hci-socket, which is not installed. ${builtWith}: npm install --no-save --ignore-scripts=false hci-socket`,
    );
  // npm ci brings the package, which ble-host names as optional, without running what builds it.
  const reason = message.split("\n")[0].replace(/[.:]? ?(Tried:)?$/, "");
  return new AdapterError(
    "NotInstalled",
    `--hci needs the native part of the npm package hci-socket, which has yet to be built (${reason}). ${builtWith}: npm rebuild --ignore-scripts=false hci-socket`,
  );
}

function notOpened(index: number, { code, errno, message }: NodeJS.ErrnoException): AdapterError {
  const name = `hci${index}`;
  if (code === "ENODEV")
    return new AdapterError(
      "NoAdapter",
      `there is no Bluetooth adapter ${name}. "ls /sys/class/bluetooth" shows which ones there are; the number is the option's: --hci 0`,
    );
  if (code === "EBUSY")
    return new AdapterError(
      "Busy",
      `the Bluetooth adapter ${name} is in use. Stop who uses it, usually the Bluetooth service: sudo systemctl stop bluetooth`,
    );
  if (code === "EPERM" || code === "EACCES")
    return new AdapterError(
      "NotPermitted",
      `this process may not use the Bluetooth adapter ${name}: it needs CAP_NET_ADMIN. Run as root, or: sudo setcap cap_net_admin=ep "$(readlink -f "$(which node)")"`,
    );
  if (errno === -rfkill)
    return new AdapterError("Blocked", `the Bluetooth adapter ${name} is switched off: rfkill unblock bluetooth`);
  if (errno === -noAddressFamily)
    return new AdapterError(
      "NoAdapter",
      "this Linux has no Bluetooth: its kernel does not know it, or this is a container that may not use it (docker run --net=host --privileged)",
    );
  return new AdapterError("AdapterFailed", `the Bluetooth adapter ${name} could not be opened: ${message}`);
}

/** The adapter in place of a virtual controller. One camera uses it at a time. */
export class Adapter {
  /** The adapter was unplugged, or has failed. */
  onGone: () => void = () => {};
  #socket: AdapterSocket;
  #user: ((packet: Buffer) => void) | undefined;
  #closed = false;

  constructor(socket: AdapterSocket) {
    this.#socket = socket;
    socket.on("data", (packet: Buffer) => this.#user?.(packet));
    socket.on("close", () => this.#gone());
    socket.on("error", () => this.#gone());
  }

  get inUse(): boolean {
    return this.#user !== undefined;
  }

  /** For one camera, until it is removed. @throws Error while another one uses it */
  attach(toHost: (packet: Buffer) => void): PeripheralController {
    if (this.#user) throw new Error("the adapter is in use by another camera");
    this.#user = toHost;
    return new AdapterController(this);
  }

  write(packet: Buffer): void {
    if (this.#closed) return;
    try {
      this.#socket.write(packet);
    } catch {
      this.#gone();
    }
  }

  /** The camera is gone: what it had begun on the adapter ends. */
  release(): void {
    if (!this.#user) return;
    this.#user = undefined;
    this.write(Buffer.from([PacketType.command, Command.reset & 0xff, Command.reset >> 8, 0]));
  }

  close(): void {
    if (this.#closed) return;
    this.release();
    this.#closed = true;
    this.#socket.close();
  }

  #gone(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.onGone();
  }
}

/** Range, power and MTU are what they are on real hardware. */
class AdapterController implements PeripheralController {
  mtu = 0;
  readonly address = "adapter";
  advertising = false;
  #adapter: Adapter;
  #removed = false;

  constructor(adapter: Adapter) {
    this.#adapter = adapter;
  }

  receive(packet: Buffer): void {
    if (this.#removed) return;
    if (packet[0] === PacketType.command && packet.readUInt16LE(1) === Command.leSetAdvertisingEnable)
      this.advertising = packet[4] === 1;
    this.#adapter.write(packet);
  }

  remove(): void {
    if (this.#removed) return;
    this.#removed = true;
    this.#adapter.release();
  }

  setInRange(): void {}

  setPower(): void {}
}
