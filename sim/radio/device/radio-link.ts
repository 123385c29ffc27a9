import TCP from "embedded:io/socket/tcp";
import Timer from "timer";
import { frame } from "./frame";
import { headerLength, maximumPayload } from "./protocol";

/** Who uses a RadioLink. An object instead of three functions: closures cost the device's machine a dozen slots each. */
export interface RadioLinkUser {
  /** The connection stands: the first frame may be sent. */
  radioConnected(link: RadioLink): void;
  /** A frame arrived. `payload` is valid until the method returns. */
  radioFrame(type: number, payload: Uint8Array): void;
  /** The connection ended, or could not be made. The next attempt is on its way. */
  radioLost(): void;
}

const firstPause = 200;
const longestPause = 5000;
/** Bytes that may wait to be sent. The radio reads at once, so more than this means that it hangs. */
const queueLimit = 8192;

/** A connection to the radio daemon that speaks frames (protocol.ts) and comes back after a loss, with growing pauses. */
export class RadioLink {
  #port: number;
  #user: RadioLinkUser;
  #socket: TCP | undefined;
  #connected = false;
  #timer: Timer | undefined;
  #pause = firstPause;
  #closed = false;

  #frame = new Uint8Array(headerLength + maximumPayload);
  #filled = 0;
  #queue: Uint8Array[] = [];
  #queued = 0;
  #writable = 0;

  /** @param port TCP port of the radio daemon on this machine */
  constructor(port: number, user: RadioLinkUser) {
    this.#port = port;
    this.#user = user;
    this.#timer = Timer.set(() => this.connect(), 0);
  }

  get connected(): boolean {
    return this.#connected;
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== undefined) Timer.clear(this.#timer);
    this.#timer = undefined;
    this.#socket?.close();
    this.#socket = undefined;
    this.#connected = false;
  }

  /** @returns false when there is no connection or no room: the frame is not sent then */
  send(type: number, head: number[], value?: Uint8Array): boolean {
    return this.sendFrame(frame(type, head, value));
  }

  /** One or more whole frames. */
  sendFrame(bytes: Uint8Array): boolean {
    if (!this.#connected) return false;
    if (this.#queued + bytes.length > queueLimit) {
      this.lost();
      return false;
    }
    this.#queue.push(bytes);
    this.#queued += bytes.length;
    this.flush();
    return true;
  }

  private connect(): void {
    this.#timer = undefined;
    this.#filled = 0;
    this.#queue.length = 0;
    this.#queued = 0;
    this.#writable = 0;
    try {
      this.#socket = new TCP({
        address: "127.0.0.1",
        port: this.#port,
        nodelay: true,
        format: "buffer",
        onReadable: () => this.receive(),
        onWritable: (count: number) => {
          this.#writable = count;
          if (!this.#connected) {
            this.#connected = true;
            this.#pause = firstPause;
            this.#user.radioConnected(this);
          }
          this.flush();
        },
        onError: () => this.lost(),
      });
    } catch {
      this.lost();
    }
  }

  private lost(): void {
    if (this.#closed || this.#timer !== undefined) return;
    this.#socket?.close();
    this.#socket = undefined;
    this.#connected = false;
    const pause = this.#pause * (0.75 + Math.random() / 2);
    this.#pause = Math.min(this.#pause * 2, longestPause);
    this.#timer = Timer.set(() => this.connect(), pause);
    this.#user.radioLost();
  }

  private flush(): void {
    while (this.#socket && this.#queue.length && this.#writable > 0) {
      const head = this.#queue[0];
      const count = Math.min(head.length, this.#writable);
      const piece = count === head.length ? head : head.slice(0, count);
      this.#writable -= count;
      this.#queued -= count;
      if (count === head.length) this.#queue.shift();
      else this.#queue[0] = head.subarray(count);
      this.#socket.write(piece);
    }
  }

  private receive(): void {
    const data = this.#socket?.read();
    if (!(data instanceof ArrayBuffer)) return;
    const bytes = new Uint8Array(data);
    let offset = 0;
    while (offset < bytes.length && this.#socket) {
      const wanted = this.#filled < headerLength ? headerLength : headerLength + this.payloadLength();
      if (wanted > this.#frame.length) {
        this.lost();
        return;
      }
      const count = Math.min(wanted - this.#filled, bytes.length - offset);
      this.#frame.set(bytes.subarray(offset, offset + count), this.#filled);
      this.#filled += count;
      offset += count;
      if (this.#filled >= headerLength && this.#filled === headerLength + this.payloadLength()) {
        this.#filled = 0;
        this.#user.radioFrame(this.#frame[0], this.#frame.subarray(headerLength, headerLength + this.payloadLength()));
      }
    }
  }

  private payloadLength(): number {
    return this.#frame[1] | (this.#frame[2] << 8);
  }
}
