import { concat, fromBase64 } from "./bytes.ts";
import type { CameraClient, CameraEndpoint } from "./camera-client.ts";
import type { PhotoInfo } from "./camera-owner.ts";
import { CameraError } from "./errors.ts";
import type { JsonObject, LiveCamera } from "./live-camera.ts";
import { boundHeaders } from "./picture-keys.ts";

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
  /** false: it is stored, and cut. */
  complete?: false;
}

/** Bytes; the camera's are below 8 KB. */
const largestThumbnail = 65_536;

/** A small JPEG, piece by piece. @param ask sends GetThumbnail @throws CameraError NoSuchPhoto, NoThumbnail, BadThumbnail; what `ask` throws */
export async function readThumbnail(
  ask: (message: JsonObject & { type: string }) => Promise<JsonObject>,
  imageId: string,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for (let offset = 0; ; ) {
    const answer = await ask({ type: "GetThumbnail", imageId, offset });
    const { bytes, byteLength } = answer as unknown as { bytes: string; byteLength: number };
    const piece = fromBase64(bytes);
    pieces.push(piece);
    offset += piece.length;
    if (!piece.length || offset >= byteLength) return concat(pieces);
    if (offset > largestThumbnail) throw new CameraError("BadThumbnail", `it has more than ${largestThumbnail} bytes`);
  }
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
    try {
      return await readThumbnail((message) => this.#ask("camera-command", message, signal), imageId);
    } catch (error) {
      if (error instanceof CameraError && error.code === "NoThumbnail") return undefined;
      throw error;
    }
  }

  /** @param grant a URL and the length that it was signed for; without one the camera asks the cloud */
  async upload(
    imageId: string,
    grant: { url: string; byteLength: number } | undefined,
    signal?: AbortSignal,
  ): Promise<void> {
    const how = grant && { url: grant.url, headers: boundHeaders(grant.byteLength) };
    await this.#ask("camera-upload", { type: "UploadPhoto", imageId, ...how }, signal);
  }

  async progress(imageId: string, signal?: AbortSignal): Promise<UploadProgress> {
    return (await this.#ask("camera-upload", { type: "GetUpload", imageId }, signal)) as unknown as UploadProgress;
  }
}
