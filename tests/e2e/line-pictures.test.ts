import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { dimensions } from "../../sim/camera/photos.ts";
import { LineRig, prepareFrames, sha256 } from "./line-rig.ts";

const qualities = ["high", "default", "low"] as const;
const sensors = [0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87];

let frames = "";
before(async () => {
  frames = await mkdtemp(join(tmpdir(), "devicelink-frames-"));
  await prepareFrames(frames, { resolutions: Object.keys(dimensions), qualities: [...qualities] });
  await prepareFrames(frames, { resolutions: ["5MP"], qualities: [...qualities], sensor: 0x83 });
});
after(() => rm(frames, { recursive: true, force: true }));

/** The stored object is byte for byte what the sensor delivered: the file that the virtual camera had for that size and quality. */
async function checkAll(sensor: number): Promise<number> {
  const rig = await LineRig.open({ sensor, frames });
  try {
    await rig.provision();
    const { resolutions } = (await rig.owner.deviceInfo()) as { resolutions: string[] };
    for (const resolution of resolutions)
      for (const quality of qualities) {
        const { imageId, width, height } = await rig.picture({ resolution, quality });
        const expected = await readFile(join(frames, `${width}x${height}-${quality}`, "0.jpg"));
        const object = rig.objectOf(imageId);
        assert.equal(sha256(await readFile(object.path)), sha256(expected), `${resolution} ${quality}`);
        assert.equal(object.bytes, expected.length);
      }
    return resolutions.length;
  } finally {
    await rig.close();
  }
}

// The bus has the chip's pace: they wait more than they work.
describe("every resolution and quality of every sensor arrives byte for byte", { concurrency: 3 }, () => {
  for (const sensor of sensors)
    test(`0x${sensor.toString(16)}`, { timeout: 300_000 }, async () => {
      assert.ok((await checkAll(sensor)) >= 9);
    });
});
