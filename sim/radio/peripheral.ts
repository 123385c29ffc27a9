import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { AttributeBuilder, type AttributeOwner, type ReadDone } from "./attributes.ts";
import { FromRadio, protocolVersion, ToRadio, unlikelyError } from "./device/protocol.ts";
import { type Frame, FrameReader, frame, u16 } from "./frames.ts";
import { type BleManager, type HostConnection, loadBleHost } from "./host-stack.ts";

/** ATT gives up after 30 s (Core Vol 3 Part F section 3.3.3): answer before that. */
const answerTimeout = 25_000;
const maximumConnections = 3;
/** Milliseconds before another try, when a controller has refused to advertise. */
const advertisingPause = 1000;

interface Pending {
  done: ReadDone;
  timer: NodeJS.Timeout;
}

/** What a camera's host stack runs on: a virtual controller, or a real adapter. */
export interface PeripheralController {
  readonly address: string;
  readonly advertising: boolean;
  /** Largest ATT MTU that the link lets the two hosts agree on. */
  mtu: number;
  /** An HCI packet (H4) from the host. */
  receive(packet: Buffer): void;
  setInRange(inRange: boolean): void;
  setPower(powered: boolean): void;
  remove(): void;
}

/** Makes the controller; `toHost` takes its HCI packets (H4). */
export type ControllerMaker = (toHost: (packet: Buffer) => void) => PeripheralController;

/**
 * The Bluetooth of one simulated device: a host stack on a controller. The device, another process, builds its
 * attributes and answers reads and writes over a TCP connection; when that connection ends, the radio falls silent.
 */
export class Peripheral implements AttributeOwner {
  readonly controller: PeripheralController;
  name = "";
  #socket: Socket;
  #manager: BleManager | undefined;
  #reader = new FrameReader();
  #attributes = new AttributeBuilder(this);
  #connections = new Map<number, HostConnection>();
  #nextConnection = 1;
  #nextRequest = 1;
  #pending = new Map<number, Pending>();
  #advertisement: { data: Buffer; response: Buffer } | undefined;
  #advertising = false;
  #closed = false;

