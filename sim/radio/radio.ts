import { createServer, type Server, type Socket } from "node:net";
import type { Adapter } from "./adapter.ts";
import { Air } from "./air.ts";
import { BtsnoopWriter } from "./btsnoop.ts";
import { Controller } from "./controller.ts";
import { ToRadio, WiFiFrame } from "./device/protocol.ts";
import { H4Framer, PacketType } from "./hci.ts";
import type { Pace } from "./link.ts";
import { type ControllerMaker, Peripheral } from "./peripheral.ts";
import { type WiFiNetwork, WiFiNetworks } from "./wifi-networks.ts";

export interface RadioOptions {
  /** TCP port on 127.0.0.1; 0 or absent: any. */
  port?: number;
  /** Largest ATT MTU, 23 to 517. */
  mtu?: number;
  pace?: Pace;
  /** Milliseconds; absent: what the phone asks for. */
  supervisionTimeout?: number;
  /** File for a capture that Wireshark opens. */
  btsnoop?: string;
  /** A real Bluetooth adapter: the device is there instead of on the virtual air. One device at a time; whoever is second is turned away. */
  adapter?: Adapter;
  /** Somebody else's air, for phones that are to hear what is on it; the options of the air are that one's then. */
  air?: Air;
}

export interface DeviceState {
  name: string;
  address: string;
  advertising: boolean;
}

interface RadioParts {
  btsnoop?: BtsnoopWriter;
  adapter?: Adapter;
}

/** A radio that is listening, with its test switches. Switches apply to every device that is attached, now or later. */
export class Radio {
  readonly port: number;
  #server: Server;
  #air: Air;
  #btsnoop: BtsnoopWriter | undefined;
  #adapter: Adapter | undefined;
  #sockets = new Set<Socket>();
  #devices = new Set<Peripheral>();
  #wifi = new WiFiNetworks();
  #nextDevice = 1;
  #nextPhone = 1;
  #phones = 0;
  #inRange = true;
  #powered = true;

  private constructor(server: Server, air: Air, { btsnoop, adapter }: RadioParts) {
    this.#server = server;
    this.#adapter = adapter;
    this.#air = air;
    this.#btsnoop = btsnoop;
    this.port = (server.address() as { port: number }).port;
    server.on("connection", (socket) => this.#accept(socket));
  }

  static async listen(options: RadioOptions = {}): Promise<Radio> {
    const server = createServer({ noDelay: true });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(options.port ?? 0, "127.0.0.1", resolve);
    });
    const btsnoop = options.btsnoop ? new BtsnoopWriter(options.btsnoop) : undefined;
    const { mtu, pace, supervisionTimeout, adapter } = options;
    return new Radio(server, options.air ?? new Air({ mtu, pace, supervisionTimeout, btsnoop }), { btsnoop, adapter });
  }

  get devices(): DeviceState[] {
    return [...this.#devices].map(({ name, address, advertising }) => ({ name, address, advertising }));
  }

  /** Phones that are attached. */
  get phones(): number {
    return this.#phones;
  }

  /** Links between phones and devices. */
  get links(): number {
    return this.#air.links.size;
  }

  /** Those of them that the two hosts have encrypted. */
  get encryptedLinks(): number {
    return [...this.#air.links].filter(({ encrypted }) => encrypted).length;
  }

  setMTU(mtu: number): void {
    if (!(mtu >= 23 && mtu <= 517)) throw new RangeError("an ATT MTU is 23 to 517");
    this.#air.mtu = mtu;
  }

  setPace(pace: Pace | undefined): void {
    this.#air.pace = pace;
  }

  /** Carries the devices out of range and back. Links end after the supervision time-out only. */
  setInRange(inRange: boolean): void {
    this.#inRange = inRange;
    for (const device of this.#devices) device.controller.setInRange(inRange);
  }

  /** The devices' Bluetooth is switched off and on. */
  setPower(powered: boolean): void {
    this.#powered = powered;
    for (const device of this.#devices) device.controller.setPower(powered);
  }

  /** Ends every link as if the supervision time-out had just passed. */
  dropLinks(): void {
    for (const link of [...this.#air.links]) link.lose();
  }

  /** The Wi-Fi networks that every device hears from now on; one that is gone ends the connection of who was on it. */
  setWiFiNetworks(networks: WiFiNetwork[]): void {
    this.#wifi.set(networks);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await this.#btsnoop?.close();
    this.#adapter?.close();
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    socket.once("data", (first: Buffer) => {
      if (first[0] === ToRadio.hello) this.#attachDevice(socket, first);
      else if (first[0] === WiFiFrame.hello) this.#wifi.attach(socket);
      else if (first[0] === PacketType.command) this.#attachPhone(socket, first);
      else socket.destroy();
    });
  }

  #attachDevice(socket: Socket, first: Buffer): void {
    const maker = this.#controllerMaker();
    if (!maker) {
      socket.destroy();
      return;
    }
    const device = new Peripheral(maker, socket);
    device.controller.setInRange(this.#inRange);
    if (!this.#powered) device.controller.setPower(false);
    this.#devices.add(device);
    socket.on("close", () => this.#devices.delete(device));
    socket.on("data", (chunk: Buffer) => device.receive(chunk));
    device.receive(first);
  }

  /** @returns undefined while another device has the adapter */
  #controllerMaker(): ControllerMaker | undefined {
    const adapter = this.#adapter;
    if (adapter) return adapter.inUse ? undefined : (toHost) => adapter.attach(toHost);
    const address = `24:6F:28:00:00:${hex(this.#nextDevice++)}`;
    return (toHost) => new Controller(this.#air, address, toHost, "camera");
  }

  #attachPhone(socket: Socket, first: Buffer): void {
    const toHost = (packet: Buffer) => {
      if (socket.writable) socket.write(packet);
    };
    const controller = new Controller(this.#air, `F0:99:B6:00:00:${hex(this.#nextPhone++)}`, toHost, "phone");
    this.#phones += 1;
    const framer = new H4Framer();
    const receive = (chunk: Buffer) => {
      try {
        for (const packet of framer.push(chunk)) controller.receive(packet);
      } catch {
        socket.destroy();
      }
    };
    socket.on("data", receive);
    socket.on("close", () => {
      this.#phones -= 1;
      controller.remove();
    });
    receive(first);
  }
}

function hex(value: number): string {
  return (value & 0xff).toString(16).toUpperCase().padStart(2, "0");
}

/** A radio in this process; sim/radio/main.ts is the same as a process of its own. */
export function startRadio(options?: RadioOptions): Promise<Radio> {
  return Radio.listen(options);
}
