import type { TopicFilter } from "./client-interface";
import { CloudError } from "./cloud-error";
import { limits, utf8Length } from "./limits";
import { elapsed, type IdSource, maximumAttempts } from "./outbox";
import type { Settings } from "./settings";

interface Group {
  waiting: number;
  refused: string[];
  resolve(): void;
  reject(error: CloudError): void;
}

interface Subscription extends TopicFilter {
  /** The broker has it, or has refused it in this connection. */
  answered: boolean;
  /** Those who wait for the answer, if there are any. */
  groups: Group[] | undefined;
}

/** A SUBSCRIBE to write. */
export interface SubscribePacket {
  id: number;
  items: TopicFilter[];
  /** Of the whole packet, at most. */
  byteLength: number;
}

interface Pending extends SubscribePacket {
  items: Subscription[];
  sentAt?: number;
  attempts: number;
}

/** Fixed header and packet identifier of a SUBSCRIBE; each filter has its length and a QoS besides (MQTT 3.1.1, 3.8). */
const subscribeOverhead = 1 + 4 + 2;
const filterOverhead = 2 + 1;

/** SUBACK return code (3.9.3). */
const failure = 0x80;

/**
 * What the device wants to hear of, and what of it the broker knows. One SUBSCRIBE is under way at a time, with as many
 * filters as AWS IoT takes. No I/O; time is given.
 */
export class Subscriptions {
  #settings: Settings;
  #ids: IdSource;
  #all: Subscription[] = [];
  #pending?: Pending;

  constructor(settings: Settings, ids: IdSource) {
    this.#settings = settings;
    this.#ids = ids;
  }

  /** Resolves when the broker has granted all of them. @throws CloudError TooManySubscriptions */
  add(filters: TopicFilter[]): Promise<void> {
    const added = filters.filter(({ topic }) => !this.find(topic)).length;
    if (this.#all.length + added > limits.subscriptionsPerConnection)
      throw new CloudError("TooManySubscriptions", `more than ${limits.subscriptionsPerConnection} topic filters`);
    return new Promise((resolve, reject) => {
      const group: Group = { waiting: 0, refused: [], resolve, reject };
      for (const filter of filters) this.want(filter, group);
      if (!group.waiting) resolve();
    });
  }

  isInUse(id: number): boolean {
    return this.#pending?.id === id;
  }

  /** The SUBSCRIBE to send now. @throws CloudError AckTimeout when one was sent often enough */
  next(now: number): SubscribePacket | undefined {
    const pending = this.#pending;
    if (!pending) return this.start();
    if (pending.sentAt !== undefined && this.overdue(pending.sentAt, now) > 0) return undefined;
    if (pending.attempts >= maximumAttempts)
      throw new CloudError("AckTimeout", `SUBSCRIBE ${pending.id} was sent ${pending.attempts} times`);
    return pending;
  }

  /** The packet that `next` gave was written. */
  sent(now: number): void {
    const pending = this.#pending!;
    pending.sentAt = now;
    pending.attempts += 1;
  }

  /** The SUBACK cannot come at present: the time that it may take begins anew. */
  postpone(now: number): void {
    if (this.#pending?.sentAt !== undefined) this.#pending.sentAt = now;
  }

  /** SUBACK. @returns the filters that were refused */
  acknowledge(id: number, returnCodes: number[]): string[] {
    const pending = this.#pending;
    if (pending?.id !== id || !pending.attempts) return [];
    this.#pending = undefined;
    const refused: string[] = [];
    for (let i = 0; i < pending.items.length; i += 1) {
      const item = pending.items[i];
      const isRefused = (returnCodes[i] ?? failure) === failure;
      if (isRefused) refused.push(item.topic);
      this.answer(item, isRefused);
    }
    return refused;
  }

  /** Milliseconds until the SUBACK is overdue; undefined when none is awaited. */
  wait(now: number): number | undefined {
    const sentAt = this.#pending?.sentAt;
    return sentAt === undefined ? undefined : Math.max(this.overdue(sentAt, now), 0);
  }

  /**
   * A new connection. A session that is present has every subscription that was ever granted, and none is sent again; otherwise
   * all are. Those that were not answered yet are sent in either case.
   */
  connected(sessionPresent: boolean): void {
    this.#pending = undefined;
    if (!sessionPresent) for (const subscription of this.#all) subscription.answered = false;
  }

  close(error: CloudError): void {
    for (const { groups } of this.#all) for (const group of groups ?? []) group.reject(error);
    this.#all = [];
    this.#pending = undefined;
  }

  private find(topic: string): Subscription | undefined {
    return this.#all.find((subscription) => subscription.topic === topic);
  }

  private want(filter: TopicFilter, group: Group): void {
    let subscription = this.find(filter.topic);
    if (!subscription) {
      subscription = { ...filter, answered: false, groups: undefined };
      this.#all.push(subscription);
    } else if (subscription.QoS !== filter.QoS) {
      subscription.QoS = filter.QoS;
      subscription.answered = false;
    }
    if (subscription.answered) return;
    group.waiting += 1;
    subscription.groups ??= [];
    subscription.groups.push(group);
  }

  private answer(subscription: Subscription, isRefused: boolean): void {
    const { groups = [], topic } = subscription;
    subscription.answered = true;
    subscription.groups = undefined;
    if (isRefused) this.#all.splice(this.#all.indexOf(subscription), 1);
    for (const group of groups) {
      group.waiting -= 1;
      if (isRefused) group.refused.push(topic);
      if (group.waiting) continue;
      if (!group.refused.length) group.resolve();
      else group.reject(new CloudError("SubscriptionRefused", `refused: ${group.refused.join(", ")}`));
    }
  }

  private start(): Pending | undefined {
    const items = this.#all.filter(({ answered }) => !answered).slice(0, limits.filtersPerSubscribe);
    if (!items.length) return undefined;
    let byteLength = subscribeOverhead;
    for (const { topic } of items) byteLength += filterOverhead + utf8Length(topic);
    this.#pending = { id: this.#ids.takeId(), items, byteLength, attempts: 0 };
    return this.#pending;
  }

  private overdue(sentAt: number, now: number): number {
    return this.#settings.acknowledgeTimeout - elapsed(sentAt, now);
  }
}
