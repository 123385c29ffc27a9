/** Our device before the advisor, on the XS host's MQTT client, and where there is one on the Moddable SDK's. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { skipWithoutSDK } from "../e2e/host/sdk-client.ts";
import { allCases } from "./cases/all.ts";
import { cameraPolicies } from "./cases/policy.ts";
import { DeviceClient, type MqttClientName } from "./clients/device.ts";
import { type Result, Runner } from "./runner.ts";

/** The scenarios of long duration repeat what the cases look at; those that do not are here. */
const scenarios = ["BASIC", "RECEIVE_LARGE_PAYLOAD", "INTERMITTENT_CONNECTIVITY", "LONG_SERVER_DISCONNECT"];
const isChosen = (id: string) => !id.startsWith("MQTT_Long_Duration") || scenarios.some((name) => id.endsWith(name));
const cases = allCases.filter(({ id }) => isChosen(id));

function judge(mqtt: MqttClientName): void {
  let results: Result[];
  const runner = new Runner({
    client: new DeviceClient(10, mqtt),
    concurrency: 6,
    settings: {
      attempts: 5,
      desiredState: { telemetryInterval: 120 },
      jobDocument: { operation: "echo", message: "hello" },
      serverAway: 30 * 60_000,
      policies: cameraPolicies,
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

  after(() => {
    const summary = runner.observations.summary();
    assert.equal(summary.persistentSession, "yes");
    assert.equal(summary.keepAlive, "30 s");
  });
}

describe("the device", () => judge("host"));

if (skipWithoutSDK) test("the device on the SDK's MQTT client", { skip: skipWithoutSDK }, () => {});
else describe("the device on the SDK's MQTT client", () => judge("sdk"));
