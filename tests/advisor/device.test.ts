/** Our device before the advisor. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { allCases } from "./cases/all.ts";
import { DeviceClient } from "./clients/device.ts";
import { type Result, Runner } from "./runner.ts";

/** Cases that ask for what the device does not have yet, and why they fail. */
const notYet = new Map([["Job_Execution", "the device does no jobs yet"]]);

/** The scenarios of long duration repeat what the cases look at; those that do not are here. */
const scenarios = ["BASIC", "RECEIVE_LARGE_PAYLOAD", "INTERMITTENT_CONNECTIVITY", "LONG_SERVER_DISCONNECT"];
const isChosen = (id: string) => !id.startsWith("MQTT_Long_Duration") || scenarios.some((name) => id.endsWith(name));
const cases = allCases.filter(({ id }) => isChosen(id) && !notYet.has(id));

describe("the device", () => {
  let results: Result[];
  const runner = new Runner({
    client: new DeviceClient(10),
    concurrency: 6,
    settings: {
      attempts: 5,
      desiredState: { telemetryInterval: 120 },
      jobDocument: {},
      serverAway: 30 * 60_000,
      policies: [fileURLToPath(new URL("../../certs/iot-policy.json", import.meta.url))],
    },
  });

  before(async () => {
    results = await runner.run(cases);
  });

  for (const { id, qualification } of cases)
    test(`${id}${qualification ? " (qualification set)" : ""}`, () => {
      const rows = results.filter((row) => row.id === id || (id.endsWith("BASIC") && /_QOS_|CONNECT$/.test(row.id)));
      assert.ok(rows.length, "it was not run");
      for (const { id: name, verdict, reason } of rows)
        if (qualification) assert.equal(verdict, "PASS", `${name}: ${reason}`);
        else assert.match(verdict, /^PASS/, `${name}: ${reason}`);
    });

  for (const [id, reason] of notYet) test(id, { todo: reason });

  after(() => {
    const summary = runner.observations.summary();
    assert.equal(summary.persistentSession, "yes");
    assert.equal(summary.keepAlive, "30 s");
  });
});
