import { AttemptLimit } from "../../../modules/provisioning/attempt-limit";
import { equal, test } from "../harness";

test("two mistakes are free, then the pauses double up to five minutes", () => {
  let now = 0;
  const limit = new AttemptLimit(() => now);
  limit.failed();
  limit.failed();
  equal(limit.remaining, 0);
  for (const pause of [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]) {
    limit.failed();
    equal(limit.remaining, pause * 1000);
    now += pause * 1000 - 1;
    equal(limit.remaining, 1);
    now += 1;
    equal(limit.remaining, 0);
  }
});

test("the right proof resets it", () => {
  const limit = new AttemptLimit(() => 0);
  for (let i = 0; i < 10; i++) limit.failed();
  limit.succeeded();
  equal(limit.remaining, 0);
  limit.failed();
  limit.failed();
  equal(limit.remaining, 0);
});

test("a clock that wraps at 32 bits does not lock for days", () => {
  let now = 0x7fffff00;
  const limit = new AttemptLimit(() => now | 0);
  for (let i = 0; i < 3; i++) limit.failed();
  now += 500;
  equal(limit.remaining, 500);
  now += 500;
  equal(limit.remaining, 0);
});
