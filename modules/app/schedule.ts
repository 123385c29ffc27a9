import Timer from "timer";
import { type OwnedTimer, setTimer, type TimerModule } from "../network/owned-timer";
import type { RecordStore } from "../storage/record-store";
import { describeError } from "./command-error";
import { type Book, countSkipped, readBook, type SkipReason, writeBook } from "./schedule-book";

export interface ScheduleHost {
  /** Seconds between two pictures, 0 for none. */
  readonly captureInterval: number;
  /** Milliseconds since 1970, or 0 while the clock is not set. */
  now(): number;
  /** More than one server has told the time of day, and the broker's certificate is good at it. */
  readonly isTimeConfirmed: boolean;
  /** Milliseconds since power-on. */
  readonly uptime: number;
  readonly records: Pick<RecordStore, "read" | "write">;
  readonly device: {
    readonly state: string;
    /** Takes a picture and begins its upload; what becomes of that is told to `Schedule.ended`. Rejects when it does not come so far. */
    takeScheduled(due: number): Promise<void>;
  };
  readonly events: { add(type: string, fields: Record<string, unknown>): unknown };
}

/** The first picture of a schedule does not wait longer than this where nothing says when it is due, milliseconds. */
const firstWait = 60_000;
/** A timer that fires so much before the time of day says so is right all the same, milliseconds. */
const slack = 1000;
/** A leap of the clock that one server alone is not believed. */
const day = 86_400_000;

/**
 * Pictures at a steady pace. The first one is due an interval after the schedule was set, and then one every interval by the time of day,
 * whether the camera has power or not: after a start it knows from storage which ones it has missed. Each that was due ends as
 * stored, or is counted with a reason and told of, as a PhotoSkipped event or by its UploadResult.
 *
 * A leap of more than a day is believed when the clock was confirmed; until then no picture is due. One that comes to light when a clock is
 * confirmed by which the schedule was begun while it was doubtful, was none of the time: the schedule begins anew, and nothing was missed.
 *
 * The book is written twice for a picture: before it is taken, and when its end is known. So it is right whenever the power goes.
 */
