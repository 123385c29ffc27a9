import type { Account } from "./account.ts";
import type { TemporaryCredentials } from "./aws-clients.ts";
import { AccountError, PhoneCloudError } from "./cloud-errors.ts";
import type { CloudSettings } from "./cloud-settings.ts";
import { Emitter } from "./emitter.ts";
import { MqttLink } from "./mqtt-link.ts";
import { signMqttURL } from "./mqtt-url.ts";
import type { CloudOptions } from "./transport.ts";
import { cancellable, within } from "./waiting.ts";

export interface ConnectionState {
  state: "offline" | "connecting" | "online";
  /** Why it was lost, or cannot be made. */
  error?: Error;
}

export interface MqttConnectionEvents {
  state: ConnectionState;
}

/** A message; `message` is its JSON, undefined when it is none. */
export type MessageListener = (topic: string, message: unknown) => void;

interface Subscription {
  topics: string[];
  onMessage: MessageListener;
}

/** Milliseconds that connect() waits; the attempts go on behind it. */
const connectLimit = 20_000;
const firstPause = 500;
const longestPause = 30_000;
/** IoT Core ends a WebSocket after 24 hours; milliseconds. */
const longestLife = 23.5 * 60 * 60_000;
/** A connection is replaced this long before its credentials die, or when a fifth of their life is left; milliseconds. */
const longestMargin = 4 * 60_000;
/** A connection that has lasted this long counts as a good one; milliseconds. */
const steadyAfter = 10_000;
const longestTimer = 2 ** 31 - 1;
/** Of a browser's window: there is a network again, or the person looks at the page again. */
const wakingEvents = ["online", "visibilitychange"];

/**
 * MQTT over WebSocket to IoT Core that stays: it is made again when it is lost, with a fresh signature, and replaced before its credentials
 * die. Subscriptions live on. What is published while it is not there waits a while.
 */
export class MqttConnection extends Emitter<MqttConnectionEvents> {
  #account: Account;
  #endpoint: () => Promise<string>;
  #options: CloudOptions;
  #settings: CloudSettings;
  #state: ConnectionState = { state: "offline" };
  #link?: MqttLink;
  #subscriptions = new Set<Subscription>();
  /** Counts connections. */
  #latest = 0;
  /** While one connection replaces another: how many times more often the newer one has brought a message than the older one. */
  #heard?: Map<string, number>;
  #running = false;
  #closed = false;
  #failures = 0;
  #wake: () => void = () => {};
  #renewal?: ReturnType<typeof setTimeout>;

  /** @param endpoint address of the broker: wss://.../mqtt */
  constructor(account: Account, settings: CloudSettings, endpoint: () => Promise<string>, options: CloudOptions = {}) {
    super();
    this.#account = account;
    this.#settings = settings;
    this.#endpoint = endpoint;
    this.#options = options;
  }

  get state(): ConnectionState["state"] {
    return this.#state.state;
  }

