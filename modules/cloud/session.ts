import Time from "time";
import Timer from "timer";
import { type OwnedTimer, setTimer } from "../network/owned-timer";
import { Backoff } from "./backoff";
import { type ControlMessage, PUBACK, SUBACK, type TopicFilter } from "./client-interface";
import { asCloudError, CloudError } from "./cloud-error";
import { Connection, type ConnectionHandler, type ConnectionOptions, type InboundMessage } from "./connection";
import { parseEndpoint } from "./endpoint";
import { EndpointChoice } from "./endpoint-choice";
import { EndpointRace, type RaceOptions, type RaceWatcher } from "./endpoint-race";
import { KeepAlive } from "./keep-alive";
import { checkClientId, checkPayload, checkTopic, checkTopicFilter, limits, utf8Length } from "./limits";
import { type MessageStream, WholeMessage } from "./message-reader";
import { type IdSource, Outbox } from "./outbox";
import { PacketIds } from "./packet-ids";
import { RecentMessages } from "./recent-messages";
import type { CloudSessionOptions, CloudState, PublishOptions } from "./session-interface";
import { completeSettings, type Settings } from "./settings";
import { Subscriptions } from "./subscriptions";

export type { InboundMessage } from "./connection";
export type { CloudSessionOptions, CloudState, PublishOptions } from "./session-interface";

/** Something to tell the application. */
type Notice =
  | { state: CloudState; error?: CloudError }
  | { message: InboundMessage }
  | { problem: CloudError }
  | { dropped: true };

const refusals = ["Refused", "PeerAlert"];

/** What the application has not been told: more than this cannot come up in one turn, unless it connects and disconnects in a loop. */
const noticeLimit = 16;
/** So many expendable messages are kept for their acknowledgements while a message waits. */
const expendableLimit = 1;

/**
 * A device's persistent session with AWS IoT Core, or with any MQTT 3.1.1 broker. It connects for ever, with growing and
 * jittered pauses, and keeps what was asked of it across connections: subscriptions and unacknowledged QoS 1 messages.
 *
 * Nothing is thrown out of a callback. `publish` and `subscribe` reject with a CloudError. The application is called, and
 * packets are written, from a promise job: the stack of the chip is too short for the application on top of the MQTT client
 * on top of TLS, or the other way round.
 */
