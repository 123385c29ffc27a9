import MQTTClient from "embedded:network/mqtt/client";
import Timer from "timer";
import type { MQTTClientClass } from "../../../modules/cloud/client-interface";
import {
  CloudSession,
  type CloudSessionOptions,
  type CloudState,
  type InboundMessage,
} from "../../../modules/cloud/session";

/** A packet that the device has sent. */
export interface Packet {
  type: number;
  flags: number;
  body: Uint8Array;
  id: number;
  /** PUBLISH */
  topic: string;
  payload: string;
  duplicate: boolean;
  QoS: number;
}

export const types = {
  CONNECT: 1,
  PUBLISH: 3,
  PUBACK: 4,
  SUBSCRIBE: 8,
  PINGREQ: 12,
  DISCONNECT: 14,
} as const;

/** How the broker behaves; each test changes what it needs. */
export interface Script {
  /** Return code of CONNACK, or false to stay silent. */
  connack: number | false;
  sessionPresent: boolean;
  puback: boolean;
  suback: boolean;
  pingresp: boolean;
  /** Return code for a topic filter. */
  granted(topic: string): number;
  /** Room in the socket, bytes. */
  room: number;
  /** Bytes that reach the device at a time. */
  pace: number;
  /** undefined: the name is not found. */
  address?: string;
  /** Thrown by the socket's constructor. */
  constructorError?: Error;
  /** Never says that it is writable. */
  dark: boolean;
  /** Hosts of which that is so; that take connections and say nothing more; that have no address. */
  darkHosts: string[];
  muteHosts: string[];
  unknownHosts: string[];
  /** The name server says nothing. */
  silentNames: boolean;
  /** The first connection is lost when the device has sent so many bytes; the rest of what it writes goes nowhere. */
  cutAfter: number;
}

interface SocketOptions {
  broker: FakeBroker;
  host: string;
  port: number;
  target?: unknown;
  secure?: { roots: string[]; applicationLayerProtocolNegotiation?: string[] };
  onReadable(count: number): void;
  onWritable(count: number): void;
  onError(error?: unknown): void;
}

/** Bytes in the order in which they came; an array of numbers would cost a slot each. */
class Queue {
  #bytes = new Uint8Array(256);
  length = 0;

  push(bytes: ArrayLike<number>): void {
    const needed = this.length + bytes.length;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(needed + 256);
      larger.set(this.#bytes.subarray(0, this.length));
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, this.length);
    this.length = needed;
  }

  at(index: number): number {
    return this.#bytes[index];
  }

  take(length: number): Uint8Array {
    const taken = this.#bytes.slice(0, length);
    this.#bytes.copyWithin(0, length, this.length);
    this.length -= length;
    return taken;
  }
}

/** The device's socket, and the broker's end of it. */
export class FakeSocket {
  format = "buffer";
  target: unknown;
  closed = false;
  options: SocketOptions;
  packets: Packet[] = [];
  #broker: FakeBroker;
  #sent = new Queue();
  #inbound = new Queue();
  #available = 0;
  #room: number;
  #count = 0;
  #isCut = false;

