import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { AwsRegistrar } from "../../sim/phone/aws.ts";
import { LineRig } from "../e2e/line-rig.ts";
import type { Section } from "./figures.ts";

const run = promisify(execFile);
const rounds = 5;

const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** Wall time of this device's upload, from the command to the result, and of `curl -T` of the same file to the same server. */
export async function uploadSection(): Promise<Section> {
  const title = `Upload on the loopback interface, median of ${rounds}, each beside curl -T of the same file`;
  const hasCurl = await run("curl", ["--version"]).then(
    () => true,
    () => false,
  );
  const rig = await LineRig.open({ resolutions: ["UXGA"] });
  try {
    await rig.provision();
    const rootCA = await readFile(rig.line.cloud.rootCA, "utf8");
    const registrar = new AwsRegistrar({ cloud: rig.line.cloud, rootCA });
    const [ours, curls]: number[][] = [[], []];
    let bytes = 0;
    for (let round = 0; round < rounds; round++) {
      let begun = 0;
      let ended = 0;
      rig.onStep = (step) => {
        if (step === "captured") begun = performance.now();
      };
      rig.line.onCameraLine = (line) => {
        if (line.includes('"type":"UploadResult"')) ended = performance.now();
      };
      const { imageId, byteLength } = await rig.picture({ resolution: "UXGA" });
      bytes = byteLength;
      ours.push(ended - begun);
      if (!hasCurl) continue;
      const { path } = rig.objectOf(imageId);
      const url = await registrar.presignPhoto({ thingName: "curl", imageId });
      const begin = performance.now();
      const ca = rig.line.cloud.rootCA;
      await run("curl", ["--silent", "--show-error", "--fail", "--cacert", ca, "-T", path, url]);
      curls.push(performance.now() - begin);
    }
    const size = `${bytes.toLocaleString("en-US")} bytes`;
    const figures = [
      {
        name: `this device, ${size}`,
        value: median(ours),
        unit: "ms",
        note: "with the signing of the URL and the command over Bluetooth",
      },
    ];
    if (hasCurl)
      figures.push({ name: `curl, ${size}`, value: median(curls), unit: "ms", note: "process start included" });
    return { title, figures };
  } finally {
    await rig.close();
  }
}
