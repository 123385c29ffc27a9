/**
 * Messages of a seeded generator, valid and broken, up to the size limits, against the firmware's readers in a machine with 2 KB of chunks and 256
 * slots less than the manifest gives the camera. SEED=N runs the message with that seed again, and those after it.
 */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { startDevice } from "../../sim/host/device-process.ts";
import { buildFirmware, type CompiledFirmware } from "../../sim/host/firmware.ts";

const here = dirname(fileURLToPath(import.meta.url));
const first = Number(process.env.SEED ?? 1);
const messages = Number(process.env.MESSAGES ?? 24_000);
const processes = 2;

test(`${messages} messages through the readers: each is read or refused by name, and the machine goes on`, async (t) => {
  const manifest = await buildFirmware(join(here, "firmware/structure/manifest.json"));
  const total: Record<string, number> = {};
  const run = async (seed: number) => {
    for (const [name, value] of Object.entries(await readMessages(manifest, seed, messages / processes)))
      total[name] = name.endsWith("Peak") ? Math.max(total[name] ?? 0, value) : (total[name] ?? 0) + value;
  };
  await Promise.all(Array.from({ length: processes }, (_, i) => run(first + (i * messages) / processes)));
  t.diagnostic(JSON.stringify(total));
  console.log(JSON.stringify({ seed: first, messages, ...total }));
  const { command, grant, shadow, job, read, refused, damaged } = total;
  assert.equal(command + grant + shadow + job, messages);
  assert.equal(read + refused, messages);
  for (const [name, count] of Object.entries({ command, grant, shadow, job, read, refused, damaged }))
    assert.ok(count > messages / 20, `${count} ${name}`);
});

async function readMessages(manifest: CompiledFirmware, seed: number, count: number): Promise<Record<string, number>> {
  let at = seed;
  let done: Record<string, number> | undefined;
  let failure = "";
  const device = await startDevice({
    manifest,
    module: "tests/e2e/firmware/structure/readers",
    environment: { SEED: String(seed), COUNT: String(count) },
    onTrace: (line) => {
      if (!line.startsWith("{")) return;
      const event = JSON.parse(line);
      at = event.at ?? at;
      done = event.done ?? done;
      if (event.failed) failure = `SEED=${event.failed}: ${event.error}`;
    },
  });
  const { code, signal, stderr } = await device.exited;
  assert.equal(failure, "");
  assert.equal(code, 0, `ended with ${signal ?? code} at one of the 64 messages from SEED=${at} on:\n${stderr}`);
  assert.ok(done, "it ended early");
  return done;
}
