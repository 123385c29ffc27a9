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
/** Read at a time, in bytes: room for any frame. */
const pieceLength = headerLength + maximumPayload;

/** A connection to the radio daemon that speaks frames (protocol.ts) and comes back after a loss, with growing pauses. */
export class RadioLink {
  /** The socket calls them on itself, and its `target` is the link (ECMA-419): they take no memory of the device's machine. */
  static readonly #callbacks: object = Object.freeze({
    onReadable(this: { target: RadioLink }, count: number) {
      this.target.receive(count);
    },
    onWritable(this: { target: RadioLink }, count: number) {
      this.target.writable(count);
    },
    onError(this: { target: RadioLink }) {
      this.target.lost();
    },
  });

  #port: number;
  #user: RadioLinkUser;
  #socket: TCP | undefined;
  #connected = false;
  #timer: Timer | undefined;
  #pause = firstPause;
  #closed = false;

  /** The beginning of a frame, or more, without its end. */
  #rest: Uint8Array | undefined;
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
    if (!this.#connected) return false;
    const bytes = frame(type, head, value);
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
    this.#rest = undefined;
    this.#queue.length = 0;
    this.#queued = 0;
    this.#writable = 0;
    try {
      this.#socket = new TCP({
        address: "127.0.0.1",
        port: this.#port,
        nodelay: true,
        format: "buffer",
        target: this,
        ...RadioLink.#callbacks,
      });
    } catch {
      this.lost();
    }
  }

  private writable(count: number): void {
    this.#writable = count;
    if (!this.#connected) {
      this.#connected = true;
      this.#pause = firstPause;
      this.#user.radioConnected(this);
    }
    this.flush();
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

  private receive(count: number): void {
    for (let left = count; left > 0 && this.#socket; left -= pieceLength) {
      const data = this.#socket.read(Math.min(left, pieceLength));
      if (data instanceof ArrayBuffer) this.take(new Uint8Array(data));
    }
  }

  /** Hands out the whole frames, and keeps what is left. */
  private take(data: Uint8Array): void {
    const bytes = this.#rest ? joined(this.#rest, data) : data;
    this.#rest = undefined;
    let offset = 0;
    while (this.#socket && bytes.length - offset >= headerLength) {
      const start = offset + headerLength;
      const length = bytes[offset + 1] | (bytes[offset + 2] << 8);
      if (length > maximumPayload) {
        this.lost();
        return;
      }
      if (start + length > bytes.length) break;
      const type = bytes[offset];
      offset = start + length;
      this.#user.radioFrame(type, bytes.subarray(start, offset));
    }
    if (this.#socket && offset < bytes.length) this.#rest = bytes.slice(offset);
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}
