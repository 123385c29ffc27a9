import mqtt, { type MqttClient } from "mqtt";
import { PhoneCloudError } from "./cloud-errors.ts";
import type { Transport } from "./transport.ts";
import { within } from "./waiting.ts";

/** Milliseconds until the broker has to have taken a connection, a subscription or a message. */
const limit = 10_000;
/** Seconds. Shorter than what networks of phones forget an idle connection after. */
const keepalive = 30;
/** IoT Core ends a connection that asks for more at once (General Reference). */
const filtersPerSubscribe = 8;

interface Options {
  /** Presigned. */
  url: string;
  clientId: string;
  transport?: Transport;
  onMessage(topic: string, payload: Uint8Array): void;
}

/** One MQTT connection over WebSocket, from its CONNECT to its end. */
export class MqttLink {
  /** Resolves when it has ended, with the reason. Never rejects. */
  readonly closed: Promise<string>;
  #client: MqttClient;
  #pending = 0;

  private constructor(client: MqttClient, closed: Promise<string>) {
    this.#client = client;
    this.closed = closed;
  }

  /** @throws PhoneCloudError NetworkUnavailable, AccessDenied */
  static async open({ url, clientId, transport, onMessage }: Options): Promise<MqttLink> {
    const [base] = url.split("?");
    const client = mqtt.connect(base, {
      clientId,
      protocolVersion: 4,
      clean: true,
      keepalive,
      reconnectPeriod: 0,
      connectTimeout: limit,
      // Its other timers run in a worker made of a blob: URL, which the page's Content-Security-Policy does not allow.
      timerVariant: "native",
      // MQTT.js would put the query together anew.
      transformWsUrl: () => url,
      wsOptions: transport?.webSocketOptions ?? {},
    });
    client.on("message", (topic, payload) => onMessage(topic, payload));
    let reason = "the connection was closed";
    client.on("error", (error) => {
      reason = describe(error);
    });
    const closed = new Promise<string>((resolve) => client.once("close", () => resolve(reason)));
    const link = new MqttLink(client, closed);
    try {
      await link.#untilConnected();
      return link;
    } catch (error) {
      client.end(true);
      throw error;
    }
  }

  #untilConnected(): Promise<void> {
    const connected = new Promise<void>((resolve, reject) => {
      this.#client.once("connect", () => resolve());
      void this.closed.then((reason) => reject(connectionError(reason)));
    });
    return within(limit, connected, () => connectionError("no answer to CONNECT"));
  }

  /** At QoS 1. @returns the topics that were refused @throws PhoneCloudError NetworkUnavailable */
  async subscribe(topics: string[]): Promise<string[]> {
    const refused: string[] = [];
    for (let start = 0; start < topics.length; start += filtersPerSubscribe)
      refused.push(...(await this.#subscribe(topics.slice(start, start + filtersPerSubscribe))));
    return refused;
  }

  async #subscribe(topics: string[]): Promise<string[]> {
    const granted = await this.#ask<{ topic: string; qos: number }[]>("SUBACK", (done) =>
      this.#client.subscribe(topics, { qos: 1 }, (error, grants, packet) => {
        // MQTT.js calls a refusal an error; the packet tells which topics it is about.
        const codes = packet?.granted as number[] | undefined;
        if (codes) done(undefined, topicsWith(topics, codes));
        else done(error ?? undefined, grants ?? []);
      }),
    );
    return granted.filter(({ qos }) => qos > 2).map(({ topic }) => topic);
  }

  async unsubscribe(topics: string[]): Promise<void> {
    for (let start = 0; start < topics.length; start += filtersPerSubscribe)
      await this.#unsubscribe(topics.slice(start, start + filtersPerSubscribe));
  }

  async #unsubscribe(topics: string[]): Promise<void> {
    await this.#ask<void>("UNSUBACK", (done) => this.#client.unsubscribe(topics, (error) => done(error ?? undefined)));
  }

  /** At QoS 1: resolves when the broker has it. @throws PhoneCloudError NetworkUnavailable */
  publish(topic: string, payload: string): Promise<void> {
    return this.#ask<void>("PUBACK", (done) =>
      this.#client.publish(topic, payload, { qos: 1 }, (error) => done(error ?? undefined)),
    );
  }

  /** Ends it, after what is under way has been answered, or has had its time. */
  async end(): Promise<void> {
    const deadline = Date.now() + limit;
    while (this.#pending && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
    this.#client.end(false);
    const timer = setTimeout(() => this.#client.end(true), 1_000);
    await this.closed;
    clearTimeout(timer);
  }

  async #ask<T>(what: string, start: (done: (error?: Error, value?: T) => void) => void): Promise<T> {
    this.#pending += 1;
    const asked = new Promise<T>((resolve, reject) => {
      void this.closed.then((reason) => reject(connectionError(reason)));
      start((error, value) => {
        if (error) reject(connectionError(error.message));
        else resolve(value as T);
      });
    });
    try {
      return await within(limit, asked, () => connectionError(`no ${what} within ${limit / 1000} s`));
    } finally {
      this.#pending -= 1;
    }
  }
}

function topicsWith(topics: string[], codes: number[]): { topic: string; qos: number }[] {
  return topics.map((topic, i) => ({ topic, qos: codes[i] ?? 128 }));
}

/** A refused CONNECT has a code in 3.1.1; 5 is "not authorized". */
function describe(error: Error & { code?: unknown }): string {
  return error.code === 5 ? "not authorized" : error.message || "the connection failed";
}

function connectionError(reason: string): PhoneCloudError {
  // The URL is a credential; some errors quote it.
  const text = reason.replace(/\?[^\s"]*/g, "?...");
  return new PhoneCloudError(/not authorized/i.test(reason) ? "AccessDenied" : "NetworkUnavailable", text);
}
