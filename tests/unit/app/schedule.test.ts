import { CommandError } from "../../../modules/app/command-error";
import { Schedule } from "../../../modules/app/schedule";
import { equal, sleep, test } from "../harness";
import { ManualTimers } from "../upload/manual-timers";

/** When the camera was switched on first, milliseconds since 1970. */
const epoch = 1_800_000_000_000;

/** A camera that is switched on and off; its storage outlives that. */
class Bench {
  timers = new ManualTimers();
  captureInterval = 600;
  state = "online";
  isClockSet = true;
  isTimeConfirmed = true;
  /** By how much the clock is wrong, milliseconds. */
  error = 0;
  /** What taking a picture fails with. */
  problem: unknown;
  done: string[] = [];
  records = this;
  device = this;
  events = this;
  schedule: Schedule;
  #stored: Record<string, string> = {};
  #switchedOn = epoch;

  constructor() {
    this.schedule = new Schedule(this, this.timers);
  }

  read<T>(key: string): T | undefined {
    return this.#stored[key] === undefined ? undefined : JSON.parse(this.#stored[key]);
  }

  write(key: string, record: object): void {
    this.#stored[key] = JSON.stringify(record);
  }

  get uptime(): number {
    return this.timers.now;
  }

  now(): number {
    return this.isClockSet ? this.#switchedOn + this.uptime + this.error : 0;
  }

  async takeScheduled(due: number): Promise<void> {
    if (this.problem) throw this.problem;
    this.done.push(`take ${(due - epoch) / 1000}`);
  }

  add(type: string, { code, due, pictures }: Record<string, unknown>): void {
    this.done.push(`${type} ${code} ${due ? ((due as number) - epoch) / 1000 : `of ${pictures}`}`);
  }

  /** Time passes, and what was begun ends. */
  async pass(seconds: number): Promise<void> {
    this.timers.advance(seconds * 1000);
    await sleep(1);
  }

  /** The picture that is on its way ends. */
  end(code?: string): void {
    this.schedule.ended(this.book.pending as number, code);
  }

  async cutPower(seconds: number): Promise<void> {
    this.#switchedOn = this.#switchedOn + this.uptime + seconds * 1000;
    this.timers = new ManualTimers();
    this.schedule = new Schedule(this, this.timers);
    await sleep(1);
  }

  take(): string[] {
    return this.done.splice(0);
  }

  get book(): Record<string, unknown> {
    return { ...this.schedule.book };
  }

  /** due, stored, skipped, pending: what must add up. */
  get sums(): unknown[] {
    const { due, stored, skipped, pending } = this.schedule.book;
    return [due, stored, skipped, pending ? 1 : 0];
  }
}

function begin(): Bench {
  const bench = new Bench();
  bench.schedule.intervalChanged();
  return bench;
}

test("one picture an interval, from when it was set", async () => {
  const bench = begin();
  for (let i = 1; i <= 5; i += 1) {
    await bench.pass(599);
    equal(bench.take(), []);
    await bench.pass(1);
    equal(bench.take(), [`take ${i * 600}`]);
    bench.end();
  }
  equal(bench.sums, [5, 5, {}, 0]);
  equal(bench.book.since, epoch);
  equal(bench.book.next, epoch + 3_600_000);
  equal(bench.timers.running, 1);
});

test("0 is no schedule; another interval begins at once", async () => {
  const bench = new Bench();
  bench.captureInterval = 0;
  bench.schedule.start();
  equal(bench.timers.running, 0);
  bench.captureInterval = 604_800;
  bench.schedule.intervalChanged();
  await bench.pass(604_799);
  equal(bench.take(), []);
  await bench.pass(1);
  equal(bench.take(), ["take 604800"]);
  bench.end();
  bench.captureInterval = 0;
  bench.schedule.intervalChanged();
  equal(bench.timers.running, 0);
  equal(bench.sums, [1, 1, {}, 0]);
  equal(bench.book.next, 0);
});

test("what is skipped is counted by reason and told of, and the schedule goes on", async () => {
  const bench = begin();
  for (const state of ["unprovisioned", "joining", "connecting"]) {
    bench.state = state;
    await bench.pass(600);
  }
  equal(bench.take(), ["PhotoSkipped Offline 600", "PhotoSkipped Offline 1200", "PhotoSkipped Offline 1800"]);
  bench.state = "online";
  for (const code of ["Busy", "NotConnected", "CaptureTimeout"]) {
    bench.problem = new CommandError(code, "");
    await bench.pass(600);
  }
  equal(bench.take(), ["PhotoSkipped Busy 2400", "PhotoSkipped NotConnected 3000", "PhotoSkipped CaptureTimeout 3600"]);
  equal(bench.sums, [6, 0, { offline: 4, busy: 1, camera: 1 }, 0]);
  bench.problem = undefined;
  await bench.pass(600);
  equal(bench.take(), ["take 4200"]);
});

