import Time from "time";
import Timer from "timer";
import { codec, encodeControl, type TopicFilter } from "./mqtt-codec";
import { type Packet, PacketParser } from "./mqtt-parser";

/**
 * `embedded:network/mqtt/client` on the XS host: the ECMA-419 MQTT 3.1.1 client with the interface and the behaviour of the
 * SDK's, so that firmware runs on both unchanged. Like the SDK's it streams payloads instead of keeping them, reports the room
 * in the socket less eight bytes for its own acknowledgements, pings by itself, and does not say in `onControl` whether a
 * session was present. Unlike the SDK's it survives a PUBLISH without payload.
 */

type Bytes = ArrayBuffer | Uint8Array;

interface Socket {
  format: "number" | "buffer";
  read(count?: number | Bytes): number | ArrayBuffer | undefined;
  write(data: Bytes, options?: { more: boolean; byteLength?: number }): number;
  close(): void;
}

interface Resolver {
  resolve(options: { host: string; onResolved(host: string, address: string): void; onError(): void }): void;
}

interface Will {
  topic: string;
  message: string | ArrayBuffer;
  QoS?: number;
  retain?: boolean;
}

interface Identity {
  id?: string;
  clean?: boolean;
  /** Milliseconds. */
  keepAlive?: number;
  user?: string;
  password?: string | ArrayBuffer;
  will?: Will;
}

interface Callbacks {
  onReadable?(count: number, options: object): void;
  onWritable?(count: number): void;
  onControl?(message: Control): void;
  onError?(): void;
}

interface Options extends Identity, Callbacks {
  target?: unknown;
  host: string;
  port?: number;
  dns: { io: new (options: object) => Resolver };
  socket: { io: new (options: object) => Socket };
}

interface Control {
  operation: number;
  id?: number;
  returnCode?: number;
  payload?: number[];
}

interface WriteOptions {
  operation?: number;
  id?: number;
  topic?: string;
  QoS?: number;
  retain?: boolean;
  duplicate?: boolean;
  byteLength?: number;
  items?: TopicFilter[];
}

/** Kept free in the socket, for two acknowledgements. */
const overhead = 8;
const connectLimit = 30_000;

export default class MQTTClient {
  static CONNECT = 1 as const;
  static CONNACK = 2 as const;
  static PUBLISH = 3 as const;
  static PUBACK = 4 as const;
  static PUBREC = 5 as const;
  static PUBREL = 6 as const;
  static PUBCOMP = 7 as const;
  static SUBSCRIBE = 8 as const;
  static SUBACK = 9 as const;
  static UNSUBSCRIBE = 10 as const;
  static UNSUBACK = 11 as const;
  static PINGREQ = 12 as const;
  static PINGRESP = 13 as const;
  static DISCONNECT = 14 as const;

  /** The application's own. */
  declare target?: unknown;
  /** undefined when closed. */
  #callbacks?: Callbacks;
  /** What CONNECT says; undefined when it is written. */
  #identity?: Identity;
  #socket?: Socket;
  #state: "resolving" | "connecting" | "login" | "connected" | "publishing" = "resolving";
  #connecting?: Timer;
  #keepAlive?: Timer;
  #flushing?: Timer;
  #parsing?: Timer;
  #isParsing = false;
  #parser = new PacketParser();
  /** Of the message that is coming in: bytes that the application may read now, and bytes after them. */
  #payload = 0;
  #rest = 0;
  #message?: { topic: string; byteLength: number; QoS: number; id: number; isNew: boolean };
  #readable = 0;
  #writable = 0;
  /** Bytes of an outgoing payload that are still to be written by the application. */
  #remaining = 0;
  #pending: { operation: number; id?: number }[] = [];
  #id = 1;
  #pinged = 0;
  #ponged = 0;

  constructor(options: Options) {
    if (!options.host) throw new Error("host required");
    if (options.target !== undefined) this.target = options.target;
    const { id, clean, keepAlive, user, password, will } = options;
    this.#identity = { id, clean, keepAlive, user, password, will };
    const { onReadable, onWritable, onControl, onError } = options;
    this.#callbacks = { onReadable, onWritable, onControl, onError };
    new options.dns.io(options.dns).resolve({
      host: options.host,
      onResolved: (host, address) => this.connect(options, host, address),
      onError: () => this.fail("name not found"),
    });
  }

  get format(): "buffer" {
    return "buffer";
  }

