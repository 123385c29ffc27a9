import { constants } from "node:crypto";
import { EventEmitter, once } from "node:events";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { createServer, type Server, type TLSSocket } from "node:tls";
import {
  Aedes,
  type AedesPublishPacket,
  type Client,
  type ConnectPacket,
  type PublishPacket,
  type Subscription,
} from "aedes";
import { ownMember } from "../own-member.ts";
import { CertificateRights, type ClientRights } from "./client-rights.ts";
import type { DisconnectReason, IotEvents } from "./iot-events.ts";
import { awsLimits, clampKeepAlive, type IotLimits, Rate } from "./iot-limits.ts";
import { MqttGate } from "./mqtt-gate.ts";
import type { Registry } from "./registry.ts";
import { SessionStore } from "./session-store.ts";

export interface IotCoreOptions {
  registry: Registry;
  /** Looks at a certificate before it is looked up. @returns why the connection is closed, if it is */
  inspect?(certificateId: string, der: Buffer): string | undefined;
  /** File that keeps persistent sessions and retained messages. */
  sessions: string;
  /** PEM. */
  server: { key: string; cert: string };
  /** Default: any free one. */
  port?: number;
  limits?: Partial<IotLimits>;
}

/** What is known of a connection besides what aedes knows. */
interface Connection {
  gate: MqttGate;
  rights: ClientRights;
  sourceIp: string;
  keepAlive: number;
  sessionPresent: boolean;
  /** Of this client's connections, counted. */
  versionNumber?: number;
  reason?: DisconnectReason;
  detail?: string;
}

/** The ALPN name that a device with a certificate gives on port 443; here the port takes both. */
const alpn = "x-amzn-mqtt-ca";
const brokerTopics = "$SYS/";

/**
 * AWS IoT Core's message broker, as far as a device can tell: MQTT 3.1.1 over mutual TLS on aedes. A certificate that is unknown or not
 * active gets through the TLS handshake and is closed at CONNECT without CONNACK; what a client may do is what the policies
 * of its certificate say.
 */
export class IotCore extends EventEmitter<IotEvents> {
  readonly port: number;
  readonly limits: IotLimits;
  #registry: Registry;
  #inspect: IotCoreOptions["inspect"];
  #server: Server;
  #broker: Aedes;
  #sessions: SessionStore;
  #clients = new Set<Client>();
  /** Also of clients whose connection has just ended. */
  #connections = new WeakMap<Client, Connection>();
  #connectRates = new Map<string, Rate>();
  #connectionNumbers = new Map<string, number>();
  /** What to do with those who came before open(). */
  #early?: (() => void)[] = [];

