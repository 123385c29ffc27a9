/**
 * Everything at once while a picture goes up: settings, a job, commands, a grant of the greatest size and phone's questions. The machine of
 * this test has 2 KB of chunks, 256 slots and 64 slots of stack less than the manifest gives the camera: what passes here has as much to spare.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { CreateJobCommand, DescribeJobExecutionCommand, DescribeThingCommand } from "@aws-sdk/client-iot";
import { JsonBindingTable } from "../../sim/cloud/bindings/json-table.ts";
import type { CameraEvent } from "../../sim/phone/camera-owner.ts";
import { callShadow } from "./data-plane-client.ts";
import { LineRig } from "./line-rig.ts";
import { Operator } from "./operator.ts";

const here = dirname(fileURLToPath(import.meta.url));
const manifest = join(here, "firmware/burst/manifest.json");
/** An identity's id is part of each key, and a URL with it. */
const user = "us-east-1:5e0f5b4c-6d2e-4f6a-9a57-3a1c6d3e9f00";
const settings = [
  { telemetryInterval: 30, resolution: "VGA", quality: "high", brightness: 4, contrast: 3, saturation: -3 },
  { telemetryInterval: 60, resolution: "5MP", quality: "default", brightness: -4, contrast: -3, saturation: 3 },
];
const more = [
  { exposureCompensation: 3, whiteBalance: "cloudy", effect: "green", rotation: 180, sharpness: 8, unknown: "x" },
  { exposureCompensation: -3, whiteBalance: "auto", effect: "none", rotation: 0, sharpness: 0, unknown: null },
];

let rig: LineRig;
let operator: Operator;
let thingName = "";
const live = { slots: 0, chunkBytes: 0, stack: 0 };

before(async () => {
  rig = await LineRig.open({ resolutions: ["5MP"], firmware: { manifest, module: "probe" } });
  rig.line.onCameraLine = (line) => {
    if (line.startsWith('{"probe"')) Object.assign(live, JSON.parse(line).probe);
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

async function desire(desired: object): Promise<void> {
  const { data, region, rootCA, credentials } = rig.line.cloud;
  const key = JSON.parse(await readFile(credentials, "utf8"));
  const access = { url: data.url, region, rootCA: await readFile(rootCA, "utf8"), credentials: key };
  const { status, body } = await callShadow(access, "POST", thingName, JSON.stringify({ state: { desired } }));
  assert.equal(status, 200, JSON.stringify(body));
}

async function job(jobId: string): Promise<void> {
  const { thingArn = "" } = await operator.iot.send(new DescribeThingCommand({ thingName }));
  const document = JSON.stringify({ operation: "echo", message: "m".repeat(128) });
  await operator.iot.send(new CreateJobCommand({ jobId, targets: [thingArn], document }));
}

/** How the job ended. */
async function ended(jobId: string): Promise<string> {
  for (const deadline = Date.now() + 20_000; ; await delay(100)) {
    const { execution } = await operator.iot.send(new DescribeJobExecutionCommand({ thingName, jobId }));
    const { status = "" } = execution ?? {};
    if (status !== "QUEUED" && status !== "IN_PROGRESS") return status;
    if (Date.now() > deadline) throw new Error(`${jobId} is ${status}`);
  }
}

/** As large as the session takes: 4 KB. */
async function strayGrant(): Promise<void> {
  const grant = { imageId: "another", requestId: "another", url: "", expires: Date.now() + 900_000 };
  grant.url = `https://localhost/${"u".repeat(4090 - JSON.stringify(grant).length - 17)}`;
  await operator.client.publishAsync(`device/${thingName}/uploads/grant`, JSON.stringify(grant), { qos: 1 });
}

/** What everybody may want of the camera in the same moment. Resolves when all commands are answered. */
async function burst(round: number): Promise<void> {
  const url = `https://localhost/${"q".repeat(1800)}`;
  const imageId = "none";
  await Promise.all([
    strayGrant(),
    desire({ ...settings[round % 2], ...more[round % 2] }),
    job(`burst-${round}`),
    ...["GetDeviceInfo", "GetUpload", "TakePhoto", "GetDeviceInfo"].map((type) => operator.ask({ type })),
    operator.ask({ type: "UploadPhoto", imageId, url }),
    rig.owner.deviceInfo(),
  ]);
}

test("a burst while a picture goes up fits a machine that is smaller than the camera's", async () => {
  const { imageId, byteLength } = await rig.owner.takePhoto({ resolution: "5MP" });
  await rig.client.request("camera-upload", { type: "UploadPhoto", imageId });
  let rounds = 0;
  for (; rounds < 4; rounds += 1) await Promise.race([burst(rounds), rig.line.failed]);
  const isResult = (event: CameraEvent) => event.type === "UploadResult" && event.imageId === imageId;
  const result = await rig.owner.waitFor("upload result", isResult, 60_000);
  assert.equal(result.status, "stored", JSON.stringify(result));
  assert.equal(rig.objectOf(imageId).bytes, byteLength);
  for (let round = 0; round < rounds; round += 1) assert.equal(await ended(`burst-${round}`), "SUCCEEDED");
  const { chunkBytesTotal, slotsTotal } = await rig.line.statistics();
  // Live after collections, 200 times a second; what a turn takes in between shows only in that the machine was large enough.
  console.log(JSON.stringify({ live, chunkBytesTotal, slotsTotal }));
  const { creation } = JSON.parse(await readFile(join(here, "../../manifest.json"), "utf8"));
  assert.ok(chunkBytesTotal <= creation.chunk.initial - 2048, `${chunkBytesTotal} bytes`);
  assert.ok(slotsTotal <= creation.heap.initial - 256, `${slotsTotal} slots`);
  assert.ok(live.chunkBytes > 0 && live.chunkBytes < chunkBytesTotal);
});
