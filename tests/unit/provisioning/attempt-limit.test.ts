import { AttemptLimit } from "../../../modules/provisioning/attempt-limit";
import { equal, test } from "../harness";
import { Storage } from "./phone";

test("two mistakes are free, then the pauses double up to five minutes", () => {
  let now = 0;
  const limit = new AttemptLimit(() => now, new Storage());
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
  const limit = new AttemptLimit(() => 0, new Storage());
  for (let i = 0; i < 10; i++) limit.failed();
  limit.succeeded();
  equal(limit.remaining, 0);
  limit.failed();
  limit.failed();
  equal(limit.remaining, 0);
});

test("a clock that wraps at 32 bits does not lock for days", () => {
  let now = 0x7fffff00;
  const limit = new AttemptLimit(() => now | 0, new Storage());
  for (let i = 0; i < 3; i++) limit.failed();
  now += 500;
  equal(limit.remaining, 500);
  now += 500;
  equal(limit.remaining, 0);
});

test("switching off and on continues the lock, with a pause of its length from the start", () => {
  const storage = new Storage();
  let now = 5000;
  const before = new AttemptLimit(() => now, storage);
  for (let i = 0; i < 5; i++) before.failed();
  equal(before.remaining, 4000);
  now = 100;
  const after = new AttemptLimit(() => now, storage);
  equal(after.remaining, 4000);
  now += 4000;
  equal(after.remaining, 0);
  after.failed();
  equal(after.remaining, 8000);
  equal(new AttemptLimit(() => now, storage).remaining, 8000);
});

test("mistakes that were free are counted over a restart as well", () => {
  const storage = new Storage();
  new AttemptLimit(() => 0, storage).failed();
  const second = new AttemptLimit(() => 0, storage);
  equal(second.remaining, 0);
  second.failed();
  const third = new AttemptLimit(() => 0, storage);
  third.failed();
  equal(third.remaining, 1000);
});

test("the right proof clears what is stored, also after a restart", () => {
  const storage = new Storage();
  const limit = new AttemptLimit(() => 0, storage);
  for (let i = 0; i < 4; i++) limit.failed();
  const after = new AttemptLimit(() => 0, storage);
  after.succeeded();
  equal([after.remaining, storage.values.size], [0, 0]);
  equal(new AttemptLimit(() => 0, storage).remaining, 0);
});

test("the flash is written for the first twelve failures only, and not at all by who knows the proof", () => {
  const storage = new Storage();
  const limit = new AttemptLimit(() => 0, storage);
  limit.succeeded();
  equal(storage.writes, 0);
  for (let i = 0; i < 100; i++) limit.failed();
  equal(storage.writes, 12);
  equal(limit.remaining, 300_000);
});

test("a stored count that is none, or is out of range, is no trap; storage that is full does not stop the count", () => {
  const storage = new Storage();
  for (const stored of [[], [1, 2], [255]]) {
    storage.values.set("guesses", Uint8Array.from(stored));
    equal(new AttemptLimit(() => 0, storage).remaining, stored[0] === 255 ? 300_000 : 0);
  }
  const full = new Storage();
  full.failing = true;
  const limit = new AttemptLimit(() => 0, full);
  for (let i = 0; i < 3; i++) limit.failed();
  equal(limit.remaining, 1000);
});