  constructor(options: SocketOptions) {
    this.options = options;
    this.target = options.target;
    this.#broker = options.broker;
    this.#room = this.#broker.script.room;
    const { constructorError, dark, darkHosts } = this.#broker.script;
    if (constructorError) throw constructorError;
    this.#broker.sockets.push(this);
    if (!dark && !darkHosts.includes(options.host))
      Timer.set(() => this.#call(() => options.onWritable.call(this, this.#room)), 0);
  }

  read(view: Uint8Array): number {
    if (view.length > this.#available) throw new RangeError("more than there is");
    view.set(this.#inbound.take(view.length));
    this.#available -= view.length;
    return view.length;
  }

  write(data: ArrayBuffer | Uint8Array): number {
    const bytes = data instanceof Uint8Array ? data : new Uint8Array(data);
    if (this.closed) throw new Error("closed");
    if (bytes.length > this.#room) throw new RangeError("overflow");
    if (this.#room === this.#broker.script.room) Timer.set(() => this.#drain(), 0);
    this.#room -= bytes.length;
    this.#send(bytes);
    return this.#room;
  }

  #send(bytes: Uint8Array): void {
    if (this.#isCut) return;
    const left = this.#broker.script.cutAfter - this.#count;
    const isFirst = this.#broker.sockets[0] === this;
    this.#isCut = isFirst && bytes.length >= left;
    this.#sent.push(this.#isCut ? bytes.subarray(0, left) : bytes);
    this.#count += bytes.length;
    if (this.#isCut) Timer.set(() => this.fail(), 0);
  }

  close(): void {
    this.closed = true;
  }

  /** The broker sends bytes. */
  receive(...bytes: number[]): void {
    this.#inbound.push(bytes);
    this.#deliver();
  }

  /** The connection ends. */
  fail(error?: unknown): void {
    this.#call(() => this.options.onError.call(this, error));
  }

  publish(topic: string, payload: string | Uint8Array, { QoS = 1, id = 1, duplicate = false } = {}): void {
    const name = utf8(topic);
    const content = typeof payload === "string" ? utf8(payload) : payload;
    const length = 2 + name.length + (QoS ? 2 : 0) + content.length;
    this.#inbound.push([
      0x30 | (QoS << 1) | (duplicate ? 8 : 0),
      ...varint(length),
      name.length >> 8,
      name.length & 0xff,
    ]);
    this.#inbound.push(name);
    if (QoS) this.#inbound.push([id >> 8, id & 0xff]);
    this.#inbound.push(content);
    this.#deliver();
  }

  /** Packets of a type, in the order in which they came. */
  sent(type: number): Packet[] {
    return this.packets.filter((packet) => packet.type === type);
  }

  /** As a real socket does, it says once more what is there until it has been read. */
  #deliver(): void {
    const { pace } = this.#broker.script;
    Timer.set(() => {
      const more = Math.min(this.#inbound.length - this.#available, pace);
      if (more <= 0) return;
      this.#available += more;
      this.#call(() => this.options.onReadable.call(this, this.#available));
      if (this.#inbound.length > this.#available) this.#deliver();
    }, 0);
  }

  #drain(): void {
    this.#take();
    if (this.#broker.script.dark) return;
    this.#room = this.#broker.script.room;
    this.#call(() => this.options.onWritable.call(this, this.#room));
  }

  #take(): void {
    for (let packet = parse(this.#sent); packet; packet = parse(this.#sent)) {
      this.packets.push(packet);
      this.#broker.answer(this, packet);
    }
  }

  /** What is thrown here would end the machine of a real device. */
  #call(callback: () => void): void {
    if (this.closed) return;
    try {
      callback();
    } catch (error) {
      this.#broker.escaped.push(error);
    }
  }
}

class FakeResolver {
  #broker: FakeBroker;
  #isOpen = true;

  constructor(options: { broker: FakeBroker }) {
    this.#broker = options.broker;
    this.#broker.resolvers += 1;
  }

  close(): void {
    if (this.#isOpen) this.#broker.resolvers -= 1;
    this.#isOpen = false;
  }

  resolve({
    host,
    onResolved,
    onError,
  }: {
    host: string;
    onResolved(h: string, a: string): void;
    onError(): void;
  }): void {
    if (this.#broker.script.silentNames) return;
    Timer.set(() => {
      const { address, unknownHosts } = this.#broker.script;
      try {
        if (address && !unknownHosts.includes(host)) onResolved(host, address);
        else onError();
      } catch (error) {
        this.#broker.escaped.push(error);
      }
    }, 0);
  }
}

/** A scripted broker, its network, and everything that a session has said to it. */
export class FakeBroker {
  script: Script = {
    connack: 0,
    sessionPresent: false,
    puback: true,
    suback: true,
    pingresp: true,
    granted: () => 1,
    room: 2000,
    pace: 1000,
    address: "10.0.0.1",
    dark: false,
    darkHosts: [],
    muteHosts: [],
    unknownHosts: [],
    silentNames: false,
    cutAfter: Number.MAX_SAFE_INTEGER,
  };
  sockets: FakeSocket[] = [];
  /** How many are open. */
  resolvers = 0;
  /** Exceptions that came out of a callback of the device. */
  escaped: unknown[] = [];
  states: CloudState[] = [];
  errors: string[] = [];
  messages: InboundMessage[] = [];

  constructor(script: Partial<Script> = {}) {
    Object.assign(this.script, script);
  }

  get socket(): FakeSocket {
    return this.sockets[this.sockets.length - 1];
  }

  /**
   * A session with short pauses, not yet connected. It is patient, so that a slow machine does not look like a silent broker; who wants it
   * to lose its patience sets that time.
   */
  session(options: Partial<CloudSessionOptions> = {}): CloudSession {
    return new CloudSession({
      endpoint: "broker.example",
      clientId: "thing",
      ...this.parts,
      backoff: { minimum: 10, maximum: 40 },
      stableTime: 200,
      connectTimeout: 8000,
      connackTimeout: 8000,
      acknowledgeTimeout: 8000,
      maximumMessage: 600,
      onStateChanged: (state, error) => {
        this.states.push(state);
        if (error) this.errors.push(error.code);
      },
      onMessage: (message) => this.messages.push(message),
      onError: (error) => this.errors.push(error.code),
      ...options,
    });
  }

  get parts() {
    return {
      mqtt: { io: MQTTClient as unknown as MQTTClientClass },
      dns: { io: FakeResolver as never, broker: this },
      socket: { io: FakeSocket as never, broker: this },
    };
  }

  answer(socket: FakeSocket, { type, id, QoS, body }: Packet): void {
    const { connack, sessionPresent, puback, suback, pingresp, granted, muteHosts } = this.script;
    if (muteHosts.includes(socket.options.host)) return;
    if (type === types.CONNECT && connack !== false)
      socket.receive(0x20, 2, sessionPresent && !connack ? 1 : 0, connack);
    else if (type === types.PUBLISH && QoS === 1 && puback) socket.receive(0x40, 2, id >> 8, id & 0xff);
    else if (type === types.SUBSCRIBE && suback) {
      const codes = filtersOf(body).map(granted);
      socket.receive(0x90, 2 + codes.length, id >> 8, id & 0xff, ...codes);
    } else if (type === types.PINGREQ && pingresp) socket.receive(0xd0, 0);
  }
}

export function filtersOf(body: Uint8Array): string[] {
  const filters: string[] = [];
  for (let at = 2; at < body.length; ) {
    const length = (body[at] << 8) | body[at + 1];
    filters.push(text(body.slice(at + 2, at + 2 + length)));
    at += 3 + length;
  }
  return filters;
}

export const utf8 = (value: string) => new Uint8Array(ArrayBuffer.fromString(value));
export const text = (bytes: Uint8Array | ArrayBuffer) =>
  String.fromArrayBuffer(bytes instanceof Uint8Array ? (bytes.slice().buffer as ArrayBuffer) : bytes);

function varint(value: number): number[] {
  const digits: number[] = [];
  for (; value > 0x7f; value >>>= 7) digits.push((value & 0x7f) | 0x80);
  return [...digits, value];
}

/** Takes one packet from the front of the bytes, when it is there as a whole. */
function parse(bytes: Queue): Packet | undefined {
  let length = 0;
  let at = 1;
  for (let digit = 0; ; digit += 1, at += 1) {
    if (at >= bytes.length) return undefined;
    length += (bytes.at(at) & 0x7f) << (7 * digit);
    if (!(bytes.at(at) & 0x80)) break;
  }
  if (bytes.length < at + 1 + length) return undefined;
  const first = bytes.at(0);
  const body = bytes.take(at + 1 + length).slice(at + 1);
  const type = first >> 4;
  const QoS = (first >> 1) & 3;
  const packet = { type, flags: first & 15, body, id: 0, topic: "", payload: "", duplicate: (first & 8) !== 0, QoS };
  if (type === types.PUBLISH) {
    const end = 2 + ((body[0] << 8) | body[1]);
    packet.topic = text(body.slice(2, end));
    if (QoS) packet.id = (body[end] << 8) | body[end + 1];
    packet.payload = text(body.slice(end + (QoS ? 2 : 0)));
  } else if (type === types.SUBSCRIBE || type === types.PUBACK) packet.id = (body[0] << 8) | body[1];
  return packet;
}
