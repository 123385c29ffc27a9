import { connect as connectPlain, type Socket } from "node:net";
import { type ConnectionOptions, connect } from "node:tls";
import { encoders, type Packet, PacketReader } from "../mqtt-wire.ts";
import type { Client, RunningClient, Target } from "./client.ts";

/** What the client does well or badly. Times in milliseconds of the client. */
export interface Behaviour {
  /** Before the attempt after the nth failure in a row, from 0 on. */
  delay(failures: number): number;
  /** A CONNACK alone makes the next delay the first one again. */
  forgetsTooSoon?: boolean;
  /** "elsewhere": again when needed, but to another topic. */
  subscribes: "when needed" | "always" | "once" | "elsewhere" | "never";
  /** "reused id": something else under the identifier of what is not acknowledged. */
  repeats: "same id" | "new id" | "reused id" | "never";
  cleanSession?: boolean;
  clientId?: string;
  verifies?: boolean;
  /** OpenSSL's names of TLS 1.2 suites; default: Node's. */
  ciphers?: string;
  /** What its first bytes are; default CONNECT. "without TLS": CONNECT on the bare TCP socket. */
  begins?: "not at all" | "with HTTP" | "without TLS";
  publishes?: boolean;
  /** Of received messages; default all. "small ones": a larger one makes it leave. */
  acknowledges?: "none" | "small ones";
  /** Does not come back after its first connection. */
  givesUp?: boolean;
  /** Without PINGRESP it stays. */
  waitsForEver?: boolean;
  /** Reports its state and follows what is desired; "stubborn": does not follow; "denying": takes back what is desired. */
  shadow?: boolean | "stubborn" | "denying";
  job?: "SUCCEEDED" | "FAILED" | "IN_PROGRESS";
}

/** Drawn once, so that a test that knows the verdict is right every time. */
const jitter = [0.9, 0.52, 0.97, 0.55, 0.85, 0.6];

const good: Behaviour = {
  delay: (failures) => 2000 * 2 ** Math.min(failures, 5) * jitter[failures % jitter.length]!,
  subscribes: "when needed",
  repeats: "same id",
};

const keepAlive = 30;
const connackTimeout = 10_000;
const repeatAfter = 10_000;
const stableAfter = 30_000;
/** Bytes that a client with little memory takes. */
const smallPayload = 20_000;

/** A client that is nothing but its behaviour, to test the advisor itself. */
export class ScriptedClient implements Client {
  readonly isScalable = false;
  readonly timeScale = 20;
  readonly #behaviour: Behaviour;

  constructor(behaviour: Partial<Behaviour>) {
    this.#behaviour = { ...good, ...behaviour };
  }

  async start(target: Target): Promise<RunningClient> {
    const session = new ScriptedSession(target, this.#behaviour);
    session.connect();
    return { stop: async () => session.stop() };
  }
}

class ScriptedSession {
  readonly #target: Target;
  readonly #behaviour: Behaviour;
  readonly #things: string;
  readonly #timers = new Set<NodeJS.Timeout>();
  #socket?: Socket;
  #failures = 0;
  #hasSubscribed = false;
  #stopped = false;
  #nextId = 1;
  /** Identifiers of what is not acknowledged. */
  #open = new Set<number>();

  constructor(target: Target, behaviour: Behaviour) {
    this.#target = target;
    this.#behaviour = behaviour;
    this.#things = `$aws/things/${target.clientId}`;
  }

  stop(): void {
    this.#stopped = true;
    this.#end();
  }

  connect(): void {
    const { host, port, identity } = this.#target;
    const { verifies = true, ciphers, begins } = this.#behaviour;
    const options: ConnectionOptions = { host, port, servername: host, rejectUnauthorized: verifies };
    if (ciphers) Object.assign(options, { ciphers, maxVersion: "TLSv1.2" });
    const isPlain = begins === "without TLS";
    const socket = isPlain
      ? connectPlain(port, host)
      : connect({ ...options, ca: identity.rootPem, cert: identity.certPem, key: identity.keyPem });
    const reader = new PacketReader();
    this.#socket = socket;
    socket.on(isPlain ? "connect" : "secureConnect", () => this.#begin(socket));
    socket.on("data", (bytes) => {
      // What a TLS server says to a client without TLS is no MQTT.
      if (!isPlain) for (const packet of reader.read(bytes)) this.#take(packet);
    });
    socket.on("error", () => {});
    socket.on("close", () => this.#lost());
  }

  #begin(socket: Socket): void {
    const { clientId = this.#target.clientId, cleanSession = false, begins } = this.#behaviour;
    if (begins === "with HTTP") socket.write("GET / HTTP/1.1\r\n\r\n");
    else if (begins !== "not at all") socket.write(encoders.connect(clientId, keepAlive, cleanSession));
    this.#later(connackTimeout, () => socket.destroy());
  }

  #lost(): void {
    this.#end();
    if (this.#stopped || this.#behaviour.givesUp) return;
    this.#later(this.#behaviour.delay(this.#failures), () => this.connect());
    this.#failures += 1;
  }

  #end(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#socket?.destroy();
  }

  #later(milliseconds: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, milliseconds / this.#target.timeScale);
    this.#timers.add(timer);
  }

