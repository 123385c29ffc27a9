import type { TimerModule } from "../../../modules/network/owned-timer";

interface Entry {
  callback: (timer: never) => void;
  at: number;
  interval: number | undefined;
}

/** Timers whose time passes when the test says so. */
export class ManualTimers implements TimerModule {
  now = 0;
  #entries: Entry[] = [];

  set(callback: (timer: never) => void, milliseconds: number): unknown {
    return this.#add(callback, milliseconds, undefined);
  }

  repeat(callback: (timer: never) => void, milliseconds: number): unknown {
    return this.#add(callback, milliseconds, milliseconds);
  }

  clear(timer: never): void {
    this.#entries = this.#entries.filter((entry) => entry !== timer);
  }

  /** How many timers are running: none may be left when something is over. */
  get running(): number {
    return this.#entries.length;
  }

  advance(milliseconds: number): void {
    const end = this.now + milliseconds;
    for (let next = this.#next(end); next; next = this.#next(end)) {
      this.now = next.at;
      if (next.interval === undefined) this.#entries = this.#entries.filter((entry) => entry !== next);
      else next.at += next.interval;
      next.callback(next as never);
    }
    this.now = end;
  }

  #next(end: number): Entry | undefined {
    let first: Entry | undefined;
    for (const entry of this.#entries) if (entry.at <= end && (!first || entry.at < first.at)) first = entry;
    return first;
  }

  #add(callback: (timer: never) => void, milliseconds: number, interval: number | undefined): Entry {
    const entry = { callback, at: this.now + milliseconds, interval };
    this.#entries.push(entry);
    return entry;
  }
}
