import { ArducamMega } from "../../../modules/camera/arducam-mega";
import { CameraError } from "../../../modules/camera/camera-error";
import type { Frame } from "../../../modules/camera/frame";
import { StillCamera } from "../../../modules/camera/still-camera";
import { assert, equal, rejects, test, throws } from "../harness";

/**
 * The driver in C on the virtual sensor, as the firmware uses it. Raw pictures, because the virtual sensor makes those itself;
 * JPEGs, other sensors and faults are in tests/e2e/camera.test.ts, where each needs another environment.
 */
const raw = { imageType: "rgb565be", resolution: "QVGA" } as const;
const byteLength = 320 * 240 * 2;

/** Reads to the end and compares with the pattern of the virtual sensor. */
function checkPattern(frame: Frame, buffer: ArrayBuffer | Uint8Array, from = 0): void {
  const view = new Uint8Array(buffer instanceof ArrayBuffer ? buffer : buffer.buffer);
  let at = from;
  for (let count = frame.read(buffer); count > 0; count = frame.read(buffer)) {
    for (let i = 0; i < count; i += 61)
      equal(view[i], ((at + i) * 7 + Math.floor((at + i) / 640)) & 255, `byte ${at + i}`);
    at += count;
  }
  equal(at, byteLength);
}

/** With the raw format from the beginning: the captures that are thrown away are raw too. */
async function started(options: { settle: number; discard?: number }): Promise<StillCamera> {
  const camera = new StillCamera(options);
  camera.configure(raw);
  await camera.start();
  return camera;
}

test("a picture, read to its end", async () => {
  const camera = await started({ settle: 50 });
  const { id, model, year } = camera.identification;
  equal(id, 0x81);
  equal(year, 2023);
  assert(model.includes("5MP"), model);
  equal(camera.resolutions.join(" "), "96x96 128x128 QVGA 320x320 VGA HD UXGA FHD 5MP");
  const frame = await camera.takeStill(raw);
  equal(frame.byteLength, byteLength);
  equal(frame.width, 320);
  equal(frame.height, 240);
  equal(frame.position, 0);
  checkPattern(frame, new ArrayBuffer(3000));
  equal(frame.position, byteLength);
  equal(frame.complete, undefined); // raw pictures have no end marker
  equal(frame.read(new ArrayBuffer(10)), 0);
  assert(camera.statistics.bytes > byteLength, "bytes on the bus");
  camera.close();
});

test("a frame is gone with the next capture, and rewinds only where the camera can", async () => {
  const camera = await started({ settle: 0, discard: 1 });
  const first = await camera.takeStill(raw);
  const buffer = new Uint8Array(2048);
  equal(first.read(buffer.subarray(100, 110)), 10);
  for (let i = 0; i < 120; i++) equal(buffer[i], i >= 100 && i < 110 ? (i - 100) * 7 : 0, `byte ${i} of the buffer`);
  equal(first.rewindable, camera.rewindable);
  equal(first.rewind(), camera.rewindable === true);
  const second = await camera.takeStill(raw);
  throws(() => first.read(buffer), "StaleFrame");
  throws(() => first.rewind(), "StaleFrame");
  checkPattern(second, buffer);
  camera.close();
  throws(() => second.read(buffer), CameraError);
});

test("one thing at a time, and nothing before the start or after the end", async () => {
  const camera = new StillCamera({ settle: 0, discard: 0 });
  await rejects(() => camera.takeStill(raw), "NotStarted");
  const starting = camera.start();
  await rejects(() => camera.takeStill(raw), "Busy");
  await starting;
  const taking = camera.takeStill(raw);
  await rejects(() => camera.takeStill(raw), "Busy");
  await taking;
  const stopped = camera.takeStill(raw);
  camera.stop();
  await rejects(() => stopped, "NotStarted");
  await camera.start();
  const last = camera.takeStill(raw);
  camera.close();
  await rejects(() => last, "Closed");
  await rejects(() => camera.takeStill(raw), "Closed");
  camera.close();
});

test("settings that this model has not are refused, and the camera goes on", async () => {
  const camera = await started({ settle: 0, discard: 0 });
  await rejects(() => camera.takeStill({ resolution: "QXGA" }), RangeError);
  await rejects(() => camera.takeStill({ resolution: "800x600" }), RangeError);
  await rejects(() => camera.takeStill({ sharpness: 3 }), RangeError);
  throws(() => camera.configure({ freezeExposure: true }), RangeError);
  camera.configure({ brightness: 2, contrast: -1, effect: "sepia", rotation: 180 });
  checkPattern(await camera.takeStill(raw), new ArrayBuffer(4096));
  camera.configure({ lowPower: true });
  await rejects(() => camera.takeStill(raw), "LowPower");
  camera.configure({ lowPower: false });
  const taking = camera.takeStill(raw);
  camera.configure({ lowPower: true });
  await rejects(taking, "LowPower");
  camera.configure({ lowPower: false });
  await camera.takeStill(raw);
  camera.close();
});

test("the callbacks of the image input pattern", async () => {
  const events: string[] = [];
  await new Promise<void>((resolve, reject) => {
    const camera = new ArducamMega({
      settle: 0,
      discard: 0,
      onReady() {
        events.push("ready");
        camera.configure(raw);
        camera.capture();
        try {
          camera.capture();
        } catch (error) {
          events.push((error as CameraError).code);
        }
        throw new Error("a callback's own error does not end the machine");
      },
      onReadable(count) {
        events.push(`readable ${count}`);
        equal(camera.read(new ArrayBuffer(100)), 100);
        equal(camera.position, 100);
        camera.stop();
        throws(() => camera.read(new ArrayBuffer(100)), "NoFrame");
        camera.close();
        camera.close();
        throws(() => camera.width, "Closed");
        resolve();
      },
      onError: reject,
    });
    throws(() => camera.capture(), "NotStarted");
    throws(() => camera.read(new ArrayBuffer(1)), "NoFrame");
    equal(camera.rewindable, undefined);
    equal(camera.resolutions.length, 14);
    camera.start();
  });
  equal(events.join(), `ready,Busy,readable ${byteLength}`);
});
