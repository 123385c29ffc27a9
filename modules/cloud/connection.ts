import Time from "time";
import Timer from "timer";
import { type OwnedTimer, setTimer } from "../network/owned-timer";
import {
  CONNACK,
  type ControlMessage,
  DISCONNECT,
  type MQTTClient,
  type MQTTClientCallbacks,
  type MQTTClientClass,
  PINGREQ,
  PINGRESP,
  PUBACK,
  type QoS,
  type ReadableOptions,
  SUBSCRIBE,
  type TopicFilter,
  type Will,
} from "./client-interface";
import { asCloudError, CloudError } from "./cloud-error";
import type { Endpoint } from "./endpoint";
import { GuardResolver, type ResolverOptions, type ResolverWatcher } from "./guard-resolver";
import { GuardSocket, type GuardWatcher, type TransportOptions } from "./guard-socket";
import type { KeepAlive } from "./keep-alive";
import { limits } from "./limits";
import { MessageReader, type MessageStream, WholeMessage } from "./message-reader";
import type { PublishHeader } from "./packet-filter";
import type { Settings } from "./settings";

export interface InboundMessage {
  topic: string;
  /** Empty when it went into the stream. */
  payload: ArrayBuffer;
  /** The application's own, which has had all of the payload. */
  stream?: MessageStream;
  QoS: number;
  /** Packet identifier, 0 with QoS 0. */
  id: number;
  /** The broker marked it as sent before. AWS IoT does not mark. */
  duplicate: boolean;
  retain: boolean;
}

export interface OutboundMessage {
  topic: string;
  payload: Uint8Array;
  QoS: QoS;
  retain: boolean;
  id: number;
  duplicate: boolean;
  /** The most bytes that the packet has besides its payload. */
  headerLength: number;
}

/** Who connects, to what, and by which means. */
export interface ConnectionOptions {
  endpoint: Endpoint;
  clientId: string;
  /** The broker drops the session that it has, and keeps none. Default false. */
  clean?: boolean;
  will?: Will;
  mqtt: { io: MQTTClientClass };
  dns: ResolverOptions;
  socket: TransportOptions;
}

export interface ConnectionHandler {
  /** The name is resolved, TCP and TLS begin. */
  onConnecting(): void;
  onConnected(sessionPresent: boolean): void;
  /** PUBACK, SUBACK. */
  onAcknowledged(message: ControlMessage): void;
  /** A message waits, and nothing is read before it is let in with `admit()`. Once for each, from an I/O callback. */
  onMessageWaiting(): void;
  onMessage(message: InboundMessage): void;
  /** A message on a topic of AWS IoT's, or one that is too large to be held, begins. @returns where its payload goes; undefined: nowhere */
  openStream(topic: string, byteLength: number): MessageStream | undefined;
  /** A message that was too large was acknowledged and dropped. `topic` is undefined when that was too long as well. */
  onDropped(topic: string | undefined, byteLength: number): void;
  onWritable(): void;
  /** Once, and the last call. */
  onClosed(error: CloudError): void;
}

const nothing = new ArrayBuffer(0);

/** No smaller piece of a payload is written, unless it is the last. */
const smallestPiece = 128;
/** Bytes of the packet that asks for (or gives) a sign of life. */
const pingLength = 2;
const pubackLength = 4;
/** So many acknowledgements may wait for room in the socket: each takes the client some slots. */
const owedLimit = 8;

/** A PINGREQ goes out after this part of the keep-alive time: before the client's own, at three quarters. */
const pingAfter = 0.7;

/** The peer ended the connection, with or without TLS's close_notify. */
const closings = Object.freeze(["ConnectionClosed", "ConnectionLost"]);

type Deadline = "ConnectTimeout" | "ConnackTimeout" | "Ping" | "KeepAliveTimeout";

const overdue: Record<Deadline, string> = Object.freeze({
  ConnectTimeout: "no TLS connection in time",
  ConnackTimeout: "nothing came back after CONNECT",
  Ping: "",
  KeepAliveTimeout: "no PINGRESP in time",
});

