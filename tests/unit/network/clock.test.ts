import { Clock } from "../../../modules/network/clock";
import { ClockError, type TimeSource } from "../../../modules/network/time-source";
import { assert, equal, rejects, test } from "../harness";

const released = Date.UTC(2026, 10, 30);
const right = Date.UTC(2026, 11, 24);
const second = 1000;
const year = 31_556_952_000;
/** What the chip's clock shows besides: it runs on. */
const near = (time: number, expected: number) =>
  assert(Math.abs(time - expected) < second, `${time - expected} ms off`);

/** Servers by what they tell: a time, the code of a failure, or a time that is proven. */
type Answer = number | string | { proven: number };

function clockWith(...answers: Answer[]) {
  const told: number[] = [];
  const asked: string[] = [];
  const it = { answers, asked, told, orders: [] as boolean[] };
  const clock = new Clock({
    released,
    setSystemTime: (seconds) => void told.push(seconds),
    sources(prove) {
      it.orders.push(prove);
      return it.answers.map((answer, index): TimeSource => {
        const name = `server${index}`;
        return {
          name,
          isProven: typeof answer === "object",
          getTime: async () => {
            asked.push(name);
            if (typeof answer === "string") throw new ClockError(answer, name);
            return typeof answer === "object" ? answer.proven : answer;
          },
        };
      });
    },
  });
  return Object.assign(it, { clock });
}

test("two servers that agree within ten seconds confirm the time, and the others are not asked", async () => {
  const { clock, asked, told } = clockWith(right, right + 9 * second, right);
  equal([clock.state, clock.isSet, clock.isConfirmed], ["unset", false, false]);
  await clock.synchronize();
  equal([clock.state, clock.isSet, clock.isConfirmed], ["confirmed", true, true]);
  equal([asked.join(), clock.source], ["server0,server1", "server1"]);
  near(clock.now(), right + 9 * second);
  equal(told, [Math.floor(right / 1000) + 9]);
});

test("one server alone is doubtful, whatever the others fail with", async () => {
  const { clock, asked } = clockWith("NoAnswer", right, "HostNotFound");
  await clock.synchronize();
  equal([clock.state, clock.source, asked.length], ["doubtful", "server1", 3]);
  near(clock.now(), right);
});

test("who cannot prove it is believed for five years from the release, alone or together", async () => {
  const within = clockWith(released + 5 * year - second);
  await within.clock.synchronize();
  equal(within.clock.state, "doubtful");
  const beyond = clockWith(released + 5 * year + second);
  await rejects(beyond.clock.synchronize(), "BadTime");
  equal(beyond.clock.state, "unset");
  const two = clockWith(released + 5 * year + second, released + 5 * year + second);
  await rejects(two.clock.synchronize(), "BadTime");
  const proven = clockWith(released + 5 * year + second, { proven: released + 6 * year });
  await proven.clock.synchronize();
  equal([proven.clock.state, proven.clock.source], ["confirmed", "server1"]);
});

test("nobody is believed before the release, or twenty years after it", async () => {
  for (const time of [released - 1, released + 20 * year + second, 0, Number.NaN, Date.UTC(2099, 0, 1)]) {
    const { clock, told } = clockWith(time, time, { proven: time });
    await rejects(clock.synchronize(), "BadTime");
    equal([clock.state, told.length], ["unset", 0]);
  }
  for (const time of [released, released + 20 * year]) {
    const { clock } = clockWith({ proven: time });
    await clock.synchronize();
    equal(clock.state, "confirmed");
  }
});

test("the first server is absurd: the second is asked, and is doubtful alone; plausible ones that contradict each other are not believed", async () => {
  for (const absurd of [Date.UTC(2036, 0, 1), Date.UTC(2025, 0, 1), Date.UTC(2099, 0, 1)]) {
    const { clock } = clockWith(absurd, right);
    await clock.synchronize();
    equal([clock.state, clock.source], ["doubtful", "server1"]);
    near(clock.now(), right);
  }
  const two = clockWith(right + year, right);
  await rejects(two.clock.synchronize(), "BadTime");
  equal(two.clock.state, "unset");
  const three = clockWith(right + year, right, right);
  await three.clock.synchronize();
  equal(three.clock.state, "confirmed");
  near(three.clock.now(), right);
});