test("what comes of an upload is counted by reason, and told by the upload", async () => {
  const bench = begin();
  for (const code of [undefined, "NoGrant", "GrantRefused", "SlowDown", "Replaced", "toString"]) {
    await bench.pass(600);
    equal(bench.sums[3], 1);
    bench.end(code);
  }
  equal(bench.sums, [6, 1, { noGrant: 1, grantRefused: 1, upload: 2, replaced: 1 }, 0]);
  bench.schedule.ended(epoch + 600_000, undefined);
  equal(bench.sums[1], 1, "an end that was told already");
});

test("a picture that takes longer than the interval keeps the next from being taken", async () => {
  const bench = begin();
  await bench.pass(600);
  await bench.pass(600);
  equal(bench.take(), ["take 600", "PhotoSkipped Busy 1200"]);
  equal(bench.sums, [2, 0, { busy: 1 }, 1]);
  bench.end();
  await bench.pass(600);
  equal(bench.take(), ["take 1800"]);
});

test("pictures that were due without power are counted, and the pace stays what it was", async () => {
  const bench = begin();
  await bench.pass(700);
  bench.end();
  await bench.cutPower(1200);
  bench.take();
  bench.schedule.start();
  equal(bench.take(), ["PhotoSkipped PowerOff of 2"]);
  await bench.pass(500);
  equal(bench.take(), ["take 2400"]);
  bench.end();
  equal(bench.sums, [4, 2, { powerOff: 2 }, 0]);
});

test("a cut so short that nothing was due leaves no trace", async () => {
  const bench = begin();
  await bench.pass(100);
  await bench.cutPower(499);
  bench.schedule.start();
  equal(bench.take(), []);
  await bench.pass(1);
  equal(bench.take(), ["take 600"]);
});

test("without a clock nothing is known to be due; when it is set, it is known which were missed, and why", async () => {
  const bench = begin();
  await bench.cutPower(600);
  bench.isClockSet = false;
  bench.schedule.start();
  await bench.pass(1800);
  bench.schedule.resume();
  equal(bench.take(), []);
  bench.isClockSet = true;
  bench.schedule.resume();
  bench.schedule.resume();
  equal(bench.take(), ["PhotoSkipped PowerOff of 1", "PhotoSkipped Offline of 3"]);
  equal(bench.timers.running, 1);
  await bench.pass(600);
  equal(bench.take(), ["take 3000"]);
  equal(bench.sums, [5, 0, { powerOff: 1, offline: 3 }, 1]);
});

test("a cut while a picture is taken: nobody has promised it, and it is counted", async () => {
  const bench = begin();
  await bench.pass(600);
  await bench.cutPower(1);
  bench.schedule.start();
  equal(bench.take(), ["take 600", "PhotoSkipped PowerLost 600"]);
  equal(bench.sums, [1, 0, { powerLost: 1 }, 0]);
});

test("a book that is lost or makes no sense is begun anew, within a minute", async () => {
  for (const record of [undefined, { next: epoch * 2, due: "x", skipped: 7 }, { next: -5 }, []]) {
    const bench = new Bench();
    if (record) bench.write("schedule", record);
    bench.schedule.start();
    await bench.pass(60);
    equal(bench.take(), ["take 60"]);
    equal(bench.sums, [1, 0, {}, 1]);
  }
});

test("a clock that is put forward skips what lay between", async () => {
  const bench = begin();
  const forward = bench.now.bind(bench);
  bench.now = () => forward() + 1_300_000;
  await bench.pass(600);
  equal(bench.take(), ["PhotoSkipped Late of 2", "take 1800"]);
  equal(bench.sums, [3, 0, { late: 2 }, 1]);
});

test("storage that is full stops the figures, not the pictures", async () => {
  const bench = begin();
  bench.write = () => {
    throw new Error("full");
  };
  await bench.pass(600);
  equal(bench.take(), ["Error InternalError of undefined", "take 600"]);
});

const days = 86_400;

