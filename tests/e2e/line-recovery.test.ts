import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { LineRig } from "./line-rig.ts";

const steps = ["connected", "session", "wifi", "registered", "online", "captured", "uploading", "stored"];

/** Takes a part away without warning, and brings it back. */
const accidents: Record<string, (rig: LineRig) => Promise<void>> = {
  cloud: async ({ line }) => {
    await line.stopCloud("SIGKILL");
    await line.startCloud();
  },
  radio: async ({ line }) => {
    await line.stopRadio("SIGKILL");
    await line.startRadio();
  },
  phone: (rig) => rig.dropPhone(),
  camera: async ({ line }) => {
    await line.stopCamera("SIGKILL");
    await line.startCamera();
  },
};

for (const [part, happen] of Object.entries(accidents)) {
  test(`the ${part} is killed at any step: everything recovers`, { timeout: 600_000, concurrency: 3 }, async (t) => {
    const recovers = (step: string) =>
      t.test(`after "${step}"`, { timeout: 180_000 }, async () => {
        const rig = await LineRig.open();
        try {
          let happened = false;
          rig.onStep = async (reached) => {
            if (reached !== step || happened) return;
            happened = true;
            await happen(rig);
          };
          const { imageId, byteLength } = await rig.persist();
          assert.ok(happened);
          for (const failure of rig.failures) assert.doesNotMatch(failure, /^\?/, "every failure has a name");
          assert.equal((await readFile(rig.objectOf(imageId).path)).length, byteLength);
          for (const file of await rig.filesInBucket()) {
            assert.match(file, /\.jpg$/, "nothing half is left in the bucket");
            assert.equal((await readFile(file)).length, byteLength, "every object is whole");
          }
        } finally {
          await rig.close();
        }
      });
    await Promise.all(steps.map(recovers));
  });
}
