import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { JsonBindingTable } from "../../sim/cloud/bindings/json-table.ts";
import type { CameraEvent } from "../../sim/phone/camera-owner.ts";
import { LineRig } from "./line-rig.ts";
import { Operator, until } from "./operator.ts";

/** The driver throws its first two captures away, and the third is the thumbnail's. */
const untilPicture = "after=3";
type Way = "url" | "grant";

/** The whole line, with a sensor that has this fault, and somebody who listens to the cloud. */
async function open(t: TestContext, faults: string) {
  const rig = await LineRig.open({ environment: { CAMERA_FAULTS: faults } });
  t.after(() => rig.close());
  await rig.provision();
  const thingName = (await rig.owner.deviceInfo()).thingName as string;
  await new JsonBindingTable(rig.line.cloud.bindings).put({ thing: thingName, user: "alice" });
  const operator = await Operator.connect(rig.line.cloud, thingName);
  t.after(() => operator.close());
  /** Takes a picture and sends it: with a URL of the phone's, or with one that the camera asks the cloud for. */
  const picture = async (way: Way) => {
    const { imageId } = await rig.owner.takePhoto({ resolution: "QVGA" });
    if (way === "url") await rig.owner.upload(imageId, thingName);
    else await operator.ask({ type: "UploadPhoto", imageId });
    const isResult = (event: CameraEvent) => event.type === "UploadResult" && event.imageId === imageId;
    const result = await rig.owner.waitFor("upload result", isResult, 60_000);
    assert.equal(result.status, "stored", `${result.code}: ${result.message}`);
    const { complete } = await operator.ask({ type: "GetUpload", imageId });
    const announcement = await until("announcement", () =>
      operator.heard.photos.find((photo) => photo.imageId === imageId),
    );
    assert.deepEqual([announcement.complete, complete], [result.complete, result.complete]);
    return { result, announcement, bytes: await readFile(rig.objectOf(imageId).path) };
  };
  const counters = async () => {
    const { retaken, incomplete, uploaded, failed } = await operator.ask({ type: "GetTelemetry" });
    return { retaken, incomplete, uploaded, failed };
  };
  return { rig, picture, counters };
}

for (const way of ["url", "grant"] as const)
  test(`a picture that comes cut is taken again, and the bucket has the whole one alone (${way})`, async (t) => {
    const { rig, picture, counters } = await open(t, `${untilPicture},truncated=1`);
    const { result, announcement, bytes } = await picture(way);
    assert.equal(result.complete, undefined);
    assert.deepEqual(bytes, await readFile(join(rig.directory, "frames/320x240-default/0.jpg")));
    assert.equal(announcement.bytes, bytes.length);
    assert.equal(rig.objects.length, 1);
    assert.equal((await rig.filesInBucket()).length, 1, "nothing is left of the first");
    assert.deepEqual(await counters(), { retaken: 1, incomplete: 0, uploaded: 1, failed: 0 });
  });

test("one that comes cut twice is stored, and everybody is told; the next one is not sent twice for that", async (t) => {
  const { rig, picture, counters } = await open(t, `${untilPicture},truncated=all`);
  const whole = await readFile(join(rig.directory, "frames/320x240-default/0.jpg"));
  for (const way of ["url", "grant"] as const) {
    const { result, bytes } = await picture(way);
    assert.equal(result.complete, false);
    assert.deepEqual(bytes, whole.subarray(0, whole.length / 2));
  }
  assert.deepEqual(await counters(), { retaken: 1, incomplete: 2, uploaded: 2, failed: 0 });
});

test("padding behind the picture is no cut", async (t) => {
  const { picture, counters } = await open(t, "padding=300,padding-byte=0xFF");
  const { result } = await picture("url");
  assert.equal(result.complete, undefined);
  assert.deepEqual(await counters(), { retaken: 0, incomplete: 0, uploaded: 1, failed: 0 });
});
