import { concat, fromBase64 } from "./bytes.ts";
import type { CameraClient, CameraEndpoint } from "./camera-client.ts";
import type { PhotoInfo } from "./camera-owner.ts";
import { CameraError } from "./errors.ts";
import type { JsonObject, LiveCamera } from "./live-camera.ts";
import { photoHeaders } from "./picture-keys.ts";

/** GetUpload's answer: how far a picture has come. */
export interface UploadProgress {
  imageId: string | null;
  /** "idle", "waiting" (for a URL), "uploading", "stored", or why it ended otherwise. */
  state: string;
  /** Bytes. */
  sent: number;
  total: number;
  /** Of a failure. */
  code?: string;
}

type Ask = (
  endpoint: CameraEndpoint,
  message: JsonObject & { type: string },
  signal?: AbortSignal,
) => Promise<JsonObject>;

/** The commands about pictures, over whichever way leads to the camera. @throws CameraError, PhoneError, PhoneCloudError */
export class CameraCommands {
  readonly transport: "bluetooth" | "mqtt";
  #ask: Ask;

  private constructor(transport: "bluetooth" | "mqtt", ask: Ask) {
    this.transport = transport;
    this.#ask = ask;
  }

  static overBluetooth(client: CameraClient): CameraCommands {
    return new CameraCommands("bluetooth", (endpoint, message, signal) =>
      client.request(endpoint, message, { signal }),
    );
  }

  static overMQTT(camera: LiveCamera): CameraCommands {
    return new CameraCommands("mqtt", (_, message, signal) => camera.command(message, { signal }));
  }

  async takePhoto(settings: { resolution?: string; quality?: string }, signal?: AbortSignal): Promise<PhotoInfo> {
    const answer = await this.#ask("camera-command", { type: "TakePhoto", ...settings }, signal);
    const { imageId, byteLength, width, height } = answer as unknown as PhotoInfo;
    return { imageId, byteLength, width, height };
  }

  /** A small JPEG; undefined when the camera has none of this picture. */
  async thumbnail(imageId: string, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    const pieces: Uint8Array[] = [];
    try {
      for (let offset = 0, total = 1; offset < total; offset += pieces.at(-1)!.length) {
        const answer = await this.#ask("camera-command", { type: "GetThumbnail", imageId, offset }, signal);
        const { bytes, byteLength } = answer as unknown as { bytes: string; byteLength: number };
        pieces.push(fromBase64(bytes));
        if (!pieces.at(-1)!.length) break;
        total = byteLength;
      }
    } catch (error) {
      if (error instanceof CameraError && error.code === "NoThumbnail") return undefined;
      throw error;
    }
    return concat(pieces);
  }

  /** @param url without one the camera asks the cloud */
  async upload(imageId: string, url: string | undefined, signal?: AbortSignal): Promise<void> {
    const message = { type: "UploadPhoto", imageId, ...(url === undefined ? {} : { url, headers: photoHeaders }) };
    await this.#ask("camera-upload", message, signal);
  }

  async progress(imageId: string, signal?: AbortSignal): Promise<UploadProgress> {
    return (await this.#ask("camera-upload", { type: "GetUpload", imageId }, signal)) as unknown as UploadProgress;
  }
}
