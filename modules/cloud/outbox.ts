import type { QoS } from "./client-interface";
import { CloudError } from "./cloud-error";
import type { OutboundMessage } from "./connection";
import type { Settings } from "./settings";

/** Hands out packet identifiers that are not in use. */
export interface IdSource {
  takeId(): number;
}

/** How often a packet is sent in one connection before the connection counts as dead. */
export const maximumAttempts = 4;

export interface Draft {
  topic: string;
  topicByteLength: number;
  payload: Uint8Array;
  QoS: QoS;
  retain: boolean;
  /** Nobody waits for its acknowledgement: when written it may be forgotten. */
  expendable: boolean;
}

interface Entry extends OutboundMessage {
  expendable: boolean;
  /** When it was last sent in this connection, if at all. */
  sentAt?: number;
  attempts: number;
  /** The broker may have seen it: it was sent in this session. */
  wasSent: boolean;
  resolve(): void;
  reject(error: CloudError): void;
}

/** Fixed header, topic length and packet identifier of a PUBLISH (MQTT 3.1.1, 3.3): at most this many bytes besides the topic. */
const publishOverhead = 1 + 4 + 2 + 2;

/** Milliseconds from one reading of the clock to another; the chip's clock is 32 bits wide and wraps. */
export const elapsed = (from: number, to: number): number => (to - from) | 0;

/**
 * What is on its way to the cloud: messages that wait for room or for a connection, and messages that were sent and not
 * acknowledged, in the order in which they were published. No I/O; time is given.
 */
export class Outbox {
  #settings: Settings;
  #ids: IdSource;
  #entries: Entry[] = [];
  #bytes = 0;

  constructor(settings: Settings, ids: IdSource) {
    this.#settings = settings;
    this.#ids = ids;
  }

  /** Messages that wait or are in flight. */
  get length(): number {
    return this.#entries.length;
  }

  /** Resolves when the message is acknowledged, with QoS 0 when it is written, and at once when it is expendable. @throws CloudError PayloadTooLarge, QueueFull */
  add(draft: Draft): Promise<void> {
    const { queueCount, queueBytes } = this.#settings;
    const { topic, payload, QoS, retain, expendable } = draft;
    if (payload.length > queueBytes)
      throw new CloudError("PayloadTooLarge", `payload of ${payload.length} bytes; the queue takes ${queueBytes}`);
    if (this.#entries.length >= queueCount || this.#bytes + payload.length > queueBytes)
      throw new CloudError("QueueFull", `${this.#entries.length} messages of ${this.#bytes} bytes wait already`);
    this.#bytes += payload.length;
    const headerLength = publishOverhead + draft.topicByteLength;
    const message = { topic, payload, QoS, retain, expendable, headerLength, id: 0, duplicate: false };
    const entry = { ...message, attempts: 0, wasSent: false };
    if (expendable) {
      this.#entries.push({ ...entry, resolve: ignore, reject: ignore });
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      this.#entries.push({ ...entry, resolve, reject });
    });
  }

  /**
   * Forgets the oldest of the expendable messages that were written in this connection, until `limit` are left.
   *
   * @returns whether no more than that are left: others have not been written yet
   */
  spare(limit: number): boolean {
    let excess = -limit;
    for (const { expendable } of this.#entries) if (expendable) excess += 1;
    for (let i = 0; i < this.#entries.length && excess > 0; ) {
      const entry = this.#entries[i];
      if (entry.expendable && entry.attempts > 0) {
        this.remove(entry);
        excess -= 1;
      } else i += 1;
    }
    return excess <= 0;
  }

  /** Acknowledgements cannot come at present: the time that they may take begins anew. */
  postpone(now: number): void {
    for (const entry of this.#entries) if (entry.sentAt !== undefined) entry.sentAt = now;
  }

  isInUse(id: number): boolean {
    return this.#entries.some((entry) => entry.id === id);
  }

  /**
   * The message to send now: the oldest of those that wait or whose acknowledgement is overdue.
   *
   * @throws CloudError AckTimeout when one was sent often enough
   */
  next(now: number): OutboundMessage | undefined {
    const { maximumInFlight } = this.#settings;
    let inFlight = 0;
    for (const entry of this.#entries) {
      if (entry.sentAt !== undefined) {
        inFlight += 1;
        if (this.overdue(entry.sentAt, now) > 0) continue;
        if (entry.attempts >= maximumAttempts)
          throw new CloudError(
            "AckTimeout",
            `packet ${entry.id} was sent ${entry.attempts} times and not acknowledged`,
          );
        // Expendable ones pass by: the acknowledgements may stand behind messages that wait until these are written.
      } else if (inFlight >= maximumInFlight && entry.QoS && !entry.expendable) continue;
      if (entry.QoS && !entry.id) entry.id = this.#ids.takeId();
      return entry;
    }
    return undefined;
  }

  /** The message that `next` gave was written. */
  sent(message: OutboundMessage, now: number): void {
    const entry = message as Entry;
    if (!entry.QoS) {
      this.remove(entry);
      entry.resolve();
      return;
    }
    entry.sentAt = now;
    entry.attempts += 1;
    entry.wasSent = entry.duplicate = true;
  }

  /** @returns false when no message with this identifier was in flight */
  acknowledge(id: number): boolean {
    const entry = this.#entries.find((candidate) => candidate.id === id && candidate.attempts > 0);
    if (!entry) return false;
    this.remove(entry);
    entry.resolve();
    return true;
  }

  /** Milliseconds until the next acknowledgement is overdue; undefined when none is awaited. */
  wait(now: number): number | undefined {
    let least: number | undefined;
    for (const { sentAt } of this.#entries) {
      if (sentAt === undefined) continue;
      const wait = Math.max(this.overdue(sentAt, now), 0);
      if (least === undefined || wait < least) least = wait;
    }
    return least;
  }

  /**
   * A new connection: what was in flight is sent again, first of all and with its identifier (MQTT 3.1.1, 4.4). When the broker has
   * forgotten the session it has forgotten the identifier too, and the message is a new one to it.
   */
  connected(sessionPresent: boolean): void {
    for (const entry of this.#entries) {
      entry.sentAt = undefined;
      entry.attempts = 0;
      entry.wasSent &&= sessionPresent;
      entry.duplicate = entry.wasSent;
    }
  }

  /** The connection is gone. QoS 0 does not outlive it. */
  disconnected(error: CloudError): void {
    this.drop(error, (entry) => !entry.QoS);
  }

  close(error: CloudError): void {
    this.drop(error, () => true);
  }

  private drop(error: CloudError, which: (entry: Entry) => boolean): void {
    for (const entry of this.#entries.filter(which)) {
      this.remove(entry);
      entry.reject(error);
    }
  }

  private remove(entry: Entry): void {
    this.#bytes -= entry.payload.length;
    this.#entries.splice(this.#entries.indexOf(entry), 1);
  }

  private overdue(sentAt: number, now: number): number {
    return this.#settings.acknowledgeTimeout - elapsed(sentAt, now);
  }
}

function ignore(): void {}
