import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import type { Packet } from "./mqtt-wire.ts";
import { type Answers, allAnswers, Peer } from "./peer.ts";
import { Changing, type ScaledTime } from "./scaled-time.ts";
import { CaseFailure, seconds } from "./verdict.ts";

export interface EndpointOptions {
  time: ScaledTime;
  /** PEM texts: the server's chain and key, and who signs client certificates. */
  identity: { chainPem: string; keyPem: string };
  clientCA: string;
  /** Default: any. */
  port?: number;
  onPacket?(packet: Packet): void;
}

/** The address that the client connects to, while a case runs. */
export class Endpoint extends Changing {
  readonly peers: Peer[] = [];
  /** For connections that come from now on. */
  readonly answers: Answers = { ...allAnswers };
  #options: EndpointOptions;
  #server: Server;
  #port: number;
  #taken = 0;

  private constructor(options: EndpointOptions) {
    super(options.time);
    this.#options = options;
    this.#port = options.port ?? 0;
    this.#server = this.#makeServer();
  }

  static async open(options: EndpointOptions): Promise<Endpoint> {
    const endpoint = new Endpoint(options);
    await endpoint.listen();
    return endpoint;
  }

  get port(): number {
    return this.#port;
  }

  /** Takes connections (again). */
  async listen(): Promise<void> {
    if (this.#server.listening) return;
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Drops every connection and refuses new ones. */
  async refuse(): Promise<void> {
    for (const peer of this.peers) peer.drop();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, "close");
  }

  /** The next connection that no one has taken yet. @throws CaseFailure when none comes */
  async next(timeout = 120_000): Promise<Peer> {
    const peer = await this.until(() => this.peers[this.#taken], timeout);
    if (!peer) throw new CaseFailure(`no connection in ${seconds(timeout)}`);
    this.#taken += 1;
    return peer;
  }

  #makeServer(): Server {
    const { identity, clientCA, time, onPacket } = this.#options;
    const tls = {
      cert: identity.chainPem,
      key: identity.keyPem,
      ca: clientCA,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: "TLSv1.2",
    } as const;
    return createServer((socket) => {
      socket.setNoDelay(true);
      const peer = new Peer(socket, time, tls, this.answers, () => this.#hasSession());
      peer.onPacket = onPacket;
      this.peers.push(peer);
      this.changed();
    });
  }

  /** Whether a connection before the present one left a session behind. */
  #hasSession(): boolean {
    const connects = this.peers.slice(0, -1).flatMap((peer) => (peer.answers.connack ? peer.packets("CONNECT") : []));
    return connects.at(-1)?.cleanSession === false;
  }
}
