/** Whether a camera is online, told by presence events that come in any order. No broker makes them come wrong on demand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LiveCamera } from "../../sim/phone/live-camera.ts";
import type { MqttConnection } from "../../sim/phone/mqtt-connection.ts";

const thing = "camera-F1";
type Event = [kind: "connected" | "disconnected", versionNumber: number];

/** The camera's state after the events. */
async function after(events: Event[], telemetry: object[] = []): Promise<boolean | undefined> {
  let hear: (topic: string, message: unknown) => void = () => {};
  const connection = {
    subscribe: async (_topics: string[], listener: typeof hear) => {
      hear = listener;
      return async () => {};
    },
    publish: async () => {},
    on: () => () => {},
  };
  const live = new LiveCamera(connection as unknown as MqttConnection, thing);
  await live.open();
  for (const [kind, versionNumber] of events) hear(`$aws/events/presence/${kind}/${thing}`, { versionNumber });
  for (const report of telemetry) hear(`device/${thing}/telemetry`, report);
  const { online } = live.state;
  await live.close();
  return online;
}

function orders<T>(items: T[]): T[][] {
  if (items.length < 2) return [items];
  return items.flatMap((item, i) => orders(items.filter((_, j) => j !== i)).map((rest) => [item, ...rest]));
}

const [began, ended, again, gone]: Event[] = [
  ["connected", 0],
  ["disconnected", 0],
  ["connected", 1],
  ["disconnected", 1],
];

for (const events of orders([began, ended, again]))
  test(`online after ${events.map(([kind, n]) => `${kind} ${n}`).join(", ")}`, async () => {
    assert.equal(await after(events), true);
    assert.equal(await after([...events, ended]), true, "told twice");
    assert.equal(await after([...events, gone]), false);
  });

test("a last will does not count as a word of the camera, nor against it", async () => {
  assert.equal(await after([began], [{ state: "offline" }]), true);
  assert.equal(await after([began, ended], [{ state: "offline" }]), false);
  assert.equal(await after([began, ended], [{ uptime: 1 }]), true, "it has spoken");
});
