/** How far a clock may have drifted with its age: days pass by setting the host's clock. */
import Time from "time";
import { Clock } from "../../../modules/network/clock";
import { after, assert, equal, rejects, test } from "../harness";

const second = 1000;
const day = 86_400 * second;
const right = Date.UTC(2026, 11, 24);

/** A clock that was right a day ago, and asks one server. */
async function dayOldClock(start: number) {
  const it = { answer: right, isProven: true };
  const source = {
    name: "server",
    get isProven() {
      return it.isProven;
    },
    getTime: async () => it.answer,
  };
  setSystemTime(start);
  const clock = new Clock({ released: right - day, sources: () => [source] });
  await clock.synchronize();
  it.isProven = false;
  setSystemTime(start + day);
  assert(Math.abs(clock.age - day) < 2 * second, `${clock.age}`);
  return Object.assign(it, { clock });
}

function setSystemTime(milliseconds: number): void {
  (Time as unknown as { set(seconds: number): void }).set(Math.floor(milliseconds / second));
}

for (const [difference, agrees] of [
  [94, true],
  [-94, true],
  [99, false],
  [-99, false],
] as const)
  test(`a day later ${difference} s are ${agrees ? "no contradiction" : "too many"}: ten, and a thousandth of its age`, async () => {
    const start = Date.now();
    after(() => setSystemTime(start));
    const it = await dayOldClock(start);
    it.answer = right + day + difference * second;
    if (agrees) {
      const step = await it.clock.synchronize();
      assert(Math.abs(step - difference * second) < 2 * second, `${step}`);
    } else await rejects(it.clock.synchronize(), "BadTime");
    const compared = await dayOldClock(start);
    compared.clock.compare(right + day + difference * second);
    equal(compared.clock.state, agrees ? "confirmed" : "doubtful");
  });
