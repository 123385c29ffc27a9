import Timer from "timer";
import { elapsed } from "../cloud/outbox";
import { type OwnedTimer, setTimer, type TimerModule } from "../network/owned-timer";
import type { RecordStore } from "../storage/record-store";

export interface DeliveryHost {
  readonly records: Pick<RecordStore, "read" | "write" | "delete">;
  /** Milliseconds. */
  readonly uptime: number;
}

const key = "delivery";

/** A start that ends in this time after a message has ended badly, milliseconds. */
const quietTime = 60_000;
/** An answer to what the camera has asked itself would come anew after the next start: it counts for as long as it takes to use it. */
const answerTime = 2000;
/** So many in a row, and what the broker keeps for the camera is not taken any more. */
const badStartLimit = 2;

/** How many starts in a row have ended badly, if the one that wrote this has ended as well. */
interface Mark {
  starts: number;
}

/**
 * Notices messages that end the machine. The broker delivers them again after each restart, because they were not acknowledged, and
 * a camera would be lost for ever by one of them.
 *
 * The record lies in storage while a message is new: it is written before the first one is read, and deleted when none has come for a
 * minute. One that is there at the start was left by a start that ended in this time, by whatever: a power cut looks the same.
 */
export class DeliveryWatch {
  static #onTime({ owner }: OwnedTimer<DeliveryWatch>): void {
    owner.#timer = undefined;
    owner.rest();
  }

  /** For telemetry: messages that were too large, and sessions that were dropped with all that waited in them. */
  readonly counters = { messagesDropped: 0, sessionsDropped: 0 };
  #host: DeliveryHost;
  #timers: TimerModule;
  #badStarts: number;
  #isMarked = false;
  /** When all messages count as digested, and when all but the last one do: uptime. */
  #until = 0;
  #before = 0;
  #timer?: Timer;

  constructor(host: DeliveryHost, timers: TimerModule = Timer) {
    this.#host = host;
    this.#timers = timers;
    const starts = host.records.read<Partial<Mark>>(key)?.starts;
    this.#badStarts = typeof starts === "number" ? starts : 0;
  }

  /** Starts in a row before this one that have ended badly. */
  get badStarts(): number {
    return this.#badStarts;
  }

  /** What the broker keeps for the camera should not be taken. */
  get isPoisoned(): boolean {
    return this.#badStarts >= badStartLimit;
  }

  /** A message will be read now. */
  expect(): void {
    const now = this.#host.uptime;
    this.#before = this.#isMarked ? this.#until : now;
    this.#until = now + quietTime;
    if (this.#isMarked) return;
    this.mark(this.#badStarts + 1);
    this.#isMarked = true;
    this.arm(answerTime);
  }

  /** The last message was an answer to a request of the camera's own. */
  wasAnswer(): void {
    const soon = this.#host.uptime + answerTime;
    this.#until = elapsed(this.#before, soon) > 0 ? soon : this.#before;
  }

  /** One was too large. */
  dropped(): void {
    this.counters.messagesDropped += 1;
  }

  /** The broker has dropped what it kept. @returns how many bad starts that was for */
  sessionDropped(): number {
    const badStarts = this.#badStarts;
    this.counters.sessionsDropped += 1;
    this.forgive();
    return badStarts;
  }

  private forgive(): void {
    this.#badStarts = 0;
    this.mark(this.#isMarked ? 1 : 0);
  }

  private rest(): void {
    const left = elapsed(this.#host.uptime, this.#until);
    if (!this.#isMarked) this.forgive();
    else if (left > 0) this.arm(left);
    else {
      this.#isMarked = false;
      this.mark(this.#badStarts);
      // Earlier starts are forgiven when nothing comes for another while.
      if (this.#badStarts) this.arm(quietTime);
    }
  }

  private arm(milliseconds: number): void {
    if (this.#timer) this.#timers.clear(this.#timer as never);
    this.#timer = setTimer(this, DeliveryWatch.#onTime, milliseconds, this.#timers);
  }

  private mark(starts: number): void {
    const { records } = this.#host;
    try {
      if (starts) records.write(key, { starts } satisfies Mark);
      else records.delete(key);
    } catch {
      // Storage that is full or worn out must not keep messages from being read.
    }
  }
}
