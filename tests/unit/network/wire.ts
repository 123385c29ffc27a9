/** A TCP connection to a TLSServer whose window, pieces and end the test decides. */
import type { Transport } from "../../../modules/network/tls-socket";
import { join } from "./bytes";
import type { TLSServer } from "./tls-server";

export type WireCall = "open" | "read" | "write" | "close";

interface WireOptions {
  server: TLSServer;
  /** This call throws. */
  fails?: WireCall;
  /** Has room before its constructor has returned. */
  isEager?: boolean;
  target: unknown;
  onReadable(count: number): void;
  onWritable(count: number): void;
  onError(): void;
}

export class Wire implements Transport {
  /** The connection that was made last. */
  static last?: Wire;
  readonly options: WireOptions & Record<string, unknown>;
  readonly target: unknown;
  fails?: WireCall;
  closed = 0;
  /** Whether write says how much room is left. */
  tellsRoom = true;
  /** Bytes that may be written, and those that nobody has read. */
  room = 0;
  inbound = new Uint8Array(0);

  constructor(options: WireOptions & Record<string, unknown>) {
    this.options = options;
    this.target = options.target;
    this.fails = options.fails;
    this.#may("open");
    Wire.last = this;
    if (options.isEager) this.open();
  }

  read(buffer: Uint8Array): number {
    this.#may("read");
    if (!buffer.length || buffer.length > this.inbound.length) throw new Error("read what is not there");
    buffer.set(this.inbound.slice(0, buffer.length));
    this.inbound = this.inbound.slice(buffer.length);
    return buffer.length;
  }

  write(data: Uint8Array): number | undefined {
    this.#may("write");
    if (!data.length || data.length > this.room) throw new Error("write without room");
    this.room -= data.length;
    this.options.server.feed(data.slice());
    return this.tellsRoom ? this.room : undefined;
  }

  close(): void {
    this.closed += 1;
    this.#may("close");
  }

  /** TCP has room for so many bytes. */
  open(room = 10_000): void {
    this.room = room;
    this.options.onWritable.call(this, room);
  }

  /** What the server has said arrives, all of it or so many bytes at a time. */
  deliver(piece = Infinity): void {
    const data = this.options.server.take();
    for (let at = 0; at < data.length; at += piece) {
      this.inbound = join(this.inbound, data.slice(at, at + piece));
      this.options.onReadable.call(this, this.inbound.length);
    }
  }

  /** TCP has ended. */
  end(): void {
    this.options.onError.call(this);
  }

  #may(call: WireCall): void {
    if (this.fails === call) throw new Error(`${call} on purpose`);
  }
}
