import { CloudError } from "./cloud-error";
import { parseEndpoint } from "./endpoint";

/** More regions than that nobody needs for one camera. */
export const endpointLimit = 8;

/** An endpoint is left after so many failures in a row, or when it has been dark for so long (milliseconds). */
const failureLimit = 3;
const patience = 30_000;

/**
 * Which of several endpoints a session uses: the one that proved good, until it goes dark. Those that went dark are left out of the
 * next choice, because one that takes TCP connections and never answers would win every race. No I/O; time is given.
 */
export class EndpointChoice {
  #list: readonly string[];
  #current: number;
  /** A bit for each endpoint that was left since the last good connection. */
  #dark = 0;
  #failures = 0;
  #darkSince = 0;

  /**
   * @param preferred the one that was good last time; ignored when it is not among them
   * @throws CloudError InvalidEndpoint
   */
  constructor(endpoints: string | readonly string[], preferred?: string) {
    this.#list = typeof endpoints === "string" ? [endpoints] : endpoints;
    if (!this.#list.length || this.#list.length > endpointLimit)
      throw new CloudError("InvalidEndpoint", `one to ${endpointLimit} endpoints are needed`);
    for (const endpoint of this.#list) parseEndpoint(endpoint);
    this.#current = this.#list.length === 1 ? 0 : this.#list.indexOf(preferred ?? "");
  }

  /** `host` or `host:port`; undefined while none is chosen. */
  get current(): string | undefined {
    return this.#list[this.#current];
  }

  /** Those among which to choose; the others are undefined. */
  get candidates(): (string | undefined)[] {
    return this.#list.map((endpoint, index) => (this.#dark & (1 << index) ? undefined : endpoint));
  }

  /**
   * For the next attempt: the current one, if it has not gone dark; undefined when there is a choice to be made.
   *
   * @param now milliseconds, from any beginning
   */
  next(now: number): string | undefined {
    if (this.#list.length > 1 && this.#failures >= failureLimit) this.leave();
    if (!this.#failures) this.#darkSince = now;
    return this.current;
  }

  choose(index: number, now: number): void {
    this.#current = index;
    this.#failures = 0;
    this.#darkSince = now;
  }

  /** None of the candidates has answered. @returns true when there are others, which are candidates again from now on */
  widen(): boolean {
    const wasNarrow = this.#dark !== 0;
    this.#dark = 0;
    return wasNarrow;
  }

  /** The connection to it has held. */
  proved(): void {
    this.#failures = this.#dark = 0;
  }

  /** A connection to it has ended by itself, or has not come about. */
  failed(now: number, wasConnected: boolean): void {
    if (wasConnected) this.#darkSince = now;
    this.#failures += 1;
    // Told in 32 bits, the time of a device turns over after weeks: the difference is right all the same.
    if (((now - this.#darkSince) | 0) >= patience) this.#failures = failureLimit;
  }

  private leave(): void {
    if (this.#current >= 0) this.#dark |= 1 << this.#current;
    if (this.#dark === (1 << this.#list.length) - 1) this.#dark = 0;
    this.#current = -1;
    this.#failures = 0;
  }
}
