import { ClockKeeper } from "../../../modules/app/clock-keeper";
import type { Clock } from "../../../modules/network/clock";
import { ClockError } from "../../../modules/network/time-source";
import { equal, sleep, test } from "../harness";
import { ManualTimers } from "../upload/manual-timers";

const start = Date.UTC(2027, 0, 1);
const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** A clock whose state and age the test says. */
class ScriptedClock {
  isSet = true;
  state: Clock["state"] = "confirmed";
  source = "server";
  setAt = 0;
  rounds = 0;
  /** What the next rounds end with: a step, or a failure. */
  result: number | Error = 0;
  after: Clock["state"] = "confirmed";
  bench!: Bench;

  get isConfirmed(): boolean {
    return this.state === "confirmed";
  }

  get age(): number {
    return this.bench.timers.now - this.setAt;
  }

  doubt(): boolean {
    if (!this.isConfirmed) return false;
    this.state = "doubtful";
    return true;
  }

  compare(time: number): void {
    this.state = Math.abs(time - start) < 10_000 ? "confirmed" : "doubtful";
  }

  async synchronize(): Promise<number> {
    this.rounds += 1;
    if (this.result instanceof Error) throw this.result;
    this.state = this.after;
    this.setAt = this.bench.timers.now;
    return this.result;
  }
}

class Bench {
  timers = new ManualTimers();
  clock = new ScriptedClock();
  mayAskForTime = true;
  changed = 0;
  told: string[] = [];
  events = this;
  keeper: ClockKeeper;

  constructor() {
    this.clock.bench = this;
    this.keeper = new ClockKeeper(this, this.timers);
    this.keeper.start();
  }

  get uptime(): number {
    return this.timers.now;
  }

  add(type: string, { code, state, step }: Record<string, unknown>): void {
    this.told.push([type, code ?? state, step ?? ""].join(" ").trim());
  }

  clockChanged(): void {
    this.changed += 1;
  }

  async pass(milliseconds: number, piece = minute): Promise<void> {
    for (let left = milliseconds; left > 0; left -= piece) {
      this.timers.advance(Math.min(left, piece));
      await sleep(0);
    }
  }
}

test("a confirmed clock is corrected once a day, without a word about less than a second", async () => {
  const bench = new Bench();
  bench.clock.result = 999;
  await bench.pass(day - minute);
  equal(bench.clock.rounds, 0);
  await bench.pass(2 * minute);
  equal(bench.clock.rounds, 1);
  await bench.pass(day - 5 * minute, hour);
  equal(bench.clock.rounds, 1);
  await bench.pass(hour);
  equal([bench.clock.rounds, bench.told, bench.changed], [2, [], 0]);
  bench.clock.result = -1000;
  await bench.pass(day + minute, hour);
  equal([bench.clock.rounds, bench.told, bench.changed], [3, ["ClockSet confirmed -1000"], 1]);
  equal(bench.timers.running, 1);
});

test("a doubtful clock is asked about after a minute, then at growing intervals up to an hour", async () => {
  const bench = new Bench();
  bench.clock.state = bench.clock.after = "doubtful";
  const at: number[] = [];
  for (let i = 0; i < 400; i += 1) {
    const { rounds } = bench.clock;
    await bench.pass(minute);
    if (bench.clock.rounds > rounds) at.push(bench.timers.now / minute);
  }
  equal(at, [1, 2, 4, 8, 16, 32, 64, 124, 184, 244, 304, 364]);
  equal(bench.told, []);
  bench.clock.after = "confirmed";
  await bench.pass(hour);
  equal([bench.told, bench.changed], [["ClockSet confirmed 0"], 1]);
});

test("what is out of date makes it doubtful and be asked at once, but not more often than every ten minutes", async () => {
  for (const code of ["Expired", "NotYetValid", "URLExpired", "ExpiredGrant"]) {
    const bench = new Bench();
    for (const other of ["UnknownCA", "ConnectionLost", undefined, "expired"]) bench.keeper.failed(other);
    equal(bench.clock.state, "confirmed");
    bench.keeper.failed(code);
    equal([bench.clock.state, bench.told], ["doubtful", [`ClockDoubted ${code}`]]);
    bench.keeper.failed(code);
    await bench.pass(1);
    equal([bench.clock.rounds, bench.told.length], [1, 2]);
    for (let i = 0; i < 59; i += 1) {
      bench.keeper.failed(code);
      await bench.pass(10_000);
    }
    equal(bench.clock.rounds, 1);
    await bench.pass(10_000);
    equal(bench.clock.rounds, 2);
  }
});

test("a clock that nobody has set is left to those who set it", async () => {
  const bench = new Bench();
  bench.clock.isSet = false;
  bench.clock.state = "unset";
  bench.keeper.failed("Expired");
  await bench.pass(hour);
  equal([bench.clock.rounds, bench.told], [0, []]);
});

test("a picture on its way, or no network, has it wait", async () => {
  const bench = new Bench();
  bench.mayAskForTime = false;
  bench.keeper.failed("Expired");
  await bench.pass(hour);
  equal(bench.clock.rounds, 0);
  bench.mayAskForTime = true;
  await bench.pass(minute);
  equal(bench.clock.rounds, 1);
});

test("the first failure in a row is told; the clock is asked again until it is right", async () => {
  const bench = new Bench();
  bench.clock.result = new ClockError("NoAnswer", "nobody");
  await bench.pass(2 * day, minute);
  equal(bench.told, ["Error NoAnswer"]);
  equal(bench.clock.rounds > 20 && bench.clock.rounds < 40, true, String(bench.clock.rounds));
  bench.clock.result = 5000;
  await bench.pass(hour);
  equal(bench.told.slice(1), ["ClockSet confirmed 5000"]);
});

test("a store's Date is told of when it changes what is known", async () => {
  const bench = new Bench();
  bench.keeper.heard(start);
  equal([bench.told, bench.changed], [[], 0]);
  bench.keeper.heard(start + day);
  equal(bench.told, ["ClockDoubted StoreDate"]);
  bench.keeper.heard(start + day);
  equal(bench.told.length, 1);
  bench.keeper.heard(start);
  equal([bench.told.slice(1), bench.changed], [["ClockSet confirmed 0"], 1]);
});

test("a new doubt begins a new row: its first failure is told, and it is asked again after a minute", async () => {
  const bench = new Bench();
  bench.clock.result = new ClockError("NoAnswer", "nobody");
  bench.keeper.failed("Expired");
  await bench.pass(5 * hour);
  bench.keeper.heard(start);
  equal(bench.told.splice(0), ["ClockDoubted Expired", "Error NoAnswer", "ClockSet confirmed 0"]);
  const { rounds } = bench.clock;
  bench.keeper.heard(start + day);
  await bench.pass(2 * minute);
  equal([bench.told, bench.clock.rounds - rounds], [["ClockDoubted StoreDate", "Error NoAnswer"], 2]);
});
