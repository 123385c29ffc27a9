/**
 * A camera that is left alone for a week, with outages at random times: each picture that was due is in the bucket, byte for byte, or the camera has counted it
 * with a reason. The whole line in real processes; its clock leaps over the times when nothing happens. The same week for everybody, so that a change is judged
 * and not the dice; WEEK_SEED has another one, WEEK_SEED=random any.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { accountOf, audit } from "./week-auditor.ts";
import { hour, minute, planOutages } from "./week-outages.ts";
import { WeekRig } from "./week-rig.ts";

const { WEEK_SEED = "1" } = process.env;
const seed = WEEK_SEED === "random" ? Date.now() % 1_000_000 : Number(WEEK_SEED);
const interval = hour;
const days = Number(process.env.WEEK_DAYS ?? 7);
/** Without an outage at the end, so that all is told. */
const calm = 3 * hour;
let week: WeekRig;

before(async () => {
  // Nobody knows whether a real sensor can send a picture twice: with an odd seed it can.
  week = await WeekRig.open({ pictures: 12, environment: { CAMERA_REWIND: String(seed % 2) } });
});

after(() => week?.close());

/** What ends by itself says why; without it time would go on, and only the figures would be wrong. */
test(`a week with outages, seed ${seed}`, { timeout: 240_000 }, (t) =>
  Promise.race([liveThrough(t), week.rig.line.failed]),
);

async function liveThrough(t: TestContext): Promise<void> {
  await week.prepare({
    captureInterval: interval / 1000,
    telemetryInterval: 1200,
    keepAlive: 1200,
    resolution: "QVGA",
  });
  const firstDue = await beginning();
  const { clock } = week;
  const from = clock.now;
  const to = from + days * 24 * hour;
  const outages = planOutages({ seed, from, to: to - calm, firstDue, interval });
  const started = Date.now();
  for (const outage of outages) {
    await clock.advance(outage.at);
    await week.begin(outage);
    await clock.advance(clock.now + outage.duration);
    await week.end(outage);
  }
  await week.heal();
  await clock.advance(firstDue + Math.floor((to - firstDue) / interval) * interval + 30 * minute);

  const findings = await audit({
    telemetry: week.messages("telemetry"),
    photos: week.messages("photos"),
    answers: week.messages("answers"),
    files: await week.rig.filesInBucket(),
    refused: week.rig.refused,
    frames: join(week.rig.directory, "frames", "320x240-default"),
    firstDue,
    interval,
    dark: week.dark,
  });
  const real = Math.round((Date.now() - started) / 1000);
  t.diagnostic(`${outages.length} outages, ${real} s for ${days} days: ${JSON.stringify(findings)}`);
  assert.ok(findings.due >= days * 24 - 1);
  assert.ok(findings.stored > findings.due / 4, "it works between the outages");
}

/** When the camera says that its first picture is due. */
async function beginning(): Promise<number> {
  for (const deadline = Date.now() + 20_000; ; await delay(50)) {
    const next = week.messages("telemetry").map(accountOf).at(-1)?.next;
    if (next) return next;
    if (Date.now() > deadline) throw new Error("the camera does not report its schedule");
  }
}