  close(): void {
    for (const timer of [this.#connecting, this.#keepAlive, this.#flushing, this.#parsing]) Timer.clear(timer);
    this.#connecting = this.#keepAlive = this.#flushing = this.#parsing = undefined;
    this.#callbacks = this.#identity = undefined;
    this.#readable = this.#writable = this.#payload = this.#rest = 0;
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }

  /** The payload of the current message: all that is there, `count` bytes of it, or as much as fits the buffer. */
  read(count: number | Bytes = this.#payload): ArrayBuffer | number | undefined {
    const length = Math.min(typeof count === "number" ? count : count.byteLength, this.#payload);
    if (!length) return undefined;
    this.#payload -= length;
    this.#readable -= length;
    const target = typeof count === "number" ? length : new Uint8Array(...viewOf(count, length));
    this.#socket!.format = "buffer";
    const result = this.#socket!.read(target);
    if (!this.#payload && !this.#isParsing)
      this.#parsing ??= Timer.set(() => {
        this.#parsing = undefined;
        this.readable(this.#readable);
      }, 0);
    return result;
  }

  write(data: Bytes | null, options?: WriteOptions): number {
    if (this.#state === "publishing" && !options) return this.writePayload(data!);
    if (this.#state !== "connected" || !options) throw new Error("not connected");
    const { operation = MQTTClient.PUBLISH, id = ++this.#id } = options;
    if (operation === MQTTClient.PUBLISH) return this.publish(data!, id, options);
    if (operation === MQTTClient.PINGREQ) this.#pinged = Time.ticks;
    this.send(encodeControl(operation, id, options.items ?? []));
    return this.room;
  }

  private get room(): number {
    return Math.max(this.#writable - overhead, 0);
  }

  private publish(data: Bytes, id: number, options: WriteOptions): number {
    const { topic, QoS = 0, retain, duplicate, byteLength = data.byteLength } = options;
    if (data.byteLength > byteLength) throw new Error("invalid");
    const packet = { topic, qos: QoS, pkt_id: id, retain, dup: duplicate, payloadLength: byteLength };
    const header = codec.encode_pkt("publish", packet);
    const length = header.length + data.byteLength;
    if (length > this.#writable) throw new Error("overflow");
    this.#socket!.write(header, { more: true, byteLength: length });
    this.#writable = this.#socket!.write(data);
    this.#remaining = byteLength - data.byteLength;
    if (this.#remaining) this.#state = "publishing";
    return this.room;
  }

  private writePayload(data: Bytes): number {
    if (data.byteLength > this.#remaining) throw new Error("invalid");
    this.#writable = this.#socket!.write(data);
    this.#remaining -= data.byteLength;
    if (!this.#remaining) this.#state = "connected";
    return this.room;
  }

  private send(packet: Uint8Array): void {
    if (packet.length > this.#writable) throw new Error("overflow");
    this.#writable = this.#socket!.write(packet);
  }

  private connect(options: Options, host: string, address: string): void {
    if (!this.#callbacks) return;
    this.#state = "connecting";
    try {
      this.#socket = new options.socket.io({
        ...options.socket,
        host,
        address,
        port: options.port ?? 1883,
        onReadable: (count: number) => this.readable(count),
        onWritable: (count: number) => this.writable(count),
        onError: () => this.fail("the socket failed"),
      });
    } catch {
      this.fail("no socket");
      return;
    }
    this.#connecting = Timer.set(() => this.fail("no connection in time"), connectLimit);
  }

  private writable(count: number): void {
    this.#writable = count;
    if (this.#state === "connecting") {
      this.login();
      return;
    }
    if (this.#state === "connected") this.flush();
    if (this.#state !== "login" && this.room) this.#callbacks?.onWritable?.call(this, this.room);
  }

  private login(): void {
    Timer.clear(this.#connecting);
    this.#connecting = undefined;
    const { id = "", clean = true, keepAlive = 0, user, password, will } = this.#identity!;
    this.#identity = undefined;
    const seconds = Math.ceil(keepAlive / 1000);
    this.#state = "login";
    this.send(
      codec.encode_pkt("connect", {
        client_id: id,
        keep_alive: seconds,
        flags: { clean_start: clean },
        username: user,
        password,
        will: will && { topic: will.topic, payload: will.message, qos: will.QoS ?? 0, retain: will.retain },
      }),
    );
    if (!seconds) return;
    this.#pinged = this.#ponged = Time.ticks;
    this.#keepAlive = Timer.repeat(() => this.checkKeepAlive(seconds * 1000), seconds * 250);
  }

  /** Pings after three quarters of the time, and gives up after one and a half without an answer. */
  private checkKeepAlive(interval: number): void {
    const now = Time.ticks;
    if (Time.delta(this.#ponged, now) >= interval * 1.5) {
      this.fail("time out");
      return;
    }
    if (Time.delta(this.#pinged, now) < interval * 0.75 - 500) return;
    if (this.#pending.some(({ operation }) => operation === MQTTClient.PINGREQ)) {
      this.fail("time out");
      return;
    }
    this.queue({ operation: MQTTClient.PINGREQ });
  }

  private queue(packet: { operation: number; id?: number }): void {
    this.#pending.push(packet);
    this.#flushing ??= Timer.set(() => {
      this.#flushing = undefined;
      this.writable(this.#writable);
    }, 0);
  }

  private flush(): void {
    while (this.#pending.length && this.#writable >= 4) this.write(null, this.#pending.shift()!);
  }

  private readable(count: number): void {
    this.#readable = count;
    if (this.#payload) return;
    this.#isParsing = true;
    while (this.#socket && this.#readable) {
      if (this.#rest) {
        this.offerPayload();
        if (this.#payload) break;
      } else {
        this.#readable -= 1;
        this.#socket.format = "number";
        this.take(this.#socket.read() as number);
      }
    }
    this.#isParsing = false;
  }

  private take(byte: number): void {
    let packet: Packet | undefined;
    try {
      packet = this.#parser.take(byte);
    } catch (error) {
      this.fail((error as Error).message);
    }
    if (packet?.type === MQTTClient.PUBLISH) this.startMessage(packet);
    else if (packet) this.control(packet);
  }

  private startMessage({ type, flags, body, rest }: Packet): void {
    const { topic = "", pkt_id: id = 0 } = codec.decode_pkt((type << 4) | flags, body) ?? {};
    if (!topic) {
      this.fail("empty topic");
      return;
    }
    this.#rest = rest;
    this.#message = { topic, byteLength: rest, QoS: (flags >> 1) & 3, id, isNew: true };
    if (!rest) this.offerPayload();
  }

  private offerPayload(): void {
    const message = this.#message!;
    const { topic, byteLength, QoS, id } = message;
    const count = Math.min(this.#rest, this.#readable);
    this.#rest -= count;
    this.#payload = count;
    const isLast = !this.#rest;
    if (isLast && QoS) this.queue({ operation: QoS === 1 ? MQTTClient.PUBACK : MQTTClient.PUBREC, id });
    const first = message.isNew ? { topic, byteLength, QoS } : {};
    message.isNew = false;
    this.#callbacks?.onReadable?.call(this, count, { ...first, more: !isLast });
  }

  private control({ type: operation, flags, body }: Packet): void {
    const message: Control = { operation };
    if (operation === MQTTClient.CONNACK) {
      if (body.length !== 2) {
        this.fail("unexpected length");
        return;
      }
      message.returnCode = Number(codec.decode_pkt(operation << 4, body)?.reason);
      if (message.returnCode) {
        this.fail("connection rejected");
        return;
      }
      this.#state = "connected";
    } else if (operation === MQTTClient.PINGRESP) this.#ponged = Time.ticks;
    else {
      if (body.length < 2) {
        this.fail("unexpected length");
        return;
      }
      message.id = (body[0] << 8) | body[1];
      if (operation === MQTTClient.SUBACK)
        message.payload = (codec.decode_pkt((operation << 4) | flags, body)?.answers ?? []).map(Number);
      else if (operation === MQTTClient.PUBREC) this.queue({ operation: MQTTClient.PUBREL, id: message.id });
      else if (operation === MQTTClient.PUBREL) this.queue({ operation: MQTTClient.PUBCOMP, id: message.id });
    }
    this.#callbacks?.onControl?.call(this, message);
    if (operation === MQTTClient.CONNACK && this.room) this.#callbacks?.onWritable?.call(this, this.room);
  }

  private fail(reason: string): void {
    if (!this.#callbacks) return;
    trace(`mqttClient error: ${reason}\n`);
    this.#callbacks.onError?.call(this);
    this.close();
  }
}

function viewOf(buffer: Bytes, length: number): [ArrayBuffer, number, number] {
  return buffer instanceof Uint8Array ? [buffer.buffer as ArrayBuffer, buffer.byteOffset, length] : [buffer, 0, length];
}