test("contradictions are decided by who can prove it", async () => {
  const { clock } = clockWith(right - year / 100, right + year, { proven: right });
  await clock.synchronize();
  equal([clock.state, clock.source], ["confirmed", "server2"]);
  near(clock.now(), right);
});

test("where nobody answers to SNTP the time comes from who can prove it", async () => {
  const { clock } = clockWith("NoAnswer", "HostNotFound", "UnknownCA", { proven: right });
  await clock.synchronize();
  equal(clock.state, "confirmed");
});

test("nobody answers: the last reason, and what was impossible says more", async () => {
  await rejects(clockWith("NoAnswer", "Expired").clock.synchronize(), "Expired");
  await rejects(clockWith(5, "NoAnswer").clock.synchronize(), "BadTime");
  await rejects(clockWith().clock.synchronize(), "NoAnswer");
});

test("a confirmed clock is corrected by one server that agrees, and not moved by one that does not", async () => {
  const it = clockWith({ proven: right });
  await it.clock.synchronize();
  it.answers = [right + 9 * second];
  near((await it.clock.synchronize()) + right, right + 9 * second);
  equal(it.clock.state, "confirmed");
  it.answers = [right + 100 * second];
  await rejects(it.clock.synchronize(), "BadTime");
  near(it.clock.now(), right + 9 * second);
  equal(it.clock.state, "confirmed");
  it.answers = [right + 100 * second, right + 101 * second];
  await it.clock.synchronize();
  near(it.clock.now(), right + 101 * second);
  equal(it.orders, [false, false, false, false]);
});

test("in doubt those are asked first who can prove it, and the clock's own word counts for nothing", async () => {
  const it = clockWith({ proven: right });
  await it.clock.synchronize();
  assert(it.clock.doubt());
  assert(!it.clock.doubt(), "twice");
  equal(it.clock.state, "doubtful");
  near(it.clock.now(), right);
  it.answers = [right];
  await it.clock.synchronize();
  equal(it.clock.state, "doubtful", "alone it is no proof");
  it.answers = [right + year, right + year];
  await it.clock.synchronize();
  equal(it.clock.state, "confirmed");
  equal(it.orders, [false, true, true]);
});

test("a store's Date confirms a doubtful clock within ten seconds, and makes doubtful what is further away", async () => {
  for (const [difference, state] of [
    [9, "confirmed"],
    [-9, "confirmed"],
    [12, "doubtful"],
    [-12, "doubtful"],
  ] as const) {
    const it = clockWith(right);
    await it.clock.synchronize();
    it.clock.compare(right + difference * second);
    equal(it.clock.state, state, `${difference} s, doubtful`);
    it.clock.set(right);
    it.clock.compare(right + difference * second);
    equal(it.clock.state, state, `${difference} s, confirmed`);
    near(it.clock.now(), right);
  }
  const { clock } = clockWith(right);
  for (const time of [right, clock.now()]) {
    clock.compare(time);
    equal(clock.state, "unset");
  }
});

test("a desktop's clock is confirmed, and nothing makes it doubtful", async () => {
  const clock = new Clock();
  equal([clock.state, clock.age, clock.source], ["confirmed", 0, ""]);
  equal(await clock.synchronize(), 0);
  clock.compare(5);
  assert(!clock.doubt());
  equal(clock.state, "confirmed");
  const early = new Clock({ released: Date.now() + year });
  equal(early.state, "unset");
  await rejects(early.synchronize(), "NoTimeSource");
});

test("errors of others keep their code", () => {
  const coded = Object.assign(new Error("x"), { code: "Expired" });
  equal(ClockError.of(coded, "s").code, "Expired");
  equal(ClockError.of(new Error("x"), "s").code, "NoAnswer");
  equal(ClockError.of("text", "s").code, "NoAnswer");
  equal([ClockError.of(coded, "s").name, ClockError.of(coded, "s").message], ["ClockError", "s: x"]);
});
