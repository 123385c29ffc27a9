import type { Socket } from "node:net";
import { createServer, type TLSSocket, type TlsOptions } from "node:tls";
import { encoders, type Packet, type PacketName, PacketReader } from "./mqtt-wire.ts";
import { Changing, type ScaledTime } from "./scaled-time.ts";
import { WireTap } from "./tls-wire.ts";
import { CaseFailure, seconds } from "./verdict.ts";

/** What is answered by itself; a case withholds what it wants to. */
export interface Answers {
  connack: boolean;
  /** In CONNACK. Undefined: as a broker would, whether an earlier connection left a session. */
  sessionPresent?: boolean;
  suback: boolean;
  puback: boolean;
  pingresp: boolean;
}

export const allAnswers: Answers = { connack: true, suback: true, puback: true, pingresp: true };

/** How a TLS handshake ended. `alert`: the client's, by OpenSSL's name for it. */
export type Handshake = { completed: true } | { completed: false; alert?: string; error: string };

export interface Arrival {
  packet: Packet;
  /** Milliseconds of the device. */
  at: number;
}

/** One connection of the client under test, from TCP's accept to its end. Nothing here throws but `expect`. */
export class Peer extends Changing {
  readonly acceptedAt: number;
  readonly tap: WireTap;
  readonly answers: Answers;
  readonly arrivals: Arrival[] = [];
  handshake?: Handshake;
  endedAt?: number;
  endedBy?: "client" | "advisor";
  /** The client has sent something through TLS, whether it was MQTT or not. */
  hasSpoken = false;
  /** The rule of MQTT that the client broke. */
  malformed?: string;
  onPacket?: (packet: Packet) => void;
  #socket: Socket;
  #tls?: TLSSocket;
  #reader = new PacketReader();
  #nextId = 1;
  #isPresent: () => boolean;

  constructor(socket: Socket, time: ScaledTime, tls: TlsOptions, answers: Answers, isPresent: () => boolean) {
    super(time);
    this.acceptedAt = time.now();
    this.answers = { ...answers };
    this.#socket = socket;
    this.#isPresent = isPresent;
    this.tap = new WireTap(socket);
    this.tap.on("error", () => {});
    socket.on("close", () => this.#ended("client"));
    const server = createServer(tls, (secure) => this.#secured(secure));
    server.on("tlsClientError", ({ code = "", message }: Error & { code?: string }) => {
      const alert = /_ALERT_(.*)$/.exec(code)?.[1];
      this.#failed({ completed: false, alert, error: code || message });
      socket.destroy();
    });
    server.emit("connection", this.tap);
  }

  get isOpen(): boolean {
    return this.endedAt === undefined;
  }

  /** The client has ended it without a word of reproach and without a mistake, as one does whose time is over. */
  get wasGivenUp(): boolean {
    const isClean = !this.malformed && !(this.handshake && "alert" in this.handshake && this.handshake.alert);
    return this.endedBy === "client" && isClean && !this.packets("DISCONNECT").length;
  }

  /** Packets of one type, from the given arrival on. */
  packets(name: PacketName, from = 0): Packet[] {
    return this.arrivals
      .slice(from)
      .filter(({ packet }) => packet.name === name)
      .map(({ packet }) => packet);
  }

  /** How the handshake ends; undefined when it is still going on after `timeout`. */
  secured(timeout = 60_000): Promise<Handshake | undefined> {
    return this.until(() => this.handshake, timeout);
  }

  /** When the connection has ended; undefined when it has not after `timeout`. */
  ended(timeout: number): Promise<number | undefined> {
    return this.until(() => this.endedAt, timeout);
  }

  /** The first packet that fits. @throws CaseFailure when it does not come, or the client leaves */
  async expect(
    what: string,
    name: PacketName,
    fits: (packet: Packet) => boolean = () => true,
    { timeout = 60_000, from = 0 } = {},
  ): Promise<Packet> {
    const find = () => this.packets(name, from).find(fits);
    await this.until(() => find() ?? (this.isOpen ? undefined : true), timeout);
    const packet = find();
    if (packet) return packet;
    if (this.malformed) throw new CaseFailure(`malformed packet: ${this.malformed}`);
    if (this.isOpen) throw new CaseFailure(`no ${what} in ${seconds(timeout)}`);
    throw new CaseFailure(`the connection was closed instead of ${what}`);
  }

  send(bytes: Buffer): void {
    if (this.isOpen) this.#tls?.write(bytes);
  }

  /** @returns the packet identifier */
  publish(topic: string, payload: Buffer | string, qos = 0): number {
    const id = qos ? this.#nextId++ : 0;
    this.send(encoders.publish(topic, payload, qos, id));
    return id;
  }

  /** The network is gone: both ends of TCP are closed, and nothing is said before. */
  drop(): void {
    if (!this.isOpen) return;
    this.#ended("advisor");
    this.#tls?.destroy();
    this.#socket.destroy();
  }

  #secured(tls: TLSSocket): void {
    this.#tls = tls;
    this.handshake = { completed: true };
    tls.on("data", (bytes) => this.#read(bytes));
    tls.on("error", () => {});
    tls.on("end", () => this.#ended("client"));
    this.changed();
  }

  #failed(handshake: Handshake): void {
    this.handshake ??= handshake;
    this.#ended("client");
  }

  #ended(by: "client" | "advisor"): void {
    if (!this.isOpen) return;
    this.endedAt = this.time.now();
    this.endedBy = by;
    this.handshake ??= { completed: false, error: "closed during the handshake" };
    this.changed();
  }

  #read(bytes: Buffer): void {
    if (!this.isOpen) return;
    this.hasSpoken = true;
    try {
      for (const packet of this.#reader.read(bytes)) this.#take(packet);
    } catch (error) {
      this.malformed = (error as Error).message;
      this.drop();
    }
    this.changed();
  }

  #take(packet: Packet): void {
    if (!this.arrivals.length && packet.name !== "CONNECT") throw new Error("3.1.0-1: the first packet is no CONNECT");
    if (this.arrivals.length && packet.name === "CONNECT") throw new Error("3.1.0-2: a second CONNECT");
    // The answer depends on what was there before this packet.
    const present = this.answers.sessionPresent ?? this.#isPresent();
    this.arrivals.push({ packet, at: this.time.now() });
    this.#answer(packet, present);
    this.onPacket?.(packet);
  }

  #answer(packet: Packet, sessionPresent: boolean): void {
    const { name, id = 0, qos, filters = [] } = packet;
    const { connack, suback, puback, pingresp } = this.answers;
    if (name === "CONNECT" && connack) this.send(encoders.connack(sessionPresent && !packet.cleanSession));
    else if (name === "PUBLISH" && qos === 1 && puback) this.send(encoders.puback(id));
    // QoS 2 is not granted: AWS IoT knows 0 and 1.
    else if (name === "SUBSCRIBE" && suback)
      this.send(
        encoders.suback(
          id,
          filters.map((filter) => (filter.qos > 1 ? 0x80 : filter.qos)),
        ),
      );
    else if (name === "UNSUBSCRIBE" && suback) this.send(encoders.unsuback(id));
    else if (name === "PINGREQ" && pingresp) this.send(encoders.pingresp());
  }
}
