/** Where the time comes from: an SNTP client (sntp.ts), or nothing where the system's clock is right. */
export interface TimeSource {
  /** Milliseconds since 1970, UTC. Rejects with a named error when nobody answers. */
  getTime(): Promise<number>;
}

export interface ClockOptions {
  source?: TimeSource;
  /** Tells the system, too: `Time.set` of the SDK, in seconds. */
  setSystemTime?(seconds: number): void;
}

/** 2025-01-01: before this the firmware did not exist, so a clock that shows less was never set. */
const earliest = 1735689600000;

/**
 * The time of day. A chip starts in 1970, and without the time no certificate can be judged: `isSet` is false until `synchronize`.
 * The clock of a desktop host counts as set.
 */
export class Clock {
  #options: ClockOptions;
  /** What the system's clock lacks, milliseconds. */
  #offset = 0;

  constructor(options: ClockOptions = {}) {
    this.#options = options;
  }

  get isSet(): boolean {
    return this.now() >= earliest;
  }

  /** Milliseconds since 1970, UTC; means nothing while the clock is not set. */
  now(): number {
    return Date.now() + this.#offset;
  }

  /** Sets the clock by the source. A clock without a source that is set stays as it is. */
  async synchronize(): Promise<void> {
    const { source } = this.#options;
    if (!source) {
      if (this.isSet) return;
      throw new ClockError("NoTimeSource", "the clock is not set, and there is nothing to set it by");
    }
    const time = await source.getTime();
    if (!(time >= earliest))
      throw new ClockError("BadTime", "the time source gave a time before the firmware was made");
    this.set(time);
  }

  /** @param time milliseconds since 1970, UTC */
  set(time: number): void {
    this.#options.setSystemTime?.(Math.floor(time / 1000));
    this.#offset = time - Date.now();
  }
}

export class ClockError extends Error {
  readonly code: "NoTimeSource" | "BadTime" | "HostNotFound" | "NoAnswer";

  constructor(code: ClockError["code"], message: string) {
    super(message);
    this.code = code;
  }

  override get name(): string {
    return "ClockError";
  }
}
