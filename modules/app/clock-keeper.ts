import Timer from "timer";
import type { Clock } from "../network/clock";
import { type OwnedTimer, setTimer, type TimerModule } from "../network/owned-timer";
import { describeError } from "./command-error";

export interface ClockKeeperHost {
  readonly clock: Pick<
    Clock,
    "isSet" | "isConfirmed" | "state" | "source" | "age" | "doubt" | "compare" | "synchronize"
  >;
  /** Milliseconds since power-on. */
  readonly uptime: number;
  /** There is a network, and no picture is on its way that needs the machine. */
  readonly mayAskForTime: boolean;
  readonly events: { add(type: string, fields: Record<string, unknown>): unknown };
  /** The clock may be right by now. */
  clockChanged(): void;
}

const day = 86_400_000;
const minute = 60_000;
/** A doubtful clock is asked about after a minute, then after two, ... an hour. */
const longestPause = 60 * minute;
/** Certificates and stores do not make it be asked more often than that. */
const shortestPause = 10 * minute;
/** A step that is told of, milliseconds. */
const noticeable = 1000;
/**
 * What is not valid by this clock: a certificate (TLSError), a URL that was brought for a picture just now, a grant that answers a request of
 * just now.
 */
const doubts: readonly unknown[] = Object.freeze(["Expired", "NotYetValid", "URLExpired", "ExpiredGrant"]);

/**
 * Keeps the clock right after it was set: once a day it is asked whether it is, and soon when there is reason for doubt. How it is set first
 * is up to Connectivity.
 */
export class ClockKeeper {
  static #onTimer({ owner }: OwnedTimer<ClockKeeper>): void {
    owner.#timer = undefined;
    owner.check();
  }

  #host: ClockKeeperHost;
  #timers: TimerModule;
  #timer?: Timer;
  #pause = minute;
  #isAsking = false;
  /** When it was asked last, by `uptime`. */
  #asked = -shortestPause;

  constructor(host: ClockKeeperHost, timers: TimerModule = Timer) {
    this.#host = host;
    this.#timers = timers;
  }

  start(): void {
    this.wait(minute);
  }

  /** Something has failed, and it may be this clock's fault if it is about time. */
  failed(code: unknown): void {
    if (doubts.includes(code) && this.#host.clock.doubt()) this.doubted(String(code));
  }

  /** The Date of a store's answer, milliseconds since 1970: a third opinion that costs nothing. */
  heard(time: number): void {
    const { clock } = this.#host;
    const before = clock.state;
    clock.compare(time);
    if (clock.state === before) return;
    if (!clock.isConfirmed) this.doubted("StoreDate");
    else this.tell(0);
  }

  private doubted(code: string): void {
    const rest = this.#asked + shortestPause - this.#host.uptime;
    this.#host.events.add("ClockDoubted", { code });
    this.#pause = minute;
    this.wait(Math.min(Math.max(rest, 0), shortestPause));
  }

  private wait(delay: number): void {
    if (this.#timer) this.#timers.clear(this.#timer as never);
    this.#timer = setTimer(this, ClockKeeper.#onTimer, delay, this.#timers) as Timer;
  }

  private check(): void {
    const { clock, mayAskForTime } = this.#host;
    const rest = clock.isConfirmed ? day - clock.age : 0;
    if (!clock.isSet || !mayAskForTime || this.#isAsking) this.wait(minute);
    else if (rest > 0) this.wait(Math.min(rest, day));
    else this.ask();
  }

  private async ask(): Promise<void> {
    const { clock } = this.#host;
    const before = clock.state;
    this.#isAsking = true;
    this.#asked = this.#host.uptime;
    try {
      const step = Math.round(await clock.synchronize());
      if (clock.state !== before || Math.abs(step) >= noticeable) this.tell(step);
    } catch (error) {
      // The first failure of a row is news.
      if (this.#pause === minute) this.#host.events.add("Error", { ...describeError(error) });
    }
    this.#isAsking = false;
    const isRight = clock.isConfirmed && clock.age < day;
    this.wait(isRight ? day : this.#pause);
    this.#pause = isRight ? minute : Math.min(this.#pause * 2, longestPause);
  }

  private tell(step: number): void {
    const { state, source } = this.#host.clock;
    this.#host.events.add("ClockSet", { state, source, step });
    this.#host.clockChanged();
  }
}
