import { CommandError } from "../../../modules/app/command-error";
import { Schedule } from "../../../modules/app/schedule";
import { equal, sleep, test } from "../harness";
import { ManualTimers } from "../upload/manual-timers";

class Bench {
  readonly timers = new ManualTimers();
  captureInterval = 600;
  state = "online";
  problem: unknown;
  readonly done: string[] = [];
  readonly schedule = new Schedule(this, this.timers);

  get device(): this {
    return this;
  }

  get events(): this {
    return this;
  }

  async takePhoto(): Promise<object> {
    if (this.problem) throw this.problem;
    this.done.push("take");
    return { imageId: "id" };
  }

  upload({ imageId, url }: { imageId?: unknown; url?: unknown }): object {
    this.done.push(`upload ${imageId} ${url}`);
    return {};
  }

  add(type: string, { code, skipped }: Record<string, unknown>): void {
    this.done.push(`${type} ${code} ${skipped}`);
  }

  /** Time passes, and what was begun ends. */
  async pass(seconds: number): Promise<void> {
    this.timers.advance(seconds * 1000);
    await sleep(1);
  }

  take(): string[] {
    return this.done.splice(0);
  }
}

const one = ["take", "upload id undefined"];

test("a minute after the start, then at the interval", async () => {
  const bench = new Bench();
  bench.schedule.start();
  await bench.pass(59);
  equal(bench.take(), []);
  await bench.pass(1);
  equal(bench.take(), one);
  await bench.pass(599);
  equal(bench.take(), []);
  for (let i = 0; i < 5; i += 1) {
    await bench.pass(i ? 600 : 1);
    equal(bench.take(), one);
  }
  equal(bench.schedule.counters.captured, 6);
  equal(bench.timers.running, 1);
});

test("an interval below a minute begins with itself", async () => {
  const bench = new Bench();
  bench.captureInterval = 10;
  bench.schedule.start();
  await bench.pass(10);
  equal(bench.take(), one);
});

test("0 is no schedule; another interval begins at once", async () => {
  const bench = new Bench();
  bench.captureInterval = 0;
  bench.schedule.start();
  equal(bench.timers.running, 0);
  bench.captureInterval = 100;
  bench.schedule.intervalChanged();
  await bench.pass(99);
  equal(bench.take(), []);
  await bench.pass(1);
  equal(bench.take(), one);
  bench.captureInterval = 604_800;
  bench.schedule.intervalChanged();
  await bench.pass(604_799);
  equal(bench.take(), []);
  await bench.pass(1);
  equal(bench.take(), one);
  bench.captureInterval = 0;
  bench.schedule.intervalChanged();
  equal(bench.timers.running, 0);
});

test("what is skipped is counted and told of, and the schedule goes on", async () => {
  const bench = new Bench();
  bench.schedule.intervalChanged();
  for (const state of ["unprovisioned", "joining", "connecting"]) {
    bench.state = state;
    await bench.pass(600);
  }
  equal(bench.take(), ["PhotoSkipped Offline 1", "PhotoSkipped Offline 2", "PhotoSkipped Offline 3"]);
  bench.state = "online";
  bench.problem = new CommandError("Busy", "a picture is being uploaded");
  await bench.pass(600);
  bench.problem = new CommandError("NotConnected", "the session has ended");
  await bench.pass(600);
  bench.problem = Object.assign(new Error("no end"), { code: "CaptureTimeout" });
  await bench.pass(600);
  equal(bench.take(), ["PhotoSkipped Busy 4", "PhotoSkipped NotConnected 5", "PhotoSkipped CaptureTimeout 6"]);
  equal(bench.schedule.counters, { captured: 0, busy: 1, offline: 4, failed: 1 });
  bench.problem = undefined;
  await bench.pass(600);
  equal(bench.take(), one);
});
