import { CameraDevice, type CameraDeviceHost } from "../../../modules/app/camera-device";
import { CommandError } from "../../../modules/app/command-error";
import type { Photo } from "../../../modules/app/photographer";
import { CameraError } from "../../../modules/camera/camera-error";
import { equal, rejects, test } from "../harness";

/** A device whose camera does what the test wants. */
function deviceWith(takeStill: () => Promise<never>): CameraDevice {
  const host = { camera: { resolutions: ["VGA"], takeStill }, events: { add() {} } };
  return new CameraDevice(host as unknown as CameraDeviceHost);
}

test("pictures that the camera does not take are counted, on command and on schedule", async () => {
  const device = deviceWith(() => Promise.reject(new CameraError("CaptureTimeout")));
  const answer = (await device.execute({ type: "TakePhoto" }, "mqtt")) as { error?: { code: string } };
  equal(answer.error?.code, "CaptureTimeout");
  await rejects(device.takeScheduled(1), "CaptureTimeout");
  equal(device.cameraFailed, 2);
});

test("a refusal is no failure of the camera", async () => {
  const device = deviceWith(() => Promise.reject(new CommandError("Busy", "a picture is being taken")));
  await device.execute({ type: "TakePhoto" }, "mqtt");
  await device.execute({ type: "TakePhoto", resolution: "8K" }, "mqtt");
  equal(device.cameraFailed, 0);
});

test("a cut picture that the camera does not take again is its failure, too", async () => {
  const device = deviceWith(() => Promise.reject(new CameraError("CaptureTimeout")));
  await rejects(device.retake({ imageId: "i", resolution: "VGA", quality: "low" } as Photo), "CaptureTimeout");
  equal(device.cameraFailed, 1);
});