  #take({ name, id, sessionPresent, qos, topic, payload }: Packet): void {
    if (name === "CONNACK") this.#connected(sessionPresent!);
    else if (name === "PUBACK" || name === "SUBACK") this.#open.delete(id!);
    else if (name === "PUBLISH") {
      const { acknowledges } = this.#behaviour;
      if (acknowledges === "small ones" && payload!.length > smallPayload) this.#socket?.destroy();
      else if (qos && acknowledges !== "none") this.#write(encoders.puback(id!));
      this.#received(topic!, payload!);
    }
  }

  #connected(sessionPresent: boolean): void {
    const { publishes = true, shadow, job, waitsForEver, forgetsTooSoon } = this.#behaviour;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    if (forgetsTooSoon) this.#failures = 0;
    else this.#later(stableAfter, () => (this.#failures = 0));
    this.#subscribeAsNeeded(sessionPresent);
    if (publishes) this.#publish();
    if (shadow) this.#report({ telemetryInterval: 300 });
    if (job) this.#write(encoders.publish(`${this.#things}/jobs/start-next`, "{}"));
    this.#later(keepAlive * 500, () => this.#write(encoders.pingreq()));
    if (!waitsForEver) this.#later(keepAlive * 1500, () => this.#open.size && this.#socket?.destroy());
  }

  #subscribeAsNeeded(sessionPresent: boolean): void {
    const { subscribes } = this.#behaviour;
    if (subscribes === "never") return;
    const isRequired = !this.#hasSubscribed || (!sessionPresent && subscribes !== "once");
    const topic = this.#hasSubscribed && subscribes === "elsewhere" ? "news" : "commands";
    if (isRequired || subscribes === "always") this.#subscribe(topic);
  }

  #publish(): void {
    this.#write(encoders.publish("telemetry", "{}"));
    const isReusing = this.#behaviour.repeats === "reused id";
    const text = (again: boolean) => (again && isReusing ? '{"another":1}' : "{}");
    this.#untilAcknowledged((again, id) => encoders.publish("photos", text(again), 1, id, again && !isReusing));
  }

  #subscribe(topic: string): void {
    const { shadow, job } = this.#behaviour;
    this.#hasSubscribed = true;
    const filters = [{ topic, qos: 1 }];
    if (shadow) filters.push({ topic: `${this.#things}/shadow/update/delta`, qos: 1 });
    if (job) filters.push({ topic: `${this.#things}/jobs/notify-next`, qos: 1 });
    this.#untilAcknowledged((_again, id) => encoders.subscribe(id, filters));
  }

  #received(topic: string, payload: Buffer): void {
    if (topic.endsWith("/shadow/update/delta")) this.#follow(JSON.parse(payload.toString()).state);
    if (!/\/jobs\/(start-next\/accepted|notify-next)$/.test(topic)) return;
    const { execution } = JSON.parse(payload.toString());
    const update = `${this.#things}/jobs/${execution?.jobId}/update`;
    if (execution) this.#write(encoders.publish(update, JSON.stringify({ status: this.#behaviour.job })));
  }

  #follow(wish: Record<string, unknown>): void {
    const { shadow } = this.#behaviour;
    if (shadow === true) this.#report(wish);
    const desired = Object.fromEntries(Object.keys(wish).map((name) => [name, null]));
    if (shadow === "denying") this.#update({ desired });
  }

  #report(reported: object): void {
    this.#update({ reported });
  }

  #update(state: object): void {
    this.#write(encoders.publish(`${this.#things}/shadow/update`, JSON.stringify({ state })));
  }

  #untilAcknowledged(encode: (again: boolean, id: number) => Buffer, id = this.#nextId++, again = false): void {
    const { repeats } = this.#behaviour;
    const keepsId = repeats !== "new id";
    this.#open.add(id);
    this.#write(encode(again && keepsId, id));
    if (repeats === "never") return;
    this.#later(repeatAfter, () => {
      if (this.#open.has(id)) this.#untilAcknowledged(encode, keepsId ? id : this.#nextId++, true);
    });
  }

  #write(bytes: Buffer): void {
    if (this.#socket?.writable) this.#socket.write(bytes);
  }
}
