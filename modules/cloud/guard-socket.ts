import Timer from "timer";
import { type OwnedTimer, setTimer } from "../network/owned-timer";
import { type Bytes, PINGRESP } from "./client-interface";
import { asCloudError, type CloudError } from "./cloud-error";
import { PacketFilter, type PacketWatcher, type PublishHeader } from "./packet-filter";

/** TLSSocket or TCP, ECMA-419 shape, in format "buffer". */
export interface Transport {
  format: "number" | "buffer";
  /** Fills the whole buffer, which is never larger than what is there to read. */
  read(buffer: Uint8Array): unknown;
  /** @returns how many more bytes can be written now */
  write(data: Bytes, options?: { more?: boolean; byteLength?: number }): number;
  close(): void;
}

export interface TransportOptions {
  io: new (options: never) => Transport;
  [option: string]: unknown;
}

/** What the guard tells the connection that it belongs to. */
export interface GuardWatcher extends PacketWatcher {
  /** Once, with the filter's view of the PUBLISH that stands at the gate or is passing; the same object describes each one in turn. */
  onGuard(guard: GuardSocket, publish: PublishHeader): void;
  /** A PUBLISH stands at the gate: nothing is read from the transport until `admit()`. */
  onMessageAtGate(): void;
  /** TLS is up; the client sends CONNECT now. */
  onOpen(): void;
  /** The connection is lost, and why. The client is not told: it would not pass the reason on. */
  onError(error: CloudError): void;
}

/** The `socket` option of the MQTT client, as the client hands it on with what it adds. */
export interface GuardSocketOptions {
  transport: TransportOptions;
  watcher: GuardWatcher;
  maximumMessage: number;
  address: string;
  host: string;
  port: number;
  onReadable(count: number): void;
  onWritable(count: number): void;
  onError(error?: unknown): void;
}

/** Read from the transport at a time. Only this many bytes of a message are ever held here. */
const bufferLength = 256;

const pingresp = Uint8Array.of(PINGRESP << 4, 0);

/**
 * Sits between the MQTT client and its socket, and is to each of them what the other one would be. It shows the client the
 * packets that the filter lets through, and lets no exception reach a callback, where it would end the virtual machine.
 *
 * Each PUBLISH stops at a gate, and with it everything behind: what the device cannot take yet stays in TLS, in TCP, and with the
 * broker. An admitted one passes from a timer, so that the client has had its turn to acknowledge the one before.
 */
