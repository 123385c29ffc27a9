import Time from "time";
import { KeepAlive } from "../../../modules/cloud/keep-alive";
import { equal, test } from "../harness";

const second = 1000;
const hour = 3600 * second;
const day = 24 * hour;

/** What becomes of it while a NAT forgets connections that are idle for `limit` seconds. */
class Bench {
  it = new KeepAlive(0);
  /** Its time begins with that of the machine, which may be on for a while. */
  now: number = Time.ticks;
  deaths = 0;

  die(code = "KeepAliveTimeout", silence = 300 * second): void {
    this.it.ended(code, silence, this.now);
  }

  live(duration: number, limit = Infinity): void {
    for (const end = this.now + duration; this.now < end; ) {
      const silence = this.it.interval * 0.7 * second;
      this.now += silence;
      if (silence <= limit * second) this.it.proved(this.now);
      else {
        this.deaths += 1;
        this.die("KeepAliveTimeout", silence + 20 * second);
      }
    }
  }
}

test("it begins at 300 s, and CONNECT promises the most that AWS IoT takes", () => {
  const { it } = new Bench();
  equal([it.interval, it.promised], [300, 1200]);
});

test("what is set is kept, within AWS's limits, and 0 adapts again", () => {
  const { it } = new Bench();
  for (const [given, kept] of [
    [30, 30],
    [29, 30],
    [1200, 1200],
    [5000, 1200],
    [90, 90],
  ]) {
    it.setting = given;
    it.ended("KeepAliveTimeout", hour, 0);
    equal([it.interval, it.promised], [kept, kept]);
  }
  it.setting = 0;
  equal(it.promised, 1200);
  equal(new KeepAlive(60).interval, 60);
});

test("each connection that died while it was silent halves it, down to 30 s", () => {
  const bench = new Bench();
  const steps = [150, 75, 38, 30, 30];
  for (const step of steps) {
    bench.die();
    equal(bench.it.interval, step);
  }
});

test("only ends that a NAT may have caused, after 30 s of silence at least", () => {
  for (const [code, silence, interval] of [
    ["KeepAliveTimeout", 30 * second, 150],
    ["AckTimeout", 30 * second, 150],
    ["ConnectionLost", 30 * second, 150],
    ["ConnectionLost", 30 * second - 1, 300],
    ["ConnectionClosed", hour, 300],
    ["ConnectTimeout", hour, 300],
    ["Refused", hour, 300],
  ] as const) {
    const bench = new Bench();
    bench.die(code, silence);
    equal(bench.it.interval, interval, `${code} ${silence}`);
  }
});

test("six hours without a death raise it by half, up to 1200 s", () => {
  const bench = new Bench();
  bench.live(6 * hour - 300 * second);
  equal(bench.it.interval, 300);
  bench.live(300 * second);
  equal(bench.it.interval, 450);
  bench.live(6 * hour);
  equal(bench.it.interval, 675);
  bench.live(day);
  equal(bench.it.interval, 1200);
});

test("for a week it is not raised to where it died, then it is tried again", () => {
  const bench = new Bench();
  bench.live(day, 200);
  // 210 s was too long: 150, then 225; 300 is where it died, 338 beyond.
  equal([bench.deaths, bench.it.interval], [1, 225]);
  bench.live(5 * day, 200);
  equal([bench.deaths, bench.it.interval], [1, 225]);
  bench.live(2 * day, 200);
  equal(bench.deaths, 2);
});

test("behind a NAT of any patience: two deaths a week at most, after the first few", () => {
  for (const patience of [30, 60, 120, 240, 350, 600]) {
    const bench = new Bench();
    bench.live(2 * day, patience);
    const { deaths } = bench;
    bench.live(21 * day, patience);
    equal(deaths <= 5 && bench.deaths - deaths <= 6, true, `${patience} s: ${deaths}, ${bench.deaths - deaths}`);
  }
});

test("six hours and a week are those, to the millisecond", () => {
  const { it } = new Bench();
  it.ended("KeepAliveTimeout", hour, 0);
  it.proved(6 * hour - 1);
  equal(it.interval, 150);
  it.proved(6 * hour);
  equal(it.interval, 225);
  it.proved(7 * day - 1);
  equal(it.interval, 225, "338 is beyond 300, where it died");
  it.proved(7 * day);
  equal(it.interval, 338);
});

test("nor is it raised beyond where it died last, however short that was", () => {
  const { it } = new Bench();
  // 30 died, so 30 stays; 45 would be beyond.
  for (let i = 0; i < 5; i += 1) it.ended("AckTimeout", hour, 0);
  it.proved(day);
  equal(it.interval, 30);
});