export class CloudSession implements ConnectionHandler, RaceWatcher, IdSource {
  static #proved({ owner }: OwnedTimer<CloudSession>): void {
    owner.#timer = undefined;
    owner.#backoff.reset();
    owner.#choice.proved();
  }

  static #again({ owner }: OwnedTimer<CloudSession>): void {
    owner.#timer = undefined;
    owner.connect();
  }

  static #stalled({ owner }: OwnedTimer<CloudSession>): void {
    owner.#holdTimer = undefined;
    owner.#connection?.fail(new CloudError("InboundStalled", "a message was not taken in time"));
  }

  static #overdue({ owner }: OwnedTimer<CloudSession>): void {
    owner.#acknowledgeTimer = undefined;
    owner.flush();
  }

  #options: CloudSessionOptions;
  #settings: Settings;
  #keepAlive: KeepAlive;
  #choice: EndpointChoice;
  #race?: EndpointRace;
  /** The connection has a clean session, and ends when the broker has dropped the other one. */
  #isClean = false;
  #connection?: Connection;
  #state: CloudState = "disconnected";
  #closed = false;
  #backoff: Backoff;
  #ids = new PacketIds();
  #outbox: Outbox;
  #subscriptions: Subscriptions;
  #recent = new RecentMessages();
  /** Until the next attempt, or until the connection counts as stable. */
  #timer?: Timer;
  #acknowledgeTimer?: Timer;
  /** A message stands at the connection's gate; it does so because it cannot be taken, until the timer ends the connection. */
  #isWaiting = false;
  #holdTimer?: Timer;
  /** What the application has not been told yet, in order. */
  #notices: Notice[] = [];
  #isScheduled = false;

  /** @throws CloudError InvalidEndpoint, InvalidClientId, InvalidTopic (of the will) */
  constructor(options: CloudSessionOptions) {
    this.#options = options;
    checkClientId(options.clientId);
    if (options.will) checkTopic(options.will.topic);
    this.#choice = new EndpointChoice(options.endpoint, options.preferredEndpoint);
    this.#settings = completeSettings(options);
    this.#keepAlive = new KeepAlive(this.#settings.keepAlive);
    this.#backoff = new Backoff(options.backoff);
    this.#subscriptions = new Subscriptions(this.#settings, this);
    this.#outbox = new Outbox(this.#settings, this);
  }

  /** Seconds between two signs of life that a connection is given now. */
  get keepAlive(): number {
    return this.#keepAlive.interval;
  }

  /** As in the options; what CONNECT promises follows with the next connection. */
  set keepAlive(seconds: number) {
    this.#keepAlive.setting = seconds;
    this.#connection?.keepAliveChanged();
  }

  /** AWS IoT: the thing name. */
  get clientId(): string {
    return this.#options.clientId;
  }

  /** The endpoint that is used, `host` or `host:port`; undefined while it is being chosen. */
  get endpoint(): string | undefined {
    return this.#choice.current;
  }

  get state(): CloudState {
    return this.#state;
  }

  get connected(): boolean {
    return this.#state === "connected";
  }

  /** Outbound messages that wait or are in flight. */
  get pending(): number {
    return this.#outbox.length;
  }

  /** Connects, and connects again whenever it has to. While an attempt waits for its time, it is made now. */
  connect(): void {
    if (this.#closed || this.#connection || this.#race) return;
    this.clearTimers();
    this.enter("resolving");
    const endpoint = this.#choice.next(Time.ticks);
    if (endpoint !== undefined) this.open(endpoint);
    else this.race();
  }

  private race(): void {
    this.#race = new EndpointRace(raceOptions(this.#options, this.#settings, this.#choice), this);
  }

  private open(endpoint: string): void {
    this.#connection = new Connection(this.#settings, this.#keepAlive, this);
    this.#isClean = this.#options.mustDropSession?.() ?? false;
    this.#connection.open(connectionOptions(this.#options, endpoint, this.#isClean));
  }

  /** Ends the connection and stays without one until `connect()`. What is queued stays queued. */
  disconnect(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#race?.close();
    this.#race = undefined;
    this.clearTimers();
    connection?.close();
    this.#outbox.disconnected(new CloudError("NotConnected", "disconnected"));
    if (this.#state !== "disconnected") this.enter("disconnected");
  }

  /** Ends the session for good: what waits is rejected with Closed, and no callback is called any more. */
  close(): void {
    if (this.#closed) return;
    this.disconnect();
    this.#closed = true;
    this.#notices = [];
    const error = new CloudError("Closed", "the session was closed");
    this.#outbox.close(error);
    this.#subscriptions.close(error);
  }

  /**
   * Sends a message; a QoS 1 message is sent again, in this connection and in later ones, until it is acknowledged. Bytes that are
   * handed in must not change before that.
   */
  publish(topic: string, payload: string | ArrayBuffer | Uint8Array, options: PublishOptions = {}): Promise<void> {
    const { QoS = 1, retain = false, expendable = false } = options;
    // No async function: its promise around the outbox's would wait, and take memory, as long as that does.
    try {
      this.checkOpen();
      checkTopic(topic);
      const bytes = payload instanceof Uint8Array ? payload : new Uint8Array(toBuffer(payload));
      checkPayload(bytes.length);
      if (!QoS && !this.connected) throw new CloudError("NotConnected", "QoS 0 is not queued");
      const topicByteLength = utf8Length(topic);
      const sent = this.#outbox.add({ topic, topicByteLength, payload: bytes, QoS, retain, expendable });
      this.soon();
      return sent;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Asks for topics, now or as soon as there is a connection; resolves when the broker has granted all of them. */
  subscribe(filters: TopicFilter[]): Promise<void> {
    try {
      this.checkOpen();
      for (const { topic } of filters) checkTopicFilter(topic);
      const granted = this.#subscriptions.add(filters);
      this.soon();
      return granted;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** A message waits that cannot be taken yet. What was asked for may have been answered behind it. */
  get isBehind(): boolean {
    return this.#holdTimer !== undefined;
  }

  /** The application can take a message again. */
  resume(): void {
    if (this.#isWaiting) this.soon();
  }

  private checkOpen(): void {
    if (this.#closed) throw new CloudError("Closed", "the session was closed");
  }

  // Called by the race and by the connection

  /** @internal */
  onWinner(index: number): void {
    this.#race = undefined;
    this.#choice.choose(index, Time.ticks);
    this.open(this.endpoint as string);
  }

  /** @internal */
  onNoWinner(error: CloudError): void {
    this.#race = undefined;
    if (this.#choice.widen()) this.race();
    else this.onClosed(error);
  }

  /** @internal */
  onConnecting(): void {
    this.enter("connecting");
  }

  /** @internal */
  onConnected(sessionPresent: boolean): void {
    if (this.#isClean) {
      this.note({ dropped: true });
      return;
    }
    this.#outbox.connected(sessionPresent);
    this.#subscriptions.connected(sessionPresent);
    this.#timer = setTimer(this, CloudSession.#proved, this.#settings.stableTime);
    this.enter("connected");
  }

  /** @internal */
  onClosed(error: CloudError): void {
    this.#connection = undefined;
    this.#choice.failed(Time.ticks, this.connected);
    this.clearTimers();
    this.#timer = setTimer(this, CloudSession.#again, this.#backoff.next());
    this.#outbox.disconnected(error);
    this.enter(refusals.includes(error.code) ? "refused" : "backing-off", error);
  }

  /** @internal */
  onAcknowledged({ operation, id = 0, payload = [] }: ControlMessage): void {
    if (operation === PUBACK) this.#outbox.acknowledge(id);
    else if (operation === SUBACK)
      for (const topic of this.#subscriptions.acknowledge(id, payload))
        this.report(new CloudError("SubscriptionRefused", topic));
    this.soon();
  }

  /** @internal */
  onMessageWaiting(): void {
    this.#isWaiting = true;
    this.soon();
  }

  /** @internal */
  onMessage(message: InboundMessage): void {
    this.note({ message });
  }

  /** @internal */
  openStream(topic: string, byteLength: number): MessageStream | undefined {
    if (byteLength > limits.payload) return undefined;
    try {
      const stream = this.#options.openStream?.(topic);
      if (stream) return stream;
    } catch (error) {
      this.report(asCloudError(error, "HandlerFailed", "a callback failed"));
    }
    return byteLength <= this.#settings.maximumMessage ? new WholeMessage(byteLength) : undefined;
  }

  /** @internal */
  onDropped(topic: string | undefined, byteLength: number): void {
    this.report(new CloudError("MessageTooLarge", `${byteLength} bytes on ${topic ?? "a topic that is too long"}`));
  }

  /** @internal */
  onWritable(): void {
    this.soon();
  }

  /** @internal */
  takeId(): number {
    return this.#ids.take((id) => this.#outbox.isInUse(id) || this.#subscriptions.isInUse(id));
  }

  // Inside

  /** What is left to do is done when the stack is empty. */
  private soon(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    Promise.resolve().then(() => {
      this.#isScheduled = false;
      this.tell();
      this.flush();
      this.admit();
    });
  }

  private tell(): void {
    for (let notice = this.#notices.shift(); notice; notice = this.#notices.shift()) {
      try {
        this.call(notice);
      } catch (error) {
        if (!("problem" in notice)) this.report(asCloudError(error, "HandlerFailed", "a callback failed"));
      }
    }
  }

  private call(notice: Notice): void {
    if ("state" in notice) this.#options.onStateChanged?.(notice.state, notice.error);
    else if ("problem" in notice) this.#options.onError?.(notice.problem);
    else if ("dropped" in notice) this.sessionDropped();
    else if (!notice.message.QoS || notice.message.stream || !this.#recent.isRepetition(notice.message))
      this.#options.onMessage?.(notice.message);
  }

  /**
   * Lets the next message in when the one before it is done with. Acknowledgements of ours may stand behind it: nothing that it waits for
   * may wait for them.
   */
  private admit(): void {
    const connection = this.#connection;
    if (!this.#isWaiting || !connection) return;
    if (this.#outbox.spare(expendableLimit) && this.mayAdmit() && connection.admit()) this.endWait();
    else this.#holdTimer ??= setTimer(this, CloudSession.#stalled, this.#settings.holdTimeout);
  }

  private mayAdmit(): boolean {
    try {
      return this.#options.admitMessage?.() ?? true;
    } catch (error) {
      this.report(asCloudError(error, "HandlerFailed", "a callback failed"));
      return true;
    }
  }

  private endWait(): void {
    this.#isWaiting = false;
    Timer.clear(this.#holdTimer);
    this.#holdTimer = undefined;
  }

  /** A clean session does not last: what is published during the next interruption would be lost with it. */
  private sessionDropped(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection) {
      this.clearTimers();
      connection.close();
      this.#timer = setTimer(this, CloudSession.#again, this.#backoff.next());
      this.enter("backing-off");
    }
    this.#options.onSessionDropped?.();
  }

  /** Writes as much as there is room for: subscriptions first, so that no answer to what follows is missed. */
  private flush(): void {
    const connection = this.#connection;
    if (!connection || !this.connected) return;
    if (this.#holdTimer) this.postpone(Time.ticks);
    try {
      this.flushSubscriptions(connection);
      this.flushOutbox(connection);
      this.awaitAcknowledgements();
    } catch (error) {
      connection.fail(asCloudError(error, "ClientFailed", "nothing could be sent"));
    }
  }

  /** What we do not read has not failed to come. */
  private postpone(now: number): void {
    this.#outbox.postpone(now);
    this.#subscriptions.postpone(now);
  }

  private flushSubscriptions(connection: Connection): void {
    const packet = this.#subscriptions.next(Time.ticks);
    if (packet && connection.subscribe(packet.id, packet.items, packet.byteLength))
      this.#subscriptions.sent(Time.ticks);
  }

  private flushOutbox(connection: Connection): void {
    for (;;) {
      const message = this.#outbox.next(Time.ticks);
      if (!message || !connection.publish(message)) return;
      this.#outbox.sent(message, Time.ticks);
    }
  }

  private awaitAcknowledgements(): void {
    Timer.clear(this.#acknowledgeTimer);
    this.#acknowledgeTimer = undefined;
    const now = Time.ticks;
    const wait = Math.min(this.#outbox.wait(now) ?? Infinity, this.#subscriptions.wait(now) ?? Infinity);
    if (wait === Infinity || !this.connected) return;
    this.#acknowledgeTimer = setTimer(this, CloudSession.#overdue, wait);
  }

  private clearTimers(): void {
    Timer.clear(this.#timer);
    Timer.clear(this.#acknowledgeTimer);
    this.#timer = this.#acknowledgeTimer = undefined;
    this.endWait();
  }

  private enter(state: CloudState, error?: CloudError): void {
    this.#state = state;
    this.note({ state, error });
  }

  private report(problem: CloudError): void {
    this.note({ problem });
  }

  private note(notice: Notice): void {
    if (this.#notices.length >= noticeLimit) this.#notices.shift();
    this.#notices.push(notice);
    this.soon();
  }
}

/** On port 443 the socket has to name the protocol that it wants. */
function connectionOptions(options: CloudSessionOptions, text: string, clean: boolean): ConnectionOptions {
  const { clientId, will, mqtt, dns, socket } = options;
  const endpoint = parseEndpoint(text);
  const protocols = endpoint.applicationLayerProtocolNegotiation;
  if (!protocols) return { endpoint, clientId, clean, will, mqtt, dns, socket };
  const secure = { ...(socket.secure as object), applicationLayerProtocolNegotiation: protocols };
  return { endpoint, clientId, clean, will, mqtt, dns, socket: { ...socket, secure } };
}

/** The race is run with the TCP socket below TLS, or with the socket itself where there is no TLS. */
function raceOptions(
  { dns, socket }: CloudSessionOptions,
  { raceTimeout: timeout }: Settings,
  { candidates }: EndpointChoice,
): RaceOptions {
  return { candidates, dns, TCP: (socket.TCP as RaceOptions["TCP"]) ?? socket, timeout };
}

function toBuffer(payload: string | ArrayBuffer): ArrayBuffer {
  return typeof payload === "string" ? ArrayBuffer.fromString(payload) : payload;
}
