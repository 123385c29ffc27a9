/** The camera asks the cloud for URLs: the whole line in real processes, and nobody near the camera who could bring one. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { JsonBindingTable } from "../../sim/cloud/bindings/json-table.ts";
import { AwsRegistrar } from "../../sim/phone/aws.ts";
import type { CameraEvent } from "../../sim/phone/camera-owner.ts";
import type { ProcessEvent } from "../../sim/start/json-process.ts";
import { LineRig } from "./line-rig.ts";
import { until } from "./operator.ts";

let rig: LineRig;
let thingName = "";
let bindings: JsonBindingTable;
const cloudEvents: ProcessEvent[] = [];
let onCloudEvent: (event: ProcessEvent) => void = () => {};

before(async () => {
  // Slow enough for the cloud to be killed in between, as fast as a function that starts cold.
  rig = await LineRig.open({ cloudArguments: ["--grant-delay", "700"] });
  const { onCloudEvent: keepObjects } = rig.line;
  rig.line.onCloudEvent = (event) => {
    keepObjects(event);
    cloudEvents.push(event);
    onCloudEvent(event);
  };
  await rig.provision();
  thingName = (await rig.owner.deviceInfo()).thingName as string;
  bindings = new JsonBindingTable(rig.line.cloud.bindings);
});

after(() => rig?.close());

const outcomes = () => cloudEvents.filter(({ event }) => event === "grant");
/** The function tells of a grant after it was given: the camera may be quicker. */
const outcome = (number: number) => until("outcome", () => outcomes()[number]);

/** Takes a picture and has it uploaded. Resolves with the camera's word on how it ended. */
async function upload(fields: object = {}): Promise<{ imageId: string; byteLength: number; result: CameraEvent }> {
  const { imageId, byteLength } = await rig.owner.takePhoto({ resolution: "QVGA" });
  const answer = await rig.client.request("camera-upload", { type: "UploadPhoto", imageId, ...fields });
  assert.equal((answer as { accepted?: boolean }).accepted, true);
  const isResult = (event: CameraEvent) => event.type === "UploadResult" && event.imageId === imageId;
  return { imageId, byteLength, result: await rig.owner.waitFor("upload result", isResult, 90_000) };
}

async function checkStored({ imageId, byteLength, result }: Awaited<ReturnType<typeof upload>>): Promise<void> {
  assert.equal(result.status, "stored", JSON.stringify(result));
  assert.equal(result.verified, true);
  const { key, path } = rig.objectOf(imageId);
  assert.equal(key, `users/alice/${thingName}/${imageId}.jpg`);
  assert.equal((await readFile(path)).length, byteLength);
}

test("a camera that nobody has bound is refused, by name, and says so", async () => {
  const number = outcomes().length;
  const { imageId, result } = await upload();
  assert.deepEqual([result.status, result.code, result.frameIntact], ["needURL", "GrantRefused", true]);
  assert.equal(result.message, `NotBound: ${thingName} is bound to no user`);
  assert.deepEqual(await outcome(number), {
    event: "grant",
    thing: thingName,
    imageId,
    status: "refused",
    code: "NotBound",
  });
});

test("UploadPhoto without a URL stores the picture", async () => {
  await bindings.put({ thing: thingName, user: "alice" });
  const number = outcomes().length;
  await checkStored(await upload());
  assert.equal((await outcome(number)).user, "alice");
});

test("a URL that has expired is replaced by a grant", async () => {
  const { imageId, byteLength } = await rig.owner.takePhoto({ resolution: "QVGA" });
  const rootCA = await readFile(rig.line.cloud.rootCA, "utf8");
  const registrar = new AwsRegistrar({ cloud: rig.line.cloud, rootCA });
  const url = await registrar.presignPhoto({ thingName, imageId, expiresIn: 1 });
  await delay(2000);
  const before = outcomes().length;
  await rig.client.request("camera-upload", { type: "UploadPhoto", imageId, url });
  const isResult = (event: CameraEvent) => event.type === "UploadResult" && event.imageId === imageId;
  const result = await rig.owner.waitFor("upload result", isResult, 60_000);
  await checkStored({ imageId, byteLength, result });
  assert.equal((await outcome(before)).imageId, imageId);
});

test("the cloud is killed between request and grant: the camera asks again", { timeout: 120_000 }, async () => {
  const before = outcomes().length;
  let restarted: Promise<void> | undefined;
  onCloudEvent = ({ event, topic }) => {
    if (restarted || event !== "publish" || topic !== `device/${thingName}/uploads/request`) return;
    assert.equal(outcomes().length, before, "no grant was given before");
    restarted = rig.line.stopCloud("SIGKILL").then(() => rig.line.startCloud());
  };
  const uploaded = await upload();
  assert.ok(restarted, "the cloud was killed");
  await restarted;
  await checkStored(uploaded);
  // A request that was not acknowledged is sent again by the session as well: the second grant is ignored.
  await outcome(before);
});

test("no URL and no secret shows up in what cloud and camera say", () => {
  const said = JSON.stringify(cloudEvents);
  assert.ok(outcomes().length >= 4);
  assert.doesNotMatch(said, /X-Amz-Signature/);
});
