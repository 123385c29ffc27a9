import { tell } from "../network/single-outcome";

/** One thing that happened, as the phone fetches it from `camera-event`. */
export interface DeviceEvent {
  /** Serial number since start, from 1. */
  n: number;
  type: string;
  /** Milliseconds since 1970, or 0 while the clock is not set. */
  time: number;
  [field: string]: unknown;
}

export interface EventPage {
  events: DeviceEvent[];
  /** The newest serial number: what the next request gives as `since`. */
  last: number;
  /** How many events after `since` had already been dropped. */
  lost: number;
}

/** The most events in one answer: it has to stay well below the largest Bluetooth message. */
const pageSize = 8;
/** Characters of all texts in it, but for the newest event: a picture's URL may have 1,280, and all events lie in the machine's memory. */
const textLimit = 1536;

export interface EventHost {
  /** Milliseconds since 1970, or 0 while the clock is not set. */
  now(): number;
  onEvent(event: DeviceEvent): void;
}

/** The last few events, for phones that come and go. The oldest is dropped when there is no room. */
export class EventLog {
  /** Events of type Error since the start. */
  errors = 0;
  #events: DeviceEvent[] = [];
  #last = 0;
  #host: EventHost;
  #capacity: number;

  constructor(host: EventHost, capacity = 12) {
    this.#host = host;
    this.#capacity = capacity;
  }

  add(type: string, fields: Record<string, unknown>): DeviceEvent {
    this.#last += 1;
    if (type === "Error") this.errors += 1;
    const event: DeviceEvent = { n: this.#last, type, time: this.#host.now(), ...fields };
    this.makeRoom(lengthOf(event));
    this.#events.push(event);
    // What happened must not hang on who is told of it.
    tell(this.#host, this.#host.onEvent, event);
    return event;
  }

  private makeRoom(length: number): void {
    const events = this.#events;
    let total = length;
    for (const event of events) total += lengthOf(event);
    while (events.length && (events.length >= this.#capacity || total > textLimit))
      total -= lengthOf(events.shift() as DeviceEvent);
  }

  /** The oldest events after serial number `since`. A number from before a restart counts as 0. */
  since(since: number): EventPage {
    const from = since > this.#last ? 0 : since;
    const newer = this.#events.filter((event) => event.n > from);
    const first = newer.length ? newer[0].n : this.#last + 1;
    return { events: newer.slice(0, pageSize), last: this.#last, lost: first - 1 - from };
  }
}

/** Characters of its texts. */
function lengthOf(event: DeviceEvent): number {
  let length = 0;
  for (const name in event) {
    const value = event[name];
    if (typeof value === "string") length += value.length;
  }
  return length;
}
