/** The lease by which one run at a time writes a person's policies: waiting, taking over, losing it, and others who change the same record. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Challenges } from "../../sim/cloud/bindings/challenges.ts";
import { JsonBindingTable } from "../../sim/cloud/bindings/json-table.ts";
import { isLeased, leaseLife, OwnerLease } from "../../sim/cloud/bindings/owner-lease.ts";

let directory = "";
let table: JsonBindingTable;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "devicelink-lease-"));
  table = new JsonBindingTable(join(directory, "bindings.json"));
});
after(() => rm(directory, { recursive: true, force: true }));

const start = Date.UTC(2026, 0, 1);
const [one, other] = [
  { policy: "one", things: ["camera-1"] },
  { policy: "other", things: ["camera-2"] },
];

/** Somebody, and a clock that goes on by so many milliseconds with each look. */
function somebody({ step = 0 } = {}) {
  const clock = { time: start };
  const now = () => {
    clock.time += step;
    return clock.time;
  };
  return { table, user: `us-east-1:${randomUUID()}`, now, clock };
}

test("a lease is kept in the record until its end, and leaves the pages behind", async () => {
  const options = somebody();
  const lease = await OwnerLease.take(options);
  assert.equal(lease.pages, undefined);
  const taken = await table.owner(options.user);
  assert.equal(taken?.lease?.until, start + leaseLife);
  await lease.keep([one]);
  assert.deepEqual(lease.pages, [one]);
  assert.deepEqual((await table.owner(options.user))?.pages, [one]);
  await lease.end([one, other]);
  assert.deepEqual(await table.owner(options.user), { version: 3, pages: [one, other] });
  const next = await OwnerLease.take(options);
  assert.deepEqual(next.pages, [one, other]);
  await next.keep([other]);
  await next.end();
  assert.deepEqual((await table.owner(options.user))?.pages, [other], "what was kept last");
});

test("who has no pages yet has none after a lease in which nothing was kept", async () => {
  const options = somebody();
  await (await OwnerLease.take(options)).end();
  assert.deepEqual(await table.owner(options.user), { version: 2 });
});

test("another run waits for the end", async () => {
  const options = somebody();
  const first = await OwnerLease.take(options);
  let isTaken = false;
  const second = OwnerLease.take(options).then((lease) => {
    isTaken = true;
    return lease;
  });
  await first.keep([one]);
  assert.equal(isTaken, false);
  await first.end();
  assert.deepEqual((await second).pages, [one]);
});

test("a run does not wait for ever, and leaves the other one its lease", async () => {
  const options = somebody({ step: 3000 });
  await OwnerLease.take({ ...options, now: () => start });
  await assert.rejects(OwnerLease.take(options), /another request of this person takes too long/);
  assert.ok(options.clock.time - start > 12_000 && options.clock.time - start < leaseLife);
  assert.ok(isLeased((await table.owner(options.user))!, start));
});

test("a lease is over when its time is, and not before", async () => {
  const { user } = somebody();
  await OwnerLease.take({ table, user, now: () => start });
  const record = (await table.owner(user))!;
  assert.ok(isLeased(record, start + leaseLife - 1));
  assert.ok(!isLeased(record, start + leaseLife));
  assert.ok(!isLeased({}, start));
});

test("who has lost the lease changes nothing any more", async () => {
  const options = somebody();
  const first = await OwnerLease.take(options);
  await first.keep([one]);
  options.clock.time += leaseLife;
  const second = await OwnerLease.take(options);
  await assert.rejects(first.keep([other]), /this request has taken too long/);
  await first.end([other]);
  const record = await table.owner(options.user);
  assert.deepEqual(record?.pages, [one]);
  assert.ok(isLeased(record!, options.clock.time), "the second one still has it");
  await second.end([one, other]);
  assert.deepEqual((await table.owner(options.user))?.pages, [one, other]);
  await assert.rejects(second.keep([one]), /taken too long/, "nor who has given it back");
});

test("a nonce that is given out meanwhile is kept, and so are the pages", async () => {
  const options = somebody();
  const { user, now } = options;
  const lease = await OwnerLease.take(options);
  const challenges = new Challenges(table, now);
  const { nonce: first } = await challenges.issue(user, "1");
  await lease.keep([one]);
  assert.equal((await table.owner(user))?.challenge?.nonce, first);
  const { nonce: second } = await challenges.issue(user, "2");
  assert.deepEqual((await table.owner(user))?.pages, [one]);
  await lease.end();
  const { challenge, pages, lease: over } = (await table.owner(user))!;
  assert.deepEqual([challenge?.nonce, pages, over], [second, [one], undefined]);
});