  constructor(makeController: ControllerMaker, socket: Socket) {
    const transport = Object.assign(new EventEmitter(), {
      write: (packet: Buffer) => {
        if (!this.#closed) setImmediate(() => this.controller.receive(packet));
      },
    });
    this.controller = makeController((packet) => transport.emit("data", packet));
    this.#socket = socket;
    socket.on("close", () => this.close());
    loadBleHost().BleManager.create(transport, {}, (error, manager) => {
      if (error) {
        socket.destroy();
        return;
      }
      this.#manager = manager;
      this.#startIfComplete();
    });
  }

  get address(): string {
    return this.controller.address;
  }

  get advertising(): boolean {
    return this.controller.advertising;
  }

  receive(chunk: Buffer): void {
    try {
      for (const each of this.#reader.push(chunk)) this.#frame(each);
    } catch {
      this.#socket.destroy();
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { timer } of this.#pending.values()) clearTimeout(timer);
    this.#pending.clear();
    this.controller.remove();
  }

  // ---- from the device

  #frame({ type, payload }: Frame): void {
    switch (type) {
      case ToRadio.hello:
        if (payload[0] !== protocolVersion) throw new Error("another version of the protocol");
        this.controller.mtu = payload.readUInt16LE(1) || this.controller.mtu;
        this.name = payload.toString("utf8", 3);
        return;
      case ToRadio.service:
        this.#attributes.addService(payload);
        return;
      case ToRadio.characteristic:
        this.#attributes.addCharacteristic(payload);
        return;
      case ToRadio.descriptor:
        this.#attributes.addDescriptor(payload);
        return;
      case ToRadio.start:
        this.#complete = true;
        this.#startIfComplete();
        return;
      case ToRadio.deviceName:
        this.#deviceName = payload.toString("utf8");
        return;
      case ToRadio.appearance:
        this.#appearance = payload.readUInt16LE(0);
        return;
      case ToRadio.advertise:
        this.#startAdvertising(payload);
        return;
      case ToRadio.stopAdvertising:
        this.#advertisement = undefined;
        this.#stopAdvertising();
        return;
      case ToRadio.value:
        this.#answer(payload, payload.subarray(3));
        return;
      case ToRadio.written:
        this.#answer(payload, undefined);
        return;
      case ToRadio.notify:
        this.#notify(payload);
        return;
      case ToRadio.disconnect:
        this.#connections.get(payload.readUInt16LE(0))?.disconnect();
        return;
      default:
        throw new Error(`unknown frame ${type}`);
    }
  }

  #complete = false;
  #started = false;
  #deviceName: string | undefined;
  #appearance: number | undefined;

  #startIfComplete(): void {
    const manager = this.#manager;
    if (!manager || !this.#complete || this.#started || this.#closed) return;
    this.#started = true;
    if (this.#deviceName !== undefined) manager.gattDb.setDeviceName(this.#deviceName);
    if (this.#appearance !== undefined) manager.gattDb.setAppearance(this.#appearance);
    manager.gattDb.addServices(this.#attributes.services);
    this.#send(frame(FromRadio.ready));
  }

  #startAdvertising(payload: Buffer): void {
    const length = payload[0];
    const data = Buffer.from(payload.subarray(1, 1 + length));
    const response = Buffer.from(payload.subarray(2 + length, 2 + length + payload[1 + length]));
    this.#advertisement = { data, response };
    // As NimBLE under the SDK: what is advertised changes without a pause.
    if (this.#advertising) this.#setAdvertisingData();
    else this.#ensureAdvertising();
  }

  #setAdvertisingData(): void {
    const { data, response } = this.#advertisement!;
    this.#manager?.setAdvertisingData(data, () => undefined);
    this.#manager?.setScanResponseData(response, () => undefined);
  }

  /** Advertises unless there are as many phones as there is room for, like NimBLE under the SDK. */
  #ensureAdvertising(): void {
    const manager = this.#manager;
    if (!manager || !this.#advertisement || this.#advertising || this.#closed) return;
    if (this.#connections.size >= maximumConnections) return;
    this.#advertising = true;
    this.#setAdvertisingData();
    manager.startAdvertising({}, (status, connection) => {
      this.#advertising = false;
      if (status === 0) this.#connected(connection);
      if (status === 0) this.#ensureAdvertising();
      else setTimeout(() => this.#ensureAdvertising(), advertisingPause).unref();
    });
  }

  #stopAdvertising(): void {
    if (!this.#advertising) return;
    this.#advertising = false;
    this.#manager?.stopAdvertising(() => undefined);
  }

  #notify(payload: Buffer): void {
    const connection = this.#connections.get(payload.readUInt16LE(0));
    const characteristic = this.#attributes.characteristic(payload[2]);
    const token = [...payload.subarray(3, 5)];
    const value = Buffer.from(payload.subarray(5));
    const finished = (status: number) => this.#send(frame(FromRadio.notified, [...token, status]));
    if (!connection || connection.disconnected || !characteristic?.notify) finished(1);
    else if (characteristic.properties.includes("notify"))
      characteristic.notify(connection, value, undefined, () => finished(0));
    else characteristic.indicate?.(connection, value, () => finished(0));
  }

  #answer(payload: Buffer, value: Buffer | undefined): void {
    const id = payload.readUInt16LE(0);
    const pending = this.#pending.get(id);
    if (!pending) return;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    pending.done(payload[2], value ? Buffer.from(value) : undefined);
  }

  // ---- from the air

  #connected(connection: HostConnection): void {
    const number = this.#nextConnection++ & 0xffff;
    this.#connections.set(number, connection);
    connection.on("disconnect", (reason: number) => {
      this.#connections.delete(number);
      this.#send(frame(FromRadio.disconnected, [...u16(number), reason]));
      this.#ensureAdvertising();
    });
    connection.smp.on("pairingComplete", (result: { mitm: boolean; bonded: boolean; encryptionKeySize?: number }) => {
      const flags = 1 | (result.mitm ? 2 : 0) | (result.bonded ? 4 : 0);
      this.#send(frame(FromRadio.secured, [...u16(number), flags, result.encryptionKeySize ?? 16]));
    });
    this.#send(frame(FromRadio.connected, [...u16(number), ...u16(maximumWrite(connection))]));
  }

  // ---- for the attributes: ask the device

  read(connection: HostConnection, id: number, descriptor: number, done: ReadDone): void {
    const number = this.#numberOf(connection);
    if (!number) {
      done(unlikelyError);
      return;
    }
    const request = this.#request(done);
    const head = [...u16(request), ...u16(number), ...u16(maximumWrite(connection)), id, descriptor];
    this.#send(frame(FromRadio.read, head));
  }

  write(
    connection: HostConnection,
    id: number,
    descriptor: number,
    value: Buffer,
    done: ((error: number) => void) | undefined,
  ): void {
    const number = this.#numberOf(connection);
    if (!number) {
      done?.(unlikelyError);
      return;
    }
    const request = done ? this.#request(done) : 0;
    const head = [...u16(request), ...u16(number), ...u16(maximumWrite(connection)), id, descriptor];
    this.#send(frame(FromRadio.write, head, value));
  }

  subscribed(connection: HostConnection, id: number, flags: number): void {
    const number = this.#numberOf(connection);
    if (number) this.#send(frame(FromRadio.subscribed, [...u16(number), id, flags]));
  }

  #request(done: ReadDone): number {
    const id = this.#nextRequest;
    this.#nextRequest = (this.#nextRequest % 0xffff) + 1;
    const timer = setTimeout(() => {
      this.#pending.delete(id);
      done(unlikelyError);
    }, answerTimeout);
    this.#pending.set(id, { done, timer });
    return id;
  }

  #numberOf(connection: HostConnection): number {
    for (const [number, each] of this.#connections) if (each === connection) return number;
    return 0;
  }

  #send(bytes: Buffer): void {
    if (!this.#closed) this.#socket.write(bytes);
  }
}

function maximumWrite(connection: HostConnection): number {
  return connection.gatt.currentMtu - 3;
}