export class GuardSocket {
  /** The transport calls them on itself, and its `target` is the guard. */
  static readonly #callbacks = Object.freeze({
    onReadable(this: { target: GuardSocket }, count: number) {
      this.target.onReadable(count);
    },
    onWritable(this: { target: GuardSocket }, count: number) {
      this.target.onWritable(count);
    },
    onError(this: { target: GuardSocket }, error?: unknown) {
      this.target.fail(asCloudError(error, "ConnectionClosed", "the connection was closed by the peer"));
    },
  });

  static #again({ owner }: OwnedTimer<GuardSocket>): void {
    owner.#timer = undefined;
    if (owner.#error) owner.#watcher.onError(owner.#error);
    else owner.pump();
  }

  format: "number" | "buffer" = "buffer";
  #transport?: Transport;
  #watcher: GuardWatcher;
  #filter: PacketFilter;
  #showClient: (count: number) => void;
  #tellClient: (count: number) => void;
  #buffer = new Uint8Array(bufferLength);
  /** Bytes of #buffer that the filter has not seen yet. */
  #start = 0;
  #end = 0;
  /** Bytes that the transport holds. */
  #available = 0;
  /** What the client may read now: part of #buffer, or the filter's head. */
  #window: Uint8Array = this.#buffer;
  #position = 0;
  #limit = 0;
  #gate: "open" | "held" | "admitted" = "open";
  #open = false;
  #closed = false;
  /** The transport or the client is at work: what comes up meanwhile waits for the timer. */
  #busy = true;
  #error?: CloudError;
  #timer?: Timer;

  constructor(options: GuardSocketOptions) {
    const { transport, watcher, maximumMessage, address, host, port } = options;
    this.#watcher = watcher;
    this.#showClient = options.onReadable;
    this.#tellClient = options.onWritable;
    this.#filter = new PacketFilter(watcher, maximumMessage);
    watcher.onGuard(this, this.#filter.publish);
    try {
      this.#transport = new transport.io({
        ...transport,
        address,
        host,
        port,
        format: "buffer",
        target: this,
        ...GuardSocket.#callbacks,
      } as never);
    } catch (error) {
      this.fail(asCloudError(error, "ClientFailed", "the socket could not be made"));
    }
    this.#busy = false;
  }

  /** Whether a PUBLISH has not passed the gate yet. */
  get isHeld(): boolean {
    return this.#gate !== "open";
  }

  /** Lets the PUBLISH at the gate pass, soon. */
  admit(): void {
    if (this.#gate !== "held") return;
    this.#gate = "admitted";
    this.later();
  }

  /**
   * Gives the client a PINGRESP in the place of the broker, whose own may stand behind the PUBLISH at the gate: the client would take a
   * connection for dead that we do not read ourselves. At the gate the client is between two packets.
   */
  pong(): void {
    if (!this.isHeld || this.#busy) return;
    this.#busy = true;
    try {
      this.showWindow(pingresp, 0, pingresp.length);
    } catch (error) {
      this.fail(asCloudError(error, "ClientFailed", "the MQTT client failed"));
    }
    this.#busy = false;
  }

  close(): void {
    this.#closed = true;
    Timer.clear(this.#timer);
    this.#timer = undefined;
    this.#position = this.#limit = 0;
    const transport = this.#transport;
    this.#transport = undefined;
    try {
      transport?.close();
    } catch {
      // It is gone in any case.
    }
  }

  /** In format "number" the next byte, otherwise an ArrayBuffer of `count` bytes, or the buffer filled; undefined when there is nothing. */
  read(count?: number | Bytes): number | ArrayBuffer | undefined {
    const available = this.#limit - this.#position;
    if (!available) return undefined;
    let result: number | ArrayBuffer;
    if (this.format === "number") {
      result = this.#window[this.#position];
      this.#position += 1;
    } else {
      const from = this.#position;
      this.#position += Math.min(available, typeof count === "object" ? count.byteLength : (count ?? available));
      const bytes = this.#window.subarray(from, this.#position);
      if (typeof count === "object") {
        const target = count instanceof Uint8Array ? count : new Uint8Array(count);
        target.set(bytes);
        result = bytes.length;
      } else result = bytes.slice().buffer;
    }
    if (this.#position === this.#limit && !this.#busy) this.later();
    return result;
  }

  /** Never throws: some of the client's writes come from its own timers. */
  write(data: Bytes, options?: { more?: boolean; byteLength?: number }): number {
    const wasBusy = this.#busy;
    this.#busy = true;
    try {
      return this.#transport?.write(data, options) ?? 0;
    } catch (error) {
      this.fail(asCloudError(error, "ClientFailed", "write failed"));
      return 0;
    } finally {
      this.#busy = wasBusy;
    }
  }

  private onReadable(count: number): void {
    this.#available = count;
    // From the bottom of the stack, not on top of TCP and TLS.
    this.later();
  }

  private onWritable(count: number): void {
    if (this.#closed) return;
    if (!this.#open) {
      this.#open = true;
      this.#watcher.onOpen();
    }
    const wasBusy = this.#busy;
    this.#busy = true;
    try {
      this.#tellClient(count);
    } catch (error) {
      this.fail(asCloudError(error, "ClientFailed", "the MQTT client failed"));
    }
    this.#busy = wasBusy;
  }

  /** Moves packets from the transport to the client until one of them has had enough. */
  private pump(): void {
    if (this.#busy) {
      this.later();
      return;
    }
    this.#busy = true;
    try {
      if (this.#gate === "admitted") {
        this.#gate = "open";
        this.show(0);
      }
      while (!this.#closed && !this.isHeld && this.#position === this.#limit && this.fill()) {
        const from = this.#start;
        this.#start += this.#filter.next(this.#buffer, from, this.#end);
        if (this.#filter.startsMessage) this.hold();
        else this.show(from);
      }
    } catch (error) {
      this.fail(asCloudError(error, "ClientFailed", "the MQTT client failed"));
    }
    this.#busy = false;
  }

  /** @returns false when there is nothing to look at */
  private fill(): boolean {
    if (this.#start < this.#end) return true;
    const count = Math.min(this.#available, bufferLength);
    if (!count) return false;
    this.#start = 0;
    this.#end = count;
    this.#available -= count;
    this.#transport!.read(count === bufferLength ? this.#buffer : this.#buffer.subarray(0, count));
    return true;
  }

  private hold(): void {
    this.#gate = "held";
    this.#watcher.onMessageAtGate();
  }

  private show(from: number): void {
    const { verdict, head, headLength } = this.#filter;
    if (verdict === "head") this.showWindow(head, 0, headLength);
    else if (verdict === "body") this.showWindow(this.#buffer, from, this.#start);
  }

  private showWindow(window: Uint8Array, from: number, to: number): void {
    this.#window = window;
    this.#position = from;
    this.#limit = to;
    this.#showClient(to - from);
  }

  /** Told when nobody is in the middle of anything: the watcher closes the client, and the client this socket. */
  private fail(error: CloudError): void {
    if (this.#closed) return;
    this.#error ??= error;
    if (this.#busy) this.later();
    else this.#watcher.onError(this.#error);
  }

  private later(): void {
    if (!this.#closed) this.#timer ??= setTimer(this, GuardSocket.#again, 0);
  }
}