  /** Resolves when it is there. @throws AccountError, PhoneCloudError; the attempts go on, but for SessionExpired */
  async connect(): Promise<void> {
    if (this.#closed) throw closedError();
    if (!this.#running) void this.#run();
    await this.#untilOnline(connectLimit, undefined, (error) => error instanceof AccountError);
  }

  /** Tries at once, if it waits for another attempt: a phone was woken, or is back in a network. */
  wake(): void {
    this.#wake();
  }

  /**
   * Listens to topics (no wildcards).
   * @returns what ends it
   * @throws PhoneCloudError AccessDenied when one is refused: then none is kept; NetworkUnavailable
   */
  async subscribe(topics: string[], onMessage: MessageListener, signal?: AbortSignal): Promise<() => Promise<void>> {
    await this.#untilOnline(connectLimit, signal);
    const subscription = { topics, onMessage };
    this.#subscriptions.add(subscription);
    try {
      const refused = await this.#link!.subscribe(topics);
      if (refused.length) throw new PhoneCloudError("AccessDenied", `not allowed: ${refused.join(", ")}`);
    } catch (error) {
      this.#subscriptions.delete(subscription);
      throw error;
    }
    this.#note("out", "subscribe", topics);
    return () => this.#unsubscribe(subscription);
  }

  async #unsubscribe(subscription: Subscription): Promise<void> {
    this.#subscriptions.delete(subscription);
    const wanted = new Set(this.#topics());
    const gone = subscription.topics.filter((topic) => !wanted.has(topic));
    // A connection that is gone has no subscriptions.
    await this.#link?.unsubscribe(gone).catch(() => {});
  }

  /** Publishes JSON at QoS 1, once more if the connection is lost on the way. @throws PhoneCloudError NetworkUnavailable */
  async publish(topic: string, message: object, signal?: AbortSignal): Promise<void> {
    const payload = JSON.stringify(message);
    for (let attempt = 1; ; attempt++) {
      await this.#untilOnline(connectLimit, signal);
      try {
        this.#note("out", topic, message);
        await cancellable(this.#link!.publish(topic, payload), signal);
        return;
      } catch (error) {
        if (attempt === 2 || !(error instanceof PhoneCloudError)) throw error;
      }
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#renewal);
    this.#wake();
    await this.#link?.end();
    this.#change({ state: "offline" });
  }

  /** Makes the connection again and again until close(). */
  async #run(): Promise<void> {
    this.#running = true;
    const wake = () => this.#wake();
    // A browser's page; Node has no such events.
    const page = globalThis as Partial<Pick<EventTarget, "addEventListener" | "removeEventListener">>;
    for (const event of wakingEvents) page.addEventListener?.(event, wake);
    while (!this.#closed) {
      this.#change({ state: "connecting", error: this.#state.error });
      let error: Error;
      try {
        const { link } = await this.#open();
        error = new PhoneCloudError("NetworkUnavailable", await this.#use(link));
      } catch (failure) {
        this.#failures += 1;
        error = failure as Error;
      }
      if (this.#closed) break;
      this.#change({ state: "offline", error });
      if (isSessionExpired(error)) break;
      await this.#pause();
    }
    for (const event of wakingEvents) page.removeEventListener?.(event, wake);
    this.#running = false;
  }

  /** @returns why it has ended */
  async #use(first: MqttLink): Promise<string> {
    const start = Date.now();
    this.#link = first;
    this.#change({ state: "online" });
    for (let link = first; ; ) {
      const reason = await link.closed;
      if (this.#link !== link) {
        link = this.#link; // it was replaced
        continue;
      }
      clearTimeout(this.#renewal);
      this.#link = undefined;
      // A broker that takes connections and ends them at once is not to be stormed.
      this.#failures = Date.now() - start < steadyAfter ? this.#failures + 1 : 0;
      return reason;
    }
  }

  /** A connection with all subscriptions, which are `topics`: others may come while it is made. */
  async #open(): Promise<{ link: MqttLink; topics: string[] }> {
    // Every second time with other credentials: a browser does not tell whether the old ones were the reason.
    const old = this.#failures % 2 ? await this.#account.credentials() : undefined;
    if (old) this.#account.renew(old);
    const credentials = await this.#account.credentials();
    const now = new Date(this.#account.now());
    const url = await signMqttURL({
      endpoint: await this.#endpoint(),
      region: this.#settings.region,
      credentials,
      now,
    });
    const { transport } = this.#options;
    const clientId = `phone-${this.#account.identityId}-${randomSuffix()}`;
    this.#latest += 1;
    const number = this.#latest;
    const onMessage = (topic: string, payload: Uint8Array) => this.#receive(topic, payload, number);
    const link = await MqttLink.open({ url, clientId, transport, onMessage });
    const topics = this.#topics();
    try {
      const refused = await link.subscribe(topics);
      if (refused.length) this.#note("note", `no longer allowed: ${refused.join(", ")}`);
    } catch (error) {
      void link.end();
      throw error;
    }
    this.#renewLater(credentials);
    return { link, topics };
  }

  #renewLater({ expiration }: TemporaryCredentials): void {
    const life = expiration.getTime() - this.#account.now();
    const left = Math.min(life - Math.min(life / 5, longestMargin), longestLife, longestTimer);
    clearTimeout(this.#renewal);
    this.#renewal = setTimeout(() => void this.#replace(), left);
  }

  /** The new connection is made before the old one goes, so that nothing is missed. */
  async #replace(): Promise<void> {
    const old = this.#link;
    if (!old || this.#closed) return;
    this.#heard = new Map();
    try {
      const { link, topics } = await this.#open();
      if (this.#link !== old || this.#closed) {
        await link.end(); // the old one was lost meanwhile, and #run has made another
        return;
      }
      this.#link = link;
      this.#note("note", "the connection was renewed");
      await this.#catchUp(link, topics);
      await old.end();
    } catch {
      // The old one is used as long as it lives; after that #run makes another.
    } finally {
      this.#heard = undefined;
    }
  }

  /** Subscribes to what somebody has subscribed to on the old connection while this one was made. */
  async #catchUp(link: MqttLink, known: string[]): Promise<void> {
    const missed = this.#topics().filter((topic) => !known.includes(topic));
    // Without them it is of no use: #run makes another.
    if (missed.length) await link.subscribe(missed).catch(() => void link.end());
  }

  #topics(): string[] {
    return [...new Set([...this.#subscriptions].flatMap(({ topics }) => topics))];
  }

  #receive(topic: string, payload: Uint8Array, number: number): void {
    const text = new TextDecoder().decode(payload);
    if (this.#isRepeated(`${topic}\n${text}`, number === this.#latest ? 1 : -1)) return;
    const message = parse(text);
    this.#note("in", topic, message ?? text);
    for (const { topics, onMessage } of [...this.#subscriptions]) if (topics.includes(topic)) onMessage(topic, message);
  }

  /** Both connections of a replacement bring each message: the one that comes later is dropped. @param step 1: from the newer one */
  #isRepeated(key: string, step: 1 | -1): boolean {
    if (!this.#heard) return false;
    const ahead = this.#heard.get(key) ?? 0;
    this.#heard.set(key, ahead + step);
    return ahead * step < 0;
  }

  async #untilOnline(limit: number, signal?: AbortSignal, isFatal = isSessionExpired): Promise<void> {
    if (this.#closed) throw closedError();
    if (this.#link && this.state === "online") return;
    let stop = () => {};
    const online = new Promise<void>((resolve, reject) => {
      stop = this.on("state", ({ state, error }) => {
        if (state === "online") resolve();
        else if (this.#closed) reject(closedError());
        else if (state === "offline" && error && isFatal(error)) reject(error);
      });
    });
    // The next attempt may be further away than anybody waits.
    this.#wake();
    const late = () => this.#state.error ?? new PhoneCloudError("NetworkUnavailable", "IoT Core does not answer");
    try {
      await cancellable(within(limit, online, late), signal);
    } finally {
      stop();
    }
  }

  /** Exponential, with full jitter. */
  #pause(): Promise<void> {
    const longest = Math.min(longestPause, firstPause * 2 ** Math.max(0, this.#failures - 1));
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.random() * longest);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #change(state: ConnectionState): void {
    this.#state = state;
    this.#note("note", state.error ? `${state.state}: ${state.error.message}` : state.state);
    this.emit("state", state);
  }

  #note(direction: "in" | "out" | "note", text: string, detail?: unknown): void {
    this.#options.activity?.add("mqtt", direction, text, detail);
  }
}

const isSessionExpired = (error: Error) => error instanceof AccountError && error.code === "SessionExpired";

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const closedError = () => new PhoneCloudError("Closed", "the connection has been closed");

export function randomSuffix(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