  private constructor(options: IotCoreOptions, server: Server, sessions: SessionStore, limits: IotLimits) {
    super();
    this.#registry = options.registry;
    this.#inspect = options.inspect;
    this.limits = limits;
    this.#server = server;
    this.#sessions = sessions;
    this.#broker = new Aedes({
      persistence: sessions.persistence,
      maxClientsIdLength: limits.clientIdBytes,
      preConnect: (client, packet, callback) => {
        this.#admit(client, packet).then(
          (admitted) => callback(null, admitted),
          (error) => callback(error, false),
        );
      },
      authorizePublish: (client, packet, callback) => callback(client && this.#publishProblem(client, packet)),
      authorizeSubscribe: (client, subscription, callback) =>
        callback(null, this.#mayDo(client, "iot:Subscribe", `topicfilter/${subscription.topic}`) ? subscription : null),
      authorizeForward: (client, packet) =>
        this.#mayDo(client, "iot:Receive", `topic/${packet.topic}`) ? packet : null,
    });
    this.port = (server.address() as AddressInfo).port;
  }

  static async listen(options: IotCoreOptions): Promise<IotCore> {
    const limits = { ...awsLimits, ...options.limits };
    const server = createServer({
      ...options.server,
      // An MQTT packet is one write, and the next one waits for its answer: Nagle's algorithm would add a delayed acknowledgement to each.
      noDelay: true,
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: "TLSv1.2",
      ALPNProtocols: [alpn],
      // AWS IoT does not support session tickets (IoT guide, "Transport security").
      secureOptions: constants.SSL_OP_NO_TICKET,
    });
    const sessions = new SessionStore(options.sessions, limits.sessionExpiry);
    server.listen(options.port ?? 0, "127.0.0.1");
    await once(server, "listening");
    const core = new IotCore(options, server, sessions, limits);
    server.on("secureConnection", (socket) => core.#serve(socket));
    await core.#broker.listen();
    await sessions.restore();
    core.#observe();
    return core;
  }

  /**
   * Lets clients in. A device that lost its broker is at the door the moment it is back; what it says then must find shadows, jobs and rules in
   * their places, so until then it waits.
   */
  open(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const accept of early) accept();
  }

  /** `host:port`, as DescribeEndpoint gives it out. */
  get endpoint(): string {
    return `localhost:${this.port}`;
  }

  /** The ids of the connected clients. */
  get clients(): string[] {
    return [...this.#clients].filter(({ connected }) => connected).map(({ id }) => id);
  }

  /** Publishes as the cloud. Resolves when the broker has taken the message. */
  async publish(
    topic: string,
    payload: string | Buffer,
    options: { qos?: 0 | 1; retain?: boolean } = {},
  ): Promise<void> {
    const { qos = 1, retain = false } = options;
    const packet = { cmd: "publish" as const, topic, payload: Buffer.from(payload), qos, retain, dup: false };
    await new Promise<void>((resolve, reject) => {
      this.#broker.publish(packet, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Answers one client on a reserved topic, if it may receive it and has subscribed to it; `unasked`: if it has not, too. */
  answer(clientId: string, topic: string, payload: string, { unasked = false } = {}): void {
    const client = [...this.#clients].find(({ id, connected }) => connected && id === clientId);
    // aedes's typings leave out the subscriptions of a client.
    const { subscriptions = {} } = (client ?? {}) as { subscriptions?: Record<string, unknown> };
    if (!client || !(unasked || ownMember(subscriptions, topic))) return;
    if (!this.#mayDo(client, "iot:Receive", `topic/${topic}`)) return;
    this.#connections.get(client)?.gate.say(topic, payload);
  }

  /** Of the certificate that a client has connected with. */
  certificateOf(clientId: string): string | undefined {
    const client = [...this.#clients].find(({ id, connected }) => connected && id === clientId);
    return client && this.#connections.get(client)?.rights.certificateId;
  }

  /** DeleteConnection. */
  disconnect(clientId: string): void {
    this.#drop(({ id }) => id === clientId, "API_INITIATED_DISCONNECT");
  }

  /** Connections whose certificate or access key is no longer good end. */
  recheckRights(): void {
    for (const reason of ["AUTH_ERROR", "WEBSOCKET_TTL_EXPIRATION"] as const)
      this.#drop((client) => {
        const { rights } = this.#connections.get(client)!;
        return rights.ending === reason && !rights.isActive();
      }, reason);
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#drop(() => true, "SERVER_INITIATED_DISCONNECT");
    await new Promise<void>((resolve) => this.#broker.close(() => resolve()));
    await this.#sessions.close();
  }

  #drop(which: (client: Client) => boolean, reason: DisconnectReason): void {
    for (const client of this.#clients) {
      const connection = this.#connections.get(client)!;
      if (!which(client)) continue;
      connection.reason ??= reason;
      connection.gate.destroy();
    }
  }

  #serve(socket: TLSSocket): void {
    const sourceIp = socket.remoteAddress ?? "";
    const certificate = socket.getPeerCertificate().raw;
    const rights = new CertificateRights({ registry: this.#registry, certificate, sourceIp, inspect: this.#inspect });
    this.accept(socket, rights, sourceIp);
  }

  /** Takes on a connection, whatever it came by. It is closed at CONNECT if it may not be. */
  accept(stream: Duplex, rights: ClientRights, sourceIp: string): void {
    if (this.#early) {
      stream.on("error", () => {});
      this.#early.push(() => stream.destroyed || this.accept(stream, rights, sourceIp));
      return;
    }
    const gate = new MqttGate(stream, this.limits);
    const client = this.#broker.handle(gate);
    this.#connections.set(client, { gate, rights, sourceIp, keepAlive: 0, sessionPresent: false });
    this.#clients.add(client);
    const ttl = rights.expires === undefined ? undefined : this.#expireAt(client, rights.expires);
    gate.on("close", () => {
      clearTimeout(ttl);
      this.#clients.delete(client);
    });
  }

  #expireAt(client: Client, time: number): NodeJS.Timeout {
    const expire = () => this.#drop((one) => one === client, "WEBSOCKET_TTL_EXPIRATION");
    return setTimeout(expire, Math.max(time - Date.now(), 0)).unref();
  }

  /** @returns false when the connection was closed instead */
  async #admit(client: Client, packet: ConnectPacket): Promise<boolean> {
    const connection = this.#connections.get(client);
    if (!connection) return false;
    const reason = this.#connectProblem(connection, packet);
    if (reason) {
      const { certificateId, identityId } = connection.rights;
      this.emit("refuse", { clientId: packet.clientId, certificateId, identityId, reason });
      connection.gate.destroy();
      return false;
    }
    connection.keepAlive = packet.keepalive = clampKeepAlive(packet.keepalive ?? 0, this.limits);
    for (const other of this.#clients)
      if (other !== client && other.id === packet.clientId) this.#connections.get(other)!.reason = "DUPLICATE_CLIENTID";
    await this.#sessions.connecting(packet.clientId);
    return true;
  }

  #connectProblem({ rights }: Connection, { clientId }: ConnectPacket): string | undefined {
    const problem = rights.problem();
    if (problem) return problem;
    if (!clientId || clientId.startsWith("$") || Buffer.byteLength(clientId) > this.limits.clientIdBytes)
      return "the client id does not fit";
    if (!rights.isAllowed(clientId, "iot:Connect", `client/${clientId}`)) return "no policy allows this client id";
    const rate = this.#connectRates.get(clientId) ?? new Rate(this.limits.connectsPerSecond, 2);
    this.#connectRates.set(clientId, rate);
    return rate.take() ? undefined : "more than one CONNECT a second";
  }

  #publishProblem(client: Client, packet: PublishPacket): Error | null {
    const action = packet.retain ? ["iot:Publish", "iot:RetainPublish"] : ["iot:Publish"];
    if (action.every((name) => this.#mayDo(client, name, `topic/${packet.topic}`))) return null;
    const connection = this.#connections.get(client);
    if (connection) {
      connection.reason = "FORBIDDEN_ACCESS";
      connection.detail = `PUBLISH to ${packet.topic}`;
    }
    return new Error(`no policy allows a PUBLISH to ${packet.topic}`);
  }

  #mayDo(client: Client, action: string, resource: string): boolean {
    const connection = this.#connections.get(client);
    return connection?.rights.isAllowed(client.id, action, resource) ?? false;
  }

  /** Turns aedes's events into ours. */
  #observe(): void {
    const broker = this.#broker;
    broker.on("connackSent", ({ sessionPresent }, client) => {
      const connection = this.#connections.get(client);
      if (connection) connection.sessionPresent = sessionPresent ?? false;
    });
    broker.on("clientReady", (client) => this.#connected(client));
    broker.on("keepaliveTimeout", (client) => {
      const connection = this.#connections.get(client);
      if (connection) connection.reason = "MQTT_KEEP_ALIVE_TIMEOUT";
    });
    broker.on("clientDisconnect", (client) => this.#disconnected(client));
    broker.on("subscribe", (subscriptions, client) => this.#subscribed(subscriptions, client));
    broker.on("publish", (packet, client) => this.#published(packet, client));
    broker.on("ack", (packet, client) => {
      if (packet && "topic" in packet) this.emit("acknowledge", { clientId: client.id, topic: String(packet.topic) });
    });
    // A client that breaks off is an event like others; aedes has closed it already.
    broker.on("clientError", (client, error) => this.#noteError(client, error));
    broker.on("connectionError", (client, error) => this.#noteError(client, error));
  }

  #noteError(client: Client, error: Error): void {
    const connection = this.#connections.get(client);
    if (connection) connection.detail ??= error.message;
  }

  #connected(client: Client): void {
    const connection = this.#connections.get(client);
    if (!connection) return;
    const { rights, keepAlive, sessionPresent, sourceIp } = connection;
    const { certificateId, identityId, identifier: principalIdentifier } = rights;
    const { id: clientId, clean } = client;
    this.emit("connect", { clientId, certificateId, identityId, keepAlive, clean, sessionPresent });
    const versionNumber = (this.#connectionNumbers.get(clientId) ?? -1) + 1;
    this.#connectionNumbers.set(clientId, versionNumber);
    connection.versionNumber = versionNumber;
    this.#announce("connected", clientId, { principalIdentifier, ipAddress: sourceIp, versionNumber });
  }

  #disconnected(client: Client): void {
    this.#sessions.disconnected(client.id);
    const connection = this.#connections.get(client);
    const { gate, detail } = connection ?? {};
    const reason =
      connection?.reason ??
      (gate?.disconnected ? "CLIENT_INITIATED_DISCONNECT" : gate?.violation ? "CLIENT_ERROR" : "CONNECTION_LOST");
    this.emit("disconnect", { clientId: client.id, reason, detail: gate?.violation ?? detail });
    const clientInitiatedDisconnect = reason === "CLIENT_INITIATED_DISCONNECT";
    const versionNumber = connection?.versionNumber;
    this.#announce("disconnected", client.id, { clientInitiatedDisconnect, disconnectReason: reason, versionNumber });
  }

  /** Presence (IoT guide, "Lifecycle events"). */
  #announce(eventType: "connected" | "disconnected", clientId: string, fields: object): void {
    if (this.#broker.closed) return;
    const event = { clientId, timestamp: Date.now(), eventType, ...fields };
    this.publish(`$aws/events/presence/${eventType}/${clientId}`, JSON.stringify(event), { qos: 0 }).catch(() => {});
  }

  #subscribed(subscriptions: Subscription[], client: Client): void {
    const filters = subscriptions.map(({ topic, qos }) => ({ topic, QoS: qos, granted: (qos as number) !== 0x80 }));
    this.emit("subscribe", { clientId: client.id, filters });
  }

  #published(packet: AedesPublishPacket, client: Client | null): void {
    if (packet.topic.startsWith(brokerTopics) || packet.topic.startsWith("$aws/events/")) return;
    const { topic, qos, retain } = packet;
    this.emit("publish", { clientId: client?.id, topic, payload: Buffer.from(packet.payload), QoS: qos, retain });
  }
}
