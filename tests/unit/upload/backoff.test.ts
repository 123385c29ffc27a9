import { Backoff } from "../../../modules/upload/backoff";
import { Watchdog } from "../../../modules/upload/watchdog";
import { assert, equal, test } from "../harness";
import { ManualTimers } from "./manual-timers";

test("2 s, 4 s, 8 s on average, up to the limit", () => {
  const backoff = new Backoff(() => 0.5);
  equal(
    [1, 2, 3, 4, 5, 20].map((retry) => backoff.delay(retry)),
    [2000, 4000, 8000, 16000, 20000, 20000],
  );
});

test("spread from half to one and a half", () => {
  equal(new Backoff(() => 0).delay(2), 2000);
  equal(new Backoff(() => 0.9999).delay(2), 6000);
  const delays = new Set<number>();
  const backoff = new Backoff(Math.random);
  for (let i = 0; i < 50; i += 1) delays.add(backoff.delay(1));
  assert(delays.size > 10, "no jitter");
});

test("Retry-After is honoured within reason", () => {
  const backoff = new Backoff(() => 0.5);
  equal([backoff.delay(1, "5"), backoff.delay(1, "1"), backoff.delay(1, "9000")], [5000, 2000, 60000]);
  equal(backoff.delay(1, "Fri, 31 Dec 1999 23:59:59 GMT"), 2000);
});

test("at least one attempt", () => equal(new Backoff(Math.random, { attempts: 0 }).attempts, 1));

for (const limit of [1, 10, 1000, 15_000]) {
  test(`a watchdog of ${limit} ms fires once, not before, and not much after`, () => {
    for (let fedAt = 0; fedAt < limit * 3; fedAt += Math.ceil(limit / 7)) {
      const timers = new ManualTimers();
      let fired: number[] = [];
      const watchdog = new Watchdog({ onTimeout: () => fired.push(timers.now) }, timers);
      watchdog.start(limit);
      while (timers.now < fedAt) {
        timers.advance(Math.min(Math.max(1, limit >> 3), fedAt - timers.now));
        watchdog.feed();
      }
      equal(fired, []);
      timers.advance(limit * 10 + 100);
      equal(fired.length, 1);
      const wait = fired[0] - fedAt;
      assert(wait >= limit && wait <= limit * 1.25 + 5, `fired ${wait} ms after the last sign of life`);
      equal(timers.running, 0);
      fired = [];
    }
  });
}

test("a stopped watchdog does not fire", () => {
  const timers = new ManualTimers();
  let timeouts = 0;
  const onTimeout = () => {
    timeouts += 1;
  };
  const watchdog = new Watchdog({ onTimeout }, timers);
  watchdog.start(100);
  watchdog.stop();
  watchdog.stop();
  timers.advance(1000);
  equal(timeouts, 0);
});
