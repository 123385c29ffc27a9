import { ClockError, type TimeSource } from "./time-source";

export { ClockError } from "./time-source";

/**
 * - unset: nobody has told the time yet
 * - doubtful: one server has told it, alone; or a certificate or a store has contradicted it since
 * - confirmed: two servers agree, or one whose certificates are good at the very time that it told
 */
export type ClockState = "unset" | "doubtful" | "confirmed";

export interface ClockOptions {
  /** When the firmware was released, milliseconds since 1970: it is later than that. */
  released?: number;
  /** Who is asked, in this order; on a chip. Nobody: the system's clock is right. @param prove those first who can prove what they say */
  sources?(prove: boolean): TimeSource[];
  /** Tells the system, too: `Time.set` of the SDK, in seconds. */
  setSystemTime?(seconds: number): void;
}

/** 2025-01-01: before this there was no firmware. */
const earliest = 1735689600000;
const year = 31_556_952_000;
/** After the release, milliseconds: who cannot prove it is not believed beyond the first, nobody beyond the second. */
const longestUnproven = 5 * year;
const longest = 20 * year;
/** Two who say the same differ by less, milliseconds: an answer's way there and back is bounded by 4 s, a Date has full seconds. */
const tolerance = 10_000;
/** A chip's clock drifts by less than this part: its crystals by 0.00004, its RC oscillator in light sleep by more. */
const drift = 0.001;

/**
 * The time of day. A chip starts in 1970, and without the time no certificate can be judged: `isSet` is false until `synchronize`.
 * What one server says is doubted until another one agrees. Corrections are steps; timers do not go by this clock.
 *
 * A desktop host's clock counts as confirmed.
 */
export class Clock {
  #options: ClockOptions;
  /** What the system's clock lacks, milliseconds. */
  #offset = 0;
  #state: ClockState;
  #source = "";
  /** When the time was told or found right last, by the system's clock. */
  #checked = 0;

  constructor(options: ClockOptions = {}) {
    this.#options = options;
    this.#state = !options.sources && Date.now() >= this.released ? "confirmed" : "unset";
  }

  /** Milliseconds since 1970. */
  get released(): number {
    return this.#options.released ?? earliest;
  }

  get isSet(): boolean {
    return this.#state !== "unset";
  }

  get isConfirmed(): boolean {
    return this.#state === "confirmed";
  }

  get state(): ClockState {
    return this.#state;
  }

  /** Who told the time last; "" for the system. */
  get source(): string {
    return this.#source;
  }

  /** Milliseconds since the time was told, or found right. */
  get age(): number {
    return this.#options.sources ? Date.now() - this.#checked : 0;
  }

  /** Milliseconds since 1970, UTC; means nothing while the clock is not set. */
  now(): number {
    return Date.now() + this.#offset;
  }

  /** A certificate is not valid by this clock, or a store has another date. @returns whether it was confirmed before */
  doubt(): boolean {
    if (!this.isConfirmed || !this.#options.sources) return false;
    this.#state = "doubtful";
    return true;
  }

  /** The Date of a server whose certificate was verified by this clock, milliseconds since 1970. It confirms the clock, or makes it doubtful. */
  compare(time: number): void {
    if (!this.isSet || !this.#options.sources) return;
    if (Math.abs(time - this.now()) > tolerance + this.age * drift) this.doubt();
    else if (!this.isConfirmed) {
      this.#state = "confirmed";
      this.#checked = Date.now();
    }
  }

  /**
   * Asks until two agree, or one proves what it says. A confirmed clock is itself an opinion, as far as it can have drifted: then one server
   * that agrees corrects it. One server alone sets a clock that is not confirmed, which is doubtful then.
   *
   * @throws ClockError NoTimeSource; NoAnswer: nobody has answered; BadTime: what was told is impossible, or contradicts itself. The clock
   * stays as it is then.
   * @returns by how much the time was put forward, milliseconds
   */
  async synchronize(): Promise<number> {
    if (!this.#options.sources) {
      if (this.isSet) return 0;
      throw new ClockError("NoTimeSource", "the clock is not set, and there is nothing to set it by");
    }
    const told: number[] = [];
    let reason = new ClockError("NoAnswer", "nobody told the time");
    let alone = "";
    for (const source of this.#options.sources(this.#state === "doubtful")) {
      try {
        const time = await source.getTime();
        this.checkPossible(time, source);
        const offset = time - Date.now();
        if (source.isProven || this.agrees(offset, told)) return this.set(time, source.name, "confirmed");
        told.push(offset);
        alone = source.name;
        reason = new ClockError("BadTime", `${source.name} is contradicted, or not believed alone`);
      } catch (error) {
        // What was told says more than that somebody was silent.
        if (reason.code !== "BadTime") reason = ClockError.of(error, source.name);
      }
    }
    if (told.length !== 1 || this.isConfirmed) throw reason;
    return this.set(Date.now() + told[0], alone, "doubtful");
  }

  private checkPossible(time: number, { name, isProven }: TimeSource): void {
    const { released } = this;
    if (!(time >= released && time <= released + (isProven ? longest : longestUnproven)))
      throw new ClockError("BadTime", `${name} is before this firmware, or long after it`);
  }

  private agrees(offset: number, told: readonly number[]): boolean {
    if (this.isConfirmed && Math.abs(offset - this.#offset) <= tolerance + this.age * drift) return true;
    return told.some((other) => Math.abs(offset - other) <= tolerance);
  }

  /** @param time milliseconds since 1970, UTC. @returns by how much that is later than before */
  set(time: number, source = "", state: ClockState = "confirmed"): number {
    const step = time - this.now();
    this.#options.setSystemTime?.(Math.floor(time / 1000));
    this.#offset = time - Date.now();
    this.#checked = Date.now();
    this.#source = source;
    this.#state = state;
    return step;
  }
}