export class Schedule {
  static #onTimer({ owner }: OwnedTimer<Schedule>): void {
    owner.#timer = undefined;
    owner.advance();
  }

  #host: ScheduleHost;
  #timers: TimerModule;
  #timer?: Timer;

  constructor(host: ScheduleHost, timers: TimerModule = Timer) {
    this.#host = host;
    this.#timers = timers;
  }

  /** What became of the pictures that were due, over all restarts. */
  get book(): Book {
    return readBook(this.#host.records);
  }

  /** After power-on, and after the uploads have told what they had promised before. */
  start(): void {
    const { pending } = this.book;
    if (pending) this.skipped(pending, "PowerLost", "the power went while the picture was being taken");
    this.resume();
  }

  /** The clock may have been set by now: without it nobody knows what is due. */
  resume(): void {
    if (this.#timer) return;
    const { captureInterval, uptime } = this.#host;
    const now = this.#host.now();
    if (!now || !captureInterval) return;
    const book = this.book;
    const interval = captureInterval * 1000;
    if (this.isDoubted(book, now, interval)) return;
    if (this.isVoid(book, now, interval)) this.begin(book, now, Math.min(interval, firstWait));
    else {
      const start = now - uptime;
      const away = this.pass(book, start, interval);
      const dark = this.pass(book, now, interval);
      this.skipAll(book, away, "PowerOff", "the camera had no power");
      this.skipAll(book, dark, "Offline", "the clock was not set");
      if (away || dark) this.keep(book);
      this.wait(book.next - now);
    }
  }

  /** The interval is another one: it begins now. */
  intervalChanged(): void {
    const interval = this.#host.captureInterval * 1000;
    const now = this.#host.now();
    if (this.#timer) this.#timers.clear(this.#timer as never);
    this.#timer = undefined;
    if (interval && now) this.begin(this.book, now, interval);
    else this.keep({ ...this.book, next: 0 });
  }

  /** What became of the upload of the picture that was due at that time. @param code why it is not stored, if it is not */
  ended(due: number, code: string | undefined): void {
    this.close(due, code, "upload");
  }

  /** By this time of day more than a day has passed, or is still to pass, that nobody but one server knows of. */
  private isDoubted(book: Book, now: number, interval: number): boolean {
    return !this.#host.isTimeConfirmed && isLeap(book, now, interval);
  }

  /** There is no time at which a picture is due, or it is one by a clock that was wrong. */
  private isVoid(book: Book, now: number, interval: number): boolean {
    if (!book.next || book.next > now + interval) return true;
    return book.doubtful === true && isLeap(book, now, interval);
  }

  private begin(book: Book, now: number, delay: number): void {
    if (book.doubtful && !book.due) book.since = 0;
    book.since ||= now;
    book.next = now + delay;
    book.doubtful = this.#host.isTimeConfirmed ? undefined : true;
    this.keep(book);
    this.wait(delay);
  }

  private wait(delay: number): void {
    this.#timer = setTimer(this, Schedule.#onTimer, Math.max(delay, 0), this.#timers) as Timer;
  }

  /** Goes over all pictures that were due up to a time, and says how many these were. */
  private pass(book: Book, time: number, interval: number): number {
    if (time < book.next) return 0;
    const pictures = Math.floor((time - book.next) / interval) + 1;
    book.next += pictures * interval;
    book.due += pictures;
    return pictures;
  }

  private advance(): void {
    const interval = this.#host.captureInterval * 1000;
    const book = this.book;
    const now = this.#host.now();
    // The clock goes on in doubt: `resume` is called when there is none any more.
    if (!interval || this.isDoubted(book, now, interval)) return;
    if (this.isVoid(book, now + slack, interval)) {
      this.begin(book, now, interval);
      return;
    }
    const pictures = this.pass(book, now + slack, interval);
    if (pictures) {
      const due = book.next - interval;
      if (this.#host.isTimeConfirmed) book.doubtful = undefined;
      this.skipAll(book, pictures - 1, "Late", "the clock was put forward");
      const isBegun = this.mayBegin(book, due);
      if (isBegun) book.pending = due;
      this.keep(book);
      if (isBegun) this.take(due);
    }
    this.wait(book.next - now);
  }

  private mayBegin(book: Book, due: number): boolean {
    const { state } = this.#host.device;
    if (state !== "online") this.skip(book, due, "Offline", `the camera is ${state}`);
    else if (book.pending) this.skip(book, due, "Busy", "the picture before is still on its way");
    else return true;
    return false;
  }

  private async take(due: number): Promise<void> {
    try {
      await this.#host.device.takeScheduled(due);
    } catch (error) {
      const { code, message } = describeError(error);
      this.skipped(due, code, message);
    }
  }

  private skipped(due: number, code: string, message: string): void {
    this.close(due, code, "camera");
    this.#host.events.add("PhotoSkipped", { due, code, message });
  }

  /** Told twice of the same picture it counts the first. */
  private close(due: number, code: string | undefined, otherwise: SkipReason): void {
    const book = this.book;
    if (!due || book.pending !== due) return;
    book.pending = 0;
    if (code === undefined) book.stored += 1;
    else countSkipped(book, code, otherwise);
    this.keep(book);
  }

  private skip(book: Book, due: number, code: string, message: string): void {
    countSkipped(book, code, "camera");
    this.#host.events.add("PhotoSkipped", { due, code, message });
  }

  private skipAll(book: Book, pictures: number, code: string, message: string): void {
    if (!pictures) return;
    countSkipped(book, code, "camera", pictures);
    this.#host.events.add("PhotoSkipped", { pictures, code, message });
  }

  private keep(book: Book): void {
    try {
      writeBook(this.#host.records, book);
    } catch (error) {
      // The pictures go on; the figures in telemetry stand still.
      this.#host.events.add("Error", { ...describeError(error) });
    }
  }
}

function isLeap({ next }: Book, now: number, interval: number): boolean {
  return next !== 0 && (now > next + day || next > now + interval + day);
}