/**
 * One connection, from the name look-up to its end, over an ECMA-419 MQTT client. It is used once: the handler's `onClosed` comes
 * exactly once unless `close()` was called, and nothing comes after either.
 *
 * Its guards call it directly, because on the chip every function that is made at run time costs some ten slots.
 */
export class Connection implements GuardWatcher, ResolverWatcher {
  static #onTime({ owner }: OwnedTimer<Connection>): void {
    owner.onTime(owner.#deadline as Deadline);
  }

  /** The client calls them on itself, and its `target` is the connection (ECMA-419). */
  static readonly #callbacks: MQTTClientCallbacks<Connection> = Object.freeze({
    onReadable(count: number, options: ReadableOptions) {
      this.target.onReadable(count, options);
    },
    onWritable(count: number) {
      this.target.onWritable(count);
    },
    onControl(message: ControlMessage) {
      this.target.onControl(message);
    },
    onError() {
      this.target.fail(new CloudError("ConnectionClosed", "the MQTT client ended the connection"));
    },
  } as MQTTClientCallbacks<Connection>);

  #settings: Settings;
  #keepAlive: KeepAlive;
  #handler: ConnectionHandler;
  #client?: MQTTClient;
  /** Until this connection ends: a name server that is slow must not gather look-ups of one attempt after the other. */
  #resolver?: GuardResolver;
  /** The phase's time-out: connecting, waiting for CONNACK, waiting to ping, waiting for PINGRESP. */
  #timer?: Timer;
  /** What the timer runs for. */
  #deadline?: Deadline;
  #phase: "opening" | "login" | "connected" | "closed" = "opening";
  #sessionPresent = false;
  #refusal?: CloudError;
  /** What the client says can be written now, bytes. */
  #writable = 0;
  #outbound?: { payload: Uint8Array; position: number };
  #reader = new MessageReader();
  #guard?: GuardSocket;
  #stream?: MessageStream;
  /** The filter's view of the PUBLISH that is being read. */
  #publish?: PublishHeader;
  /** Messages that the client has yet to acknowledge. */
  #owed = 0;
  #pingDue = false;
  /** Since the last ping something came. */
  #isHeard = false;
  /** When the broker was heard last, by `Time.ticks`. */
  #heard = 0;
  /** Identifiers of held-back messages that have to be acknowledged. */
  #acknowledgements: number[] = [];

  constructor(settings: Settings, keepAlive: KeepAlive, handler: ConnectionHandler) {
    this.#settings = settings;
    this.#keepAlive = keepAlive;
    this.#handler = handler;
  }

  open(options: ConnectionOptions): void {
    const { endpoint, clientId, clean = false, will, mqtt, dns, socket } = options;
    const { maximumMessage, connectTimeout } = this.#settings;
    this.arm("ConnectTimeout", connectTimeout);
    try {
      this.#client = new mqtt.io({
        host: endpoint.host,
        port: endpoint.port,
        id: clientId,
        clean,
        keepAlive: this.#keepAlive.promised * 1000,
        will,
        dns: {
          io: GuardResolver,
          resolver: dns,
          watcher: this,
        },
        socket: {
          io: GuardSocket,
          transport: socket,
          watcher: this,
          maximumMessage,
        },
        target: this,
        ...Connection.#callbacks,
      });
    } catch (error) {
      this.fail(asCloudError(error, "ClientFailed", "the MQTT client could not be made"));
    }
    // It may have failed while it was being made, when there was nothing to close yet.
    if (this.#phase === "closed") this.closeClient();
  }

  /** Whether a whole packet of this length can be written now. */
  canWrite(byteLength: number): boolean {
    return this.#phase === "connected" && !this.#outbound && this.#writable >= byteLength;
  }

  /** Starts to write a PUBLISH; what does not fit now follows by itself. @returns false when there is no room: try again after `onWritable` */
  publish(message: OutboundMessage): boolean {
    const { topic, payload, QoS, retain, id, duplicate, headerLength } = message;
    const length = Math.min(payload.length, this.#writable - headerLength);
    if (!this.canWrite(headerLength) || (length < payload.length && length < smallestPiece)) return false;
    const complete = length === payload.length;
    const piece = complete ? payload : payload.subarray(0, length);
    if (!this.write(piece, { topic, QoS, retain, id, duplicate, byteLength: payload.length })) return false;
    if (!complete) this.#outbound = { payload, position: length };
    return true;
  }

  /** @returns false when there is no room: try again after `onWritable` */
  subscribe(id: number, items: TopicFilter[], byteLength: number): boolean {
    return this.canWrite(byteLength) && this.write(null, { operation: SUBSCRIBE, id, items });
  }

  /** Lets the message in that waits. @returns false while too many acknowledgements wait for room: try again after `onWritable` */
  admit(): boolean {
    if (this.#owed + this.#acknowledgements.length >= owedLimit) return false;
    this.#guard?.admit();
    return true;
  }

  private write(data: Uint8Array | null, options?: object): boolean {
    try {
      this.#writable = this.#client!.write(data, options);
      return true;
    } catch (error) {
      // The client acknowledges by itself, so there may be less room than it said.
      this.#writable = 0;
      if (!(error instanceof Error && error.message === "overflow"))
        this.fail(asCloudError(error, "ClientFailed", "the MQTT client could not write"));
      return false;
    }
  }

  private onWritable(count: number): void {
    if (this.#phase !== "connected") return;
    this.#writable = count;
    // The client has written them before it says so, unless a payload of ours is in the way.
    if (!this.#outbound) this.#owed = 0;
    this.writeRest();
    this.writeDue();
    if (this.canWrite(1)) this.#handler.onWritable();
  }

  private writeRest(): void {
    const outbound = this.#outbound;
    if (!outbound) return;
    const { payload, position } = outbound;
    const length = Math.min(payload.length - position, this.#writable);
    if (length < smallestPiece && position + length < payload.length) return;
    outbound.position += length;
    if (outbound.position === payload.length) this.#outbound = undefined;
    if (!this.write(payload.subarray(position, position + length))) return;
    // Bytes that leave prove the link as well as an answer does; the ping has to wait for them.
    if (this.#pingDue) this.awaitPong();
  }

  private writeDue(): void {
    while (this.#acknowledgements.length && this.canWrite(pubackLength))
      if (this.write(null, { operation: PUBACK, id: this.#acknowledgements[0] })) this.#acknowledgements.shift();
    if (this.#pingDue && this.canWrite(pingLength)) this.#pingDue = !this.write(null, { operation: PINGREQ });
  }

  private onControl(message: ControlMessage): void {
    if (this.#phase === "closed") return;
    this.#heard = Time.ticks;
    if (message.operation === CONNACK) {
      this.#phase = "connected";
      this.rest();
      this.#handler.onConnected(this.#sessionPresent);
    } else if (message.operation === PINGRESP) {
      this.#keepAlive.proved();
      this.rest();
    } else this.#handler.onAcknowledged(message);
  }

  private onReadable(count: number, options: ReadableOptions): void {
    if (this.#phase !== "connected") return;
    this.hear();
    if (!options.more && this.#publish?.QoS) this.#owed += 1;
    const message = this.#reader.read(this.#client!, count, options);
    if (message) this.deliver(message.topic, message.payload, message.QoS);
  }

  private deliver(topic: string, payload: ArrayBuffer, QoS: number, stream?: MessageStream): void {
    const { id = 0, duplicate = false, retain = false } = this.#publish ?? {};
    this.#handler.onMessage({ topic, payload, stream, QoS, id, duplicate, retain });
  }

  // Called by the guards

  isClosed(): boolean {
    return this.#phase === "closed";
  }

  onResolving(guard: GuardResolver): void {
    this.#resolver = guard;
  }

  onResolved(): void {
    this.#handler.onConnecting();
  }

  onError(error: CloudError): void {
    this.fail(error);
  }

  onGuard(guard: GuardSocket, publish: PublishHeader): void {
    this.#guard = guard;
    this.#publish = publish;
  }

  onMessageAtGate(): void {
    this.hear();
    this.#handler.onMessageWaiting();
  }

  onOpen(): void {
    this.#phase = "login";
    this.arm("ConnackTimeout", this.#settings.connackTimeout);
  }

  onConnack(sessionPresent: boolean, returnCode: number): void {
    this.#sessionPresent = sessionPresent;
    if (returnCode) this.#refusal = refusal(returnCode);
  }

  onWithholding(topic: string | undefined, byteLength: number): void {
    if (this.#phase === "connected" && topic !== undefined) this.#stream = this.#handler.openStream(topic, byteLength);
  }

  onWithheldPiece(bytes: Uint8Array, from: number, to: number): void {
    this.hear();
    this.#stream?.write(bytes, from, to);
  }

  onWithheld(topic: string | undefined, byteLength: number, header: PublishHeader): void {
    const stream = this.#stream;
    this.#stream = undefined;
    if (this.#phase !== "connected") return;
    if (header.QoS && this.#acknowledgements.length < limits.inFlight) this.#acknowledgements.push(header.id);
    if (stream instanceof WholeMessage) this.deliver(topic as string, stream.payload, header.QoS);
    else if (topic !== undefined && (stream || !byteLength)) this.deliver(topic, nothing, header.QoS, stream);
    else this.#handler.onDropped(topic, byteLength);
    this.writeDue();
  }

  // Time

  /** Nothing to do until the next ping. */
  private rest(): void {
    this.#pingDue = false;
    this.arm("Ping", this.#keepAlive.interval * 1000 * pingAfter);
  }

  private hear(): void {
    this.#isHeard = true;
    this.#heard = Time.ticks;
  }

  /** The interval is another one: it begins now. */
  keepAliveChanged(): void {
    if (this.#phase === "connected" && this.#deadline === "Ping") this.rest();
  }

  private awaitPong(): void {
    this.#isHeard = false;
    this.arm("KeepAliveTimeout", this.#settings.pingTimeout);
  }

  private arm(deadline: Deadline, milliseconds: number): void {
    Timer.clear(this.#timer);
    this.#deadline = deadline;
    this.#timer = setTimer(this, Connection.#onTime, milliseconds);
  }

  private onTime(deadline: Deadline): void {
    this.#timer = undefined;
    if (deadline === "KeepAliveTimeout" && this.isBehind()) return;
    if (deadline !== "Ping") {
      this.fail(new CloudError(deadline, overdue[deadline]));
      return;
    }
    this.#pingDue = true;
    this.awaitPong();
    this.writeDue();
  }

  /** The PINGRESP may stand behind messages that wait for us. Then it is awaited further, or the client gets ours. */
  private isBehind(): boolean {
    const isHeld = this.#guard?.isHeld ?? false;
    if (!isHeld && !this.#isHeard) return false;
    this.awaitPong();
    if (isHeld) this.#guard!.pong();
    return true;
  }

  // The end

  /** Ends the connection with a DISCONNECT, so that the last will is not sent. */
  close(): void {
    if (this.canWrite(pingLength)) this.write(null, { operation: DISCONNECT });
    this.end();
  }

  /** Ends the connection without a DISCONNECT, and tells the handler. */
  fail(error: CloudError): void {
    if (this.#phase === "closed") return;
    const reason = this.#refusal ?? this.asRefusal(error);
    if (this.#phase === "connected") this.#keepAlive.ended(reason.code, Time.delta(this.#heard, Time.ticks));
    this.end();
    this.#handler.onClosed(reason);
  }

  /** Between CONNECT and CONNACK a closed connection is how AWS IoT says no: it gives no reason on the wire. */
  private asRefusal(error: CloudError): CloudError {
    if (this.#phase !== "login" || !closings.includes(error.code)) return error;
    return new CloudError("Refused", "closed instead of CONNACK: the certificate, its policy or the client id");
  }

  private end(): void {
    this.#phase = "closed";
    Timer.clear(this.#timer);
    this.#timer = undefined;
    this.#outbound = undefined;
    this.#guard = undefined;
    this.#stream = undefined;
    this.#resolver?.close();
    this.#resolver = undefined;
    this.closeClient();
  }

  private closeClient(): void {
    try {
      this.#client?.close();
    } catch {
      // It is gone in any case.
    }
  }
}

function refusal(returnCode: number): CloudError {
  if (returnCode === 3) return new CloudError("ServerUnavailable", "CONNACK: server unavailable");
  return new CloudError("Refused", `CONNACK: return code ${returnCode}`);
}
