/**
 * Messages of a seeded generator, valid and broken, up to the size limits, all to the firmware's readers in one machine with 2 KB of chunks and 256
 * slots less than the manifest gives the camera. Each is read, or refused by the name that it has to have. SEED=N runs the message with that seed again, and
 * those after it.
 */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { buildFirmware } from "../../sim/host/firmware.ts";
import { jsonVerdicts, kinds } from "./firmware/structure/wire.ts";
import { feedMachine } from "./structure/feed.ts";
import { Tally } from "./structure/tally.ts";

const here = dirname(fileURLToPath(import.meta.url));
const first = Number(process.env.SEED ?? 1);
const messages = Number(process.env.MESSAGES ?? 100_000);

test(`${messages} messages through the readers: each is read or refused by name, and the machine goes on`, {
  timeout: 900_000,
}, async (t) => {
  const manifest = await buildFirmware(join(here, "firmware/structure/manifest.json"));
  const tally = new Tally();
  const peaks = await feedMachine(manifest, first, messages, tally);
  const { kinds: ofKind, verdicts, damaged } = tally;
  console.log(JSON.stringify({ seed: first, messages: tally.count, damaged, ofKind, verdicts, peaks }));
  t.diagnostic(`${tally.count} messages, ${verdicts.accepted} accepted, ${damaged} damaged`);
  assert.equal(tally.count, messages);
  // A damaged record in flash is read with all its names. No other message leaves one behind.
  const ofRecords = ofKind.record / 20;
  assert.ok(peaks.keys < 40 + ofRecords, `${peaks.keys} names are properties`);
  if (messages < 10_000) return;
  for (const kind of kinds) assert.ok(ofKind[kind] > messages / 100, `${ofKind[kind]} of the kind ${kind}`);
  for (const name of jsonVerdicts)
    assert.ok(name === "TooLong" || verdicts[name] > messages / 2000, `${verdicts[name]} ${name}`);
  assert.ok(verdicts.accepted > messages / 5, `${verdicts.accepted} accepted`);
});
