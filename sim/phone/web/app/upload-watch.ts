import { CameraCommands, type UploadProgress } from "../../camera-commands.ts";
import type { LiveCamera } from "../../live-camera.ts";
import { pause } from "../../waiting.ts";

const interval = 1000;

export const isUnderWay = ({ state }: UploadProgress) => state === "waiting" || state === "uploading";
/** The camera has taken it, and nobody has asked for its upload. */
export const isLeft = ({ state, imageId }: UploadProgress) => state === "idle" && imageId !== null;

/**
 * How far the camera's last picture has come, each second as long as it is on its way. For a page that was reloaded in the middle of a
 * picture, and for pictures that the camera takes by itself.
 * @throws CameraError, PhoneCloudError CameraOffline, PhoneError Cancelled
 */
export async function* watchUpload(live: LiveCamera, signal: AbortSignal): AsyncGenerator<UploadProgress> {
  for (;;) {
    const progress = (await live.command({ type: "GetUpload" }, { signal })) as unknown as UploadProgress;
    yield progress;
    if (!isUnderWay(progress)) return;
    await pause(interval, signal);
  }
}

/** Has the camera send a picture that it has; it asks the cloud for the URL. @throws CameraError, PhoneCloudError */
export function sendLeft(live: LiveCamera, { imageId }: UploadProgress, signal: AbortSignal): Promise<void> {
  return CameraCommands.overMQTT(live).upload(String(imageId), undefined, signal);
}
