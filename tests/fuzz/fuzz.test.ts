/** A few seconds of each fuzzer, the same ones each time. `npm run fuzz` goes on for longer. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { findTargets, noClang } from "./compile.ts";
import { fuzz } from "./fuzz.ts";
import { fuzzInXS, kinds } from "./xs.ts";

/** So many inputs take some seconds on a slow machine; and what they have to reach at least, in edges. */
const plan: Record<string, { runs: number; coverage: number }> = {
  driver: { runs: 3000, coverage: 450 },
  credentials: { runs: 400, coverage: 140 },
  tls: { runs: 60, coverage: 180 },
};

for (const target of await findTargets())
  test(`fuzz ${target.name}`, { skip: noClang, timeout: 300_000 }, async (t) => {
    const { runs, coverage } = plan[target.name];
    const result = await fuzz({ target, seed: 1, runs });
    assert.equal(result.finding, "");
    t.diagnostic(`${result.runs} inputs from ${result.seeds} seeds, ${result.coverage} edges`);
    assert.ok(result.runs >= runs, `${result.runs} inputs`);
    assert.ok(result.coverage >= coverage, `only ${result.coverage} edges: does the target still do what it did?`);
  });

/** Each record is a file that is written and read. */
const runsInXS = { json: 4000, records: 600 };

for (const kind of kinds)
  test(`fuzz ${kind}, inside XS`, { timeout: 300_000 }, async (t) => {
    const runs = runsInXS[kind];
    const result = await fuzzInXS({ kind, seed: 1, runs });
    assert.equal(result.finding, "");
    t.diagnostic(`${result.runs} inputs: ${result.accepted} accepted, ${result.refused} refused`);
    assert.equal(result.runs, runs);
    assert.ok(result.accepted > runs / 20 && result.refused > runs / 20, "the inputs are too much alike");
  });
