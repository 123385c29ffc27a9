import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
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

test("every resolution and quality of every sensor arrives byte for byte", { timeout: 600_000 }, async (t) => {
  const waiting = [...sensors];
  const checkNext = async () => {
    for (let sensor = waiting.shift(); sensor !== undefined; sensor = waiting.shift()) {
      const id = sensor;
      await t.test(`0x${id.toString(16)}`, async () => {
        assert.ok((await checkAll(id)) >= 9);
      });
    }
  };
  await checkNext();
});
