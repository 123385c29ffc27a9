import { type BleHost, type BleManager, loadBleHost } from "../radio/host-stack.ts";
import { PhoneError } from "./errors.ts";
import { HCISocket } from "./hci-socket.ts";
import { RadioConnection } from "./radio-connection.ts";
import { cancellable, checkNotCancelled, within } from "./waiting.ts";

const openTimeout = 5000;

export interface RadioHostOptions {
  /** TCP port of the radio daemon. */
  port: number;
  /** Units of 1.25 ms; absent: 20 to 25 (25 to 31 ms), what a phone usually takes. */
  connectionInterval?: number;
  /** Milliseconds after which a silent link is given up; absent: 5000. */
  supervisionTimeout?: number;
}

/** What was heard of a device, its scan response included. */
export interface AdvertisingReport {
  addressType: string;
  address: string;
  rssi: number;
  parsedDataItems: { localName?: string; serviceUuids?: string[] };
}

/** A central on the simulator's radio: npm ble-host, a whole LE host stack, on a virtual controller. */
export class RadioHost {
  /** Called when the radio has ended. */
  onLost: () => void = () => {};
  #options: RadioHostOptions;
  #socket: HCISocket;
  #host: BleHost;
  #manager: BleManager;
  #connections = new Set<RadioConnection>();
  #gone = false;

  private constructor(options: RadioHostOptions, socket: HCISocket, host: BleHost, manager: BleManager) {
    this.#options = options;
    this.#socket = socket;
    this.#host = host;
    this.#manager = manager;
    // ble-host reports the end of its transport as an error.
    manager.on("error", () => this.#lost());
  }

  /** @throws PhoneError RadioUnavailable */
  static async open(options: RadioHostOptions): Promise<RadioHost> {
    const socket = await HCISocket.open(options.port, openTimeout);
    const host = loadBleHost();
    const created = new Promise<BleManager>((resolve, reject) => {
      socket.once("lost", () => reject(new PhoneError("RadioUnavailable", "the radio closed the connection")));
      host.BleManager.create(socket, {}, (error, manager) => {
        if (error) return reject(new PhoneError("RadioUnavailable", error.message));
        socket.hostIsReady = true;
        // From now on it reports the end of the transport, and nobody may be listening yet (or ever, when this came too late).
        manager.on("error", () => {});
        resolve(manager);
      });
    });
    const late = () => new PhoneError("RadioUnavailable", "the controller does not answer");
    try {
      const manager = await within(openTimeout, created, late);
      return new RadioHost(options, socket, host, manager);
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  /**
   * Listens to devices that advertise the service, or to all, until it is told to stop.
   * @returns a function that ends it
   * @throws PhoneError RadioUnavailable
   */
  listen(service: string | undefined, onReport: (report: AdvertisingReport) => void): () => void {
    this.#check();
    const { ServiceUUIDScanFilter } = this.#host.BleManager;
    const scanFilters = service ? [new ServiceUUIDScanFilter(service.toUpperCase())] : undefined;
    const session = this.#manager.startScan({ activeScan: true, scanFilters });
    session.on("report", onReport);
    return () => {
      if (!this.#gone) session.stopScan();
    };
  }

  /** @throws PhoneError ConnectTimeout, RadioUnavailable, Cancelled */
  async connect(type: string, address: string, timeout: number, signal?: AbortSignal): Promise<RadioConnection> {
    this.#check();
    checkNotCancelled(signal);
    const { connectionInterval: interval, supervisionTimeout } = this.#options;
    const parameters: Record<string, number> = {};
    if (interval) parameters.connIntervalMin = parameters.connIntervalMax = interval;
    if (supervisionTimeout) parameters.supervisionTimeout = Math.max(10, Math.round(supervisionTimeout / 10));
    let cancel = () => {};
    const connected = new Promise<RadioConnection>((resolve) => {
      const pending = this.#manager.connect(type, address, parameters, (connection) =>
        resolve(this.#adopt(new RadioConnection(connection))),
      );
      cancel = () => pending.cancel(() => undefined);
    });
    const late = () => new PhoneError("ConnectTimeout", `no connection to ${address} within ${timeout} ms`);
    try {
      return await cancellable(within(timeout, connected, late), signal);
    } catch (error) {
      cancel();
      void connected.then((connection) => connection.close());
      throw error;
    }
  }

  async close(): Promise<void> {
    for (const connection of this.#connections) await connection.close();
    this.#lost();
    this.#socket.close();
  }

  #adopt(connection: RadioConnection): RadioConnection {
    this.#connections.add(connection);
    void connection.closed.then(() => this.#connections.delete(connection));
    return connection;
  }

  #check(): void {
    if (this.#gone) throw new PhoneError("RadioUnavailable", "the radio is gone");
  }

  #lost(): void {
    if (this.#gone) return;
    this.#gone = true;
    for (const connection of this.#connections) connection.lost();
    this.onLost();
  }
}
