/** JPEGs of the virtual sensor (tests/pictures.ts): when a picture is whole, and the name of each failure. */
import type { CameraError, CameraErrorCode } from "../../../modules/camera/camera-error";
import type { Frame } from "../../../modules/camera/frame";
import { StillCamera } from "../../../modules/camera/still-camera";
import { after, assert, equal, rejects, test, throws } from "../harness";

const whole = { resolution: "96x96" };
const cut = { resolution: "128x128" };

async function started(): Promise<StillCamera> {
  const camera = new StillCamera({ settle: 0, discard: 0 });
  after(() => camera.close());
  await camera.start();
  return camera;
}

/** Reads until so many bytes are left. */
function readAllBut(frame: Frame, left: number): void {
  while (frame.position < frame.byteLength - left)
    frame.read(new ArrayBuffer(Math.min(1000, frame.byteLength - left - frame.position)));
}

test("a whole picture is complete behind its last byte, and no longer than it is in the camera", async () => {
  const camera = await started();
  const frame = await camera.takeStill(whole);
  equal([frame.width, frame.height, camera.imageType], [96, 96, "jpeg"]);
  equal(frame.complete, undefined);
  frame.mustBeComplete = true;
  readAllBut(frame, 1);
  equal(frame.complete, undefined);
  equal(camera.complete, undefined);
  equal(frame.read(new ArrayBuffer(10)), 1);
  equal(frame.complete, true);
  equal(camera.complete, true);
  equal(frame.read(new ArrayBuffer(10)), 0);
  await camera.takeStill(whole);
  equal(frame.complete, undefined);
});

test("a picture that is cut is given out with a mark, or its last bytes are not where it has to be complete", async () => {
  const camera = await started();
  const frame = await camera.takeStill(cut);
  readAllBut(frame, 0);
  equal(frame.position, frame.byteLength);
  equal(frame.complete, false);
  equal(camera.complete, false);
  const other = await camera.takeStill(cut);
  equal(other.mustBeComplete, false);
  other.mustBeComplete = true;
  readAllBut(other, 1);
  equal(throws(() => other.read(new ArrayBuffer(10)), "IncompleteFrame").name, "CameraError");
});

test("a frame ends with the next capture, a start, a stop and the camera", async () => {
  const camera = await started();
  const ends: Record<string, () => unknown> = {
    capture: () => camera.takeStill(whole),
    start: () => camera.start(),
    stop: () => camera.stop(),
  };
  for (const [name, end] of Object.entries(ends)) {
    const frame = await camera.takeStill(whole);
    await end();
    for (const use of [() => frame.read(new ArrayBuffer(1)), () => frame.rewind(), () => frame.position])
      throws(use, "StaleFrame");
    equal(frame.complete, undefined, name);
    assert(frame.byteLength > 0, "what it was is still known");
  }
});

const failures: [resolution: string, code: CameraErrorCode, message: RegExp][] = [
  ["320x320", "DarkFrame", /^the camera delivered one value over and over$/],
  ["VGA", "BadFrame", /^the picture does not begin like a JPEG$/],
  ["HD", "AbsurdLength", /^the camera reports a length that no picture has \(4194305 bytes\)$/],
];

for (const [resolution, code, message] of failures)
  test(`${code}, and the next picture is good`, async () => {
    const camera = await started();
    const error = (await rejects(() => camera.takeStill({ resolution }), message)) as CameraError;
    equal([error.name, error.code], ["CameraError", code]);
    throws(() => camera.read(new ArrayBuffer(1)), "NoFrame");
    const frame = await camera.takeStill(whole);
    readAllBut(frame, 0);
    equal(frame.complete, true);
  });