test("a clock that one server alone has set far away is not believed: nothing is due and nothing missed until it is right", async () => {
  for (const years of [10, -2]) {
    const bench = begin();
    await bench.pass(600);
    bench.end();
    bench.take();
    bench.isTimeConfirmed = false;
    bench.error = years * 365 * days * 1000;
    await bench.cutPower(3600);
    bench.schedule.start();
    await bench.pass(3600);
    equal(bench.take(), []);
    equal(bench.sums, [1, 1, {}, 0]);
    equal(bench.timers.running, 0);
    bench.error = 0;
    bench.isTimeConfirmed = true;
    bench.schedule.resume();
    equal(bench.sums, [13, 1, { powerOff: 6, offline: 6 }, 0]);
    await bench.pass(600);
    equal(bench.sums[3], 1);
  }
});

test("a camera that was without power for days counts them when the clock was confirmed; less than a day at once", async () => {
  const bench = begin();
  bench.isTimeConfirmed = false;
  await bench.cutPower(days + 599);
  bench.schedule.start();
  equal(bench.sums[0], 144);
  await bench.cutPower(days + 601);
  bench.schedule.start();
  equal(bench.sums[0], 144);
  bench.isTimeConfirmed = true;
  bench.schedule.resume();
  equal(bench.sums[0], 290);
});

test("the clock leaps while the schedule goes on: doubtful it is held, confirmed it is counted as late", async () => {
  const bench = begin();
  bench.isTimeConfirmed = false;
  bench.error = 2 * days * 1000;
  await bench.pass(1200);
  equal(bench.sums, [0, 0, {}, 0]);
  bench.isTimeConfirmed = true;
  bench.schedule.resume();
  equal(bench.sums[0], 290);
});

test("a clock that is put back by years while the schedule goes on: the next picture is an interval away", async () => {
  const bench = begin();
  bench.error = -10 * 365 * days * 1000;
  await bench.pass(600);
  equal(bench.take(), []);
  await bench.pass(600);
  equal(bench.take().length, 1);
  equal(bench.sums, [1, 0, {}, 1]);
  equal(bench.timers.running, 1);
});

test("a schedule that a wrong clock has begun misses nothing when that clock is put right", async () => {
  const bench = new Bench();
  bench.isTimeConfirmed = false;
  bench.error = -300 * days * 1000;
  bench.schedule.intervalChanged();
  equal(bench.book.doubtful, true);
  await bench.pass(300);
  bench.error = 0;
  bench.isTimeConfirmed = true;
  await bench.pass(300);
  equal(bench.sums, [0, 0, {}, 0]);
  equal(bench.book.since, epoch + 600_000);
  await bench.pass(600);
  equal(bench.take(), ["take 1200"]);
  equal(bench.book.doubtful, undefined);
});

test("a clock that was found right has begun the schedule well", async () => {
  const bench = new Bench();
  bench.isTimeConfirmed = false;
  bench.schedule.intervalChanged();
  bench.isTimeConfirmed = true;
  await bench.pass(600);
  bench.end();
  equal(bench.book.doubtful, undefined);
  await bench.cutPower(2 * days);
  bench.schedule.start();
  equal(bench.sums[0], 289);
});

test("small corrections of the clock cost no picture and make none", async () => {
  const bench = begin();
  for (const error of [5000, -5000, 900, 0]) {
    await bench.pass(599);
    bench.error = error;
    await bench.pass(1);
    if (error < 0) await bench.pass(10);
    equal(bench.sums[3], 1, `${error} ms`);
    bench.end();
  }
  equal(bench.sums, [4, 4, {}, 0]);
});

test("a picture that is due a whole interval after the start is waited for; one that is later is none of this clock's", async () => {
  for (const [error, next] of [
    [0, 600],
    [-1, 60],
  ]) {
    const bench = begin();
    await bench.cutPower(0);
    bench.error = error;
    bench.schedule.start();
    equal(Math.round(((bench.book.next as number) - epoch) / 1000), next, `${error} ms`);
  }
});

test("told of no picture at all, or of another one, the book stays as it is", async () => {
  const bench = begin();
  await bench.pass(600);
  bench.schedule.ended(0, undefined);
  bench.schedule.ended(epoch, "NoGrant");
  equal(bench.sums, [1, 0, {}, 1]);
  bench.end();
  bench.schedule.ended(0, undefined);
  equal(bench.sums, [1, 1, {}, 0]);
});
