/**
 * Whatever the broker sends, in whatever pieces, the camera takes it at its own pace: 1 to 200 messages of 50 bytes to 128 KB, in one TLS record
 * and spread over many, over real MQTT, with and without a picture on its way. The machine has 2 KB of chunks and 256 slots less
 * than the camera's; a peak above that ends it.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { JsonBindingTable } from "../../sim/cloud/bindings/json-table.ts";
import type { Pace } from "./burst-cloud.ts";
import { LineRig } from "./line-rig.ts";
import { Operator, until } from "./operator.ts";

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
/** What the session takes; the rest is dropped by name. */
const largest = 4096;
const limit = 60_000;
const user = "us-east-1:5e0f5b4c-6d2e-4f6a-9a57-3a1c6d3e9f00";

const paces: readonly Pace[] = ["plain", "joined", "split"];
/** Count and bytes of each. */
const bursts: readonly [number, number][] = [
  [1, 50],
  [1, 4096],
  [1, 128 * 1024],
  [2, 4096],
  [4, 1900],
  [16, 50],
  [18, 300],
  [20, 4097],
  [60, 1900],
  [200, 50],
  [200, 128 * 1024],
];
const types = ["GetUpload", "GetDeviceInfo", "GetTelemetry"];

let rig: LineRig;
let operator: Operator;
let thingName = "";
let drops = 0;
/** Of the last token. */
let serial = 0;
const live = { slots: 0, chunkBytes: 0, stack: 0 };

before(async () => {
  rig = await LineRig.open({
    resolutions: ["5MP"],
    firmware: { manifest: path("firmware/burst/manifest.json"), module: "probe" },
    cloudImports: [path("burst-cloud.ts")],
  });
  rig.line.onCameraLine = (line) => {
    if (line.startsWith('{"probe"')) Object.assign(live, JSON.parse(line).probe);
    if (line.includes("MessageTooLarge")) drops += 1;
  };
  await rig.provision();
  thingName = (await rig.owner.deviceInfo()).thingName as string;
  operator = await Operator.connect(rig.line.cloud, thingName);
  const table = new JsonBindingTable(rig.line.cloud.bindings);
  await table.claim({ thing: thingName, user, since: Date.now(), policy: "none" });
});

after(async () => {
  await operator?.close();
  await rig?.close();
});

const send = (topic: string, payload: string) =>
  operator.client.publishAsync(`device/${thingName}/${topic}`, payload, { qos: 1 });

/** A command of so many bytes. White space is no structure. */
function command(type: string, clientToken: string, size: number): string {
  const text = JSON.stringify({ type, clientToken });
  return text.padEnd(size);
}

/** All at once. Each is answered once, or dropped by name. */
async function burst(count: number, size: number): Promise<void> {
  const tokens = Array.from({ length: count }, () => `t${++serial}`);
  const { answers } = operator.heard;
  answers.length = drops = 0;
  await Promise.all(tokens.map((token, i) => send("commands", command(types[i % types.length], token, size))));
  const isTaken = size <= largest;
  await Promise.race([
    until(`end of ${count} x ${size}`, () => ((isTaken ? answers.length : drops) >= count ? true : undefined), limit),
    rig.line.failed,
  ]);
  // Whoever asks last is answered last: nothing comes behind it.
  await operator.ask({ type: "GetUpload" }, limit);
  const mine = answers.filter(({ clientToken }) => tokens.includes(clientToken as string));
  const wanted = isTaken ? tokens : [];
  assert.deepEqual(mine.map(({ clientToken }) => clientToken).sort(), [...wanted].sort(), "one answer each");
  assert.deepEqual(
    mine.filter(({ error }) => error),
    [],
    "none was refused",
  );
  assert.equal(drops, isTaken ? 0 : count);
}

function report(what: string): void {
  console.log(`${what}: peak so far ${live.slots} slots, ${live.chunkBytes} chunk bytes, stack ${live.stack}`);
}

for (const pace of paces)
  test(`bursts, TLS records ${pace}`, { timeout: 300_000 }, async () => {
    await send("pace", pace);
    for (const [count, size] of bursts) {
      await burst(count, size);
      report(`${pace} ${count} x ${size}`);
    }
  });

test("bursts of commands and stray grants while pictures go up", { timeout: 300_000 }, async () => {
  for (const pace of paces) {
    await send("pace", pace);
    const { imageId } = await rig.owner.takePhoto({ resolution: "5MP" });
    await rig.client.request("camera-upload", { type: "UploadPhoto", imageId });
    const grant = JSON.stringify({ imageId: "another", requestId: "another", url: "https://localhost/" });
    let during = 0;
    for (const [count, size] of [
      [18, 300],
      [4, 4096],
      [16, 1900],
      [200, 50],
    ]) {
      for (let i = 0; i < 4; i += 1) void send("uploads/grant", grant.padEnd(largest));
      await burst(count, size);
      const { state } = await operator.ask({ type: "GetUpload", imageId }, limit);
      if (state === "waiting" || state === "uploading") during += 1;
      report(`${pace} ${count} x ${size}, picture ${state}`);
    }
    const isResult = (event: { type: string; imageId?: unknown }) =>
      event.type === "UploadResult" && event.imageId === imageId;
    const result = await rig.owner.waitFor("upload result", isResult, 60_000);
    assert.equal(result.status, "stored", JSON.stringify(result));
    assert.ok(during > 0, "the picture was on its way");
  }
});

test("commands that take their time come one after the other, and pings and reports are not missed meanwhile", async () => {
  await send("pace", "joined");
  const { answers, telemetry } = operator.heard;
  answers.length = 0;
  const reports = telemetry.length;
  await Promise.all(Array.from({ length: 12 }, (_, i) => send("commands", command("TakePhoto", `picture-${i}`, 60))));
  await until("twelve pictures", () => (answers.length >= 12 ? true : undefined), limit);
  assert.equal(new Set(answers.map(({ imageId }) => imageId)).size, 12);
  const { connectionFailed, connected } = await operator.ask({ type: "GetTelemetry" });
  assert.deepEqual([connectionFailed, connected], [0, 1], "one connection from the first to the last");
  assert.ok(telemetry.length >= reports);
});

test("the machine was never larger than its budget", async () => {
  await delay(50);
  const { chunkBytesTotal, slotsTotal } = await rig.line.statistics();
  console.log(JSON.stringify({ live, chunkBytesTotal, slotsTotal }));
  const { creation } = JSON.parse(await readFile(path("../../manifest.json"), "utf8"));
  assert.ok(chunkBytesTotal <= creation.chunk.initial - 2048, `${chunkBytesTotal} bytes`);
  assert.ok(slotsTotal <= creation.heap.initial - 256, `${slotsTotal} slots`);
  assert.ok(live.chunkBytes > 0 && live.chunkBytes < chunkBytesTotal);
});
