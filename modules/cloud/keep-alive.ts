import Time from "time";
import { clampKeepAlive, limits } from "./limits";

/**
 * How many seconds the first connection takes: shorter than the NATs that forget soonest among those that are usual (AWS's after 350 s),
 * longer than many others need.
 */
const beginning = 300;
const hour = 3_600_000;
/** It has to have held for this long before more is tried, and what died is tried again after that, milliseconds. */
const stability = 6 * hour;
const memory = 7 * 24 * hour;
/** How much more is tried. */
const growth = 1.5;

/** Ends of a connection that a NAT may have caused which has forgotten it. The broker's own end has another name. */
const deaths: readonly string[] = Object.freeze(["KeepAliveTimeout", "AckTimeout", "ConnectionLost"]);

/**
 * How often a connection is given a sign of life. A NAT that has forgotten an idle connection tells nobody: the broker's messages go nowhere
 * until the device speaks and nobody answers. How soon that happens can only be tried: after each connection that was found dead when it had
 * been silent the interval is halved; after six hours without that it grows by half, but for a week not up to where it died.
 *
 * It is remembered from one connection to the next, and not over a restart: the first steps cost less than the flash.
 */
export class KeepAlive {
  /** Seconds, 0 when it adapts. */
  #fixed = 0;
  #interval = beginning;
  /** The shortest that has died, 0 when there is none. */
  #deadly = 0;
  /** When it died, and when the interval was changed, by `Time.ticks`. */
  #died = 0;
  #changed: number = Time.ticks;

  /** @param seconds 30 to 1200, others become the nearest of them; 0: it adapts */
  constructor(seconds: number) {
    this.setting = seconds;
  }

  set setting(seconds: number) {
    this.#fixed = seconds === 0 ? 0 : clampKeepAlive(seconds);
  }

  /** What CONNECT promises, seconds: it holds for the whole connection, and one may speak more often than that. */
  get promised(): number {
    return this.#fixed || limits.keepAliveMaximum;
  }

  /** Between two signs of life, seconds. */
  get interval(): number {
    return this.#fixed || this.#interval;
  }

  /** The broker has answered a ping. */
  proved(now: number = Time.ticks): void {
    if (this.#deadly && Time.delta(this.#died, now) >= memory) this.#deadly = 0;
    const next = Math.min(Math.round(this.#interval * growth), limits.keepAliveMaximum);
    if (Time.delta(this.#changed, now) < stability || next >= (this.#deadly || Infinity)) return;
    this.#interval = next;
    this.#changed = now;
  }

  /** A connection has ended. @param silence how long nothing had come from the broker, milliseconds */
  ended(code: string, silence: number, now: number = Time.ticks): void {
    if (!deaths.includes(code) || silence < limits.keepAliveMinimum * 1000) return;
    this.#deadly = this.#interval;
    this.#interval = Math.max(Math.round(this.#interval / 2), limits.keepAliveMinimum);
    this.#died = this.#changed = now;
  }
}
