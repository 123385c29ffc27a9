import Time from "time";
import Timer from "timer";
import { assert, equal, sleep, test, throws, until } from "../harness";

test("timers fire in the order of their delays, and of setting where these are equal", async () => {
  const order: string[] = [];
  Timer.set(() => order.push("20"), 20);
  Timer.set(() => order.push("first 10"), 10);
  Timer.set(() => order.push("second 10"), 10);
  Timer.set(() => order.push("now"));
  await sleep(40);
  equal(order, ["now", "first 10", "second 10", "20"]);
});

test("promise jobs run between two timers that are due together", async () => {
  const order: string[] = [];
  Timer.set(() => {
    order.push("timer 1");
    Promise.resolve().then(() => order.push("job"));
  }, 5);
  Timer.set(() => order.push("timer 2"), 5);
  await sleep(20);
  equal(order, ["timer 1", "job", "timer 2"]);
});

test("the callback gets its timer; a repeating one ends when it is cleared", async () => {
  let count = 0;
  const timer = Timer.repeat((id) => {
    equal(id, timer);
    if (++count === 3) Timer.clear(id);
  }, 5);
  await sleep(50);
  equal(count, 3);
});

test("set with a repeat fires first after the delay, then at the interval", async () => {
  const start = Time.ticks;
  const times: number[] = [];
  const timer = Timer.set(() => times.push(Time.delta(start)), 30, 5);
  await until(() => times.length >= 2);
  Timer.clear(timer);
  assert(times[0] >= 29, `first after ${times[0]} ms`);
  assert(times[1] - times[0] < 25, `second ${times[1] - times[0]} ms later`);
});

test("schedule moves a timer, without a delay it stops it", async () => {
  let fired = 0;
  const timer = Timer.set(() => fired++, 10);
  Timer.schedule(timer, 30);
  await sleep(20);
  equal(fired, 0);
  Timer.schedule(timer);
  await sleep(20);
  equal(fired, 0);
  Timer.schedule(timer, 1);
  await sleep(10);
  equal(fired, 1);
});

test("clear takes what is no timer, and a timer twice", () => {
  const timer = Timer.set(() => {}, 1000);
  Timer.clear(timer);
  Timer.clear(timer);
  Timer.clear(undefined);
  Timer.clear(null);
  throws(() => Timer.schedule(timer, 1));
});

test("a timer that sets itself anew at once leaves room for others", async () => {
  let turns = 0;
  let running = true;
  const again = () => {
    turns++;
    if (running) Timer.set(again);
  };
  again();
  await sleep(10);
  running = false;
  assert(turns > 1);
});

test("Date and ticks advance together", async () => {
  const date = Date.now();
  const ticks = Time.ticks;
  await sleep(50);
  const difference = Date.now() - date - Time.delta(ticks);
  assert(Math.abs(difference) <= 2, `${difference} ms apart`);
});

test("Time.set moves Date, not the timers", async () => {
  const before = Date.now();
  const ticks = Time.ticks;
  Time.set(1_000_000_000);
  equal(Math.floor(Date.now() / 1000), 1_000_000_000);
  Time.set(before / 1000);
  assert(Time.delta(ticks) < 1000);
  assert(Math.abs(Date.now() - before) < 1000);
});
