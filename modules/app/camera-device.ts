import { memberOf } from "../json/member-of";
import { textPairs } from "../json/text-pairs";
import type { IdentityStore, IdentitySummary } from "../storage/identity-store";
import type { RecordStore } from "../storage/record-store";
import { type HeaderList, headerBounds } from "../upload/header-list";
import { certificateIdOf } from "./certificate-id";
import { CommandError } from "./command-error";
import {
  type Command,
  countField,
  type Endpoint,
  executeCommand,
  type Message,
  optionalString,
  stringField,
  type Transport,
} from "./commands";
import type { ConnectionState } from "./connectivity";
import type { Enrolling } from "./enrolling";
import type { EventHost, EventLog } from "./event-log";
import { createRequest } from "./keys";
import type { Label } from "./label";
import { ownThingName, proveOwnership } from "./ownership";
import { PhotoUploads, type UploadHost, type UploadProgress } from "./photo-uploads";
import { type Photo, Photographer, type PhotographerHost, type StillCamera } from "./photographer";
import { thingNameField } from "./thing-name-field";

/** The size of a thumbnail's piece in one answer: with base64 and JSON around it, it fits one 512-byte attribute value. */
const thumbnailPiece = 300;
/** X.520: a common name has at most 64 characters, a thing name up to 128. AWS IoT does not look at it in this flow. */
const commonNameLimit = 64;

/** What may be long in an identity, or in a claim, and how long that may be together while a picture goes up: a key, a certificate and a root have 2 to 4 KB. */
const credentialFields: readonly string[] = Object.freeze(["certPem", "privKey", "rootCA"]);
const credentialsBesidePicture = 4096;

export interface CameraInformation {
  /** id: 0x81 to 0x87, 0 while no camera has answered. */
  readonly identification: { id: number; model: string };
  readonly resolutions: readonly string[];
}

export interface CameraDeviceHost extends EventHost, PhotographerHost, UploadHost {
  readonly label: Label;
  readonly productId: string;
  readonly firmware: string;
  readonly records: RecordStore;
  readonly identities: IdentityStore;
  readonly enrolling: Enrolling;
  readonly events: EventLog;
  /** The broker that the session uses: `host` or `host:port`. */
  readonly endpoint: string | undefined;
  readonly camera: StillCamera & CameraInformation;
  encodeBase64(bytes: Uint8Array): string;
  collectTelemetry(): object;
}

/** What the camera can be asked for. The table is the same for all devices: on the chip it lies in flash. */
const commands: Record<string, Command<CameraDevice>> = {
  GetDeviceInfo: { endpoint: "camera-command", overMQTT: true, run: (device) => device.information() },
  CreateCsr: { endpoint: "camera-cert", overMQTT: false, run: (device, message) => device.createCsr(message) },
  RegisterDevice: { endpoint: "camera-cert", overMQTT: false, run: (device, message) => device.register(message) },
  ProveOwnership: { endpoint: "camera-cert", overMQTT: false, run: (device, message) => device.prove(message) },
  ProvisionByClaim: { endpoint: "camera-cert", overMQTT: false, run: (device, message) => device.claim(message) },
  RotateCertificate: {
    endpoint: "camera-cert",
    overMQTT: true,
    isLasting: true,
    run: (device, message) => device.rotate(message),
  },
  GetTelemetry: { endpoint: "camera-command", overMQTT: true, run: (device) => device.telemetry() },
  TakePhoto: {
    endpoint: "camera-command",
    overMQTT: true,
    isLasting: true,
    run: (device, message) => device.takePhoto(message),
  },
  GetThumbnail: { endpoint: "camera-command", overMQTT: true, run: (device, message) => device.thumbnail(message) },
  UploadPhoto: {
    endpoint: "camera-upload",
    overMQTT: true,
    isLasting: true,
    run: (device, message) => device.upload(message),
  },
  GetUpload: { endpoint: "camera-upload", overMQTT: true, run: (device, message) => device.uploadProgress(message) },
  GetEvents: { endpoint: "camera-event", overMQTT: false, run: (device, message) => device.eventsSince(message) },
};

/** The camera as its owners see it: what it can be asked, and what it tells. */
export class CameraDevice {
  readonly uploads: PhotoUploads;
  state: ConnectionState = "unprovisioned";
  /** Pictures that the camera did not take although it was free to. */
  cameraFailed = 0;
  #host: CameraDeviceHost;
  #photographer: Photographer;

  constructor(host: CameraDeviceHost) {
    this.#host = host;
    this.uploads = new PhotoUploads(host);
    this.#photographer = new Photographer(host, this.uploads);
  }

  /** Carries a command out and returns its one answer. Never rejects. */
  execute(message: object, transport: Transport, endpoint?: Endpoint): Promise<object> {
    const { expires = null } = message as Message;
    const now = expires === null ? 0 : this.#host.now();
    return executeCommand(commands, this, message as Message, transport, endpoint, now);
  }

  /** Whether a command changes something, so that it matters whether it is carried out once or twice. */
  isLasting({ type }: Message): boolean {
    return typeof type === "string" && memberOf(commands, type)?.isLasting === true;
  }

  information(): object {
    const { identities, enrolling, label, productId, firmware, camera, endpoint } = this.#host;
    // Before the first one has proven itself, that is who the camera is.
    const identity = identities.summary ?? identities.trialSummary;
    const { id, model } = camera.identification;
    return {
      thingName: identity?.thingName ?? null,
      ownThingName: this.ownThingName,
      certificateId: identity ? this.certificateId(identity) : null,
      applyState: enrolling.applyState,
      applyError: enrolling.error,
      serial: label.serial,
      productId,
      firmware,
      cameraId: id || null,
      cameraModel: id ? model : null,
      resolutions: camera.resolutions,
      state: this.state,
      endpoint: endpoint ?? null,
      photo: this.#photographer.photo?.imageId ?? null,
    };
  }

  /** The report that is published at a steady pace, on demand. */
  telemetry(): object {
    return this.#host.collectTelemetry();
  }

  /** null when the key that it is made of cannot be stored: all else can be asked for. */
  private get ownThingName(): string | null {
    try {
      return ownThingName(this.#host);
    } catch {
      return null;
    }
  }

  /** An identity that the factory wrote may have no summary, in a full storage: then the certificate is read. */
  private certificateId({ certificateId }: IdentitySummary): string | null {
    if (certificateId !== undefined) return certificateId;
    return certificateIdOf(this.#host.identities.certificate ?? "");
  }

  prove(message: Message): object {
    return proveOwnership(this.#host, message);
  }

  createCsr(message: Message): object {
    const thingName = thingNameField(message);
    const { key, csr } = createRequest(thingName.slice(0, commonNameLimit));
    this.#host.identities.keepPendingKey(thingName, key);
    return { csr };
  }

  register(message: Message): object {
    this.checkRoom(message);
    const answer = this.#host.enrolling.register(message);
    return { state: this.state, ...answer };
  }

  claim(message: Message): object {
    this.checkRoom(message);
    return this.#host.enrolling.provisionByClaim(message);
  }

  /** A picture on its way and credentials of the greatest length do not fit into the machine together. @throws CommandError Busy */
  private checkRoom(message: Message): void {
    const { busy } = this.uploads;
    let length = 0;
    for (const name of credentialFields) {
      const value = message[name];
      if (typeof value === "string") length += value.length;
    }
    if (busy && length > credentialsBesidePicture)
      throw new CommandError("Busy", `${busy} is being uploaded, and the credentials have ${length} characters`);
  }

  rotate(message: Message): object {
    return this.#host.enrolling.rotate(message);
  }

  async takePhoto(message: Message): Promise<object> {
    const resolution = optionalString(message, "resolution", 16);
    const quality = optionalString(message, "quality", 16);
    try {
      return this.captured(await this.#photographer.take({ resolution, quality }));
    } catch (error) {
      throw this.notTaken(error);
    }
  }

  private captured({ imageId, frame }: Photo): object {
    const { byteLength, width, height } = frame;
    this.#host.events.add("PhotoCaptured", { imageId, byteLength, width, height });
    return { imageId, byteLength, width, height };
  }

  /** The schedule's picture, and its upload with a URL that the cloud is asked for. @param due when, milliseconds since 1970 */
  async takeScheduled(due: number): Promise<void> {
    let photo: Photo;
    try {
      photo = await this.#photographer.take({}, false);
    } catch (error) {
      throw this.notTaken(error);
    }
    this.captured(photo);
    this.uploads.start(undefined, photo, due);
  }

  /** Another one in the place of a picture that is on its way and turned out to be cut. */
  async retake(photo: Photo): Promise<void> {
    try {
      await this.#photographer.retake(photo);
    } catch (error) {
      throw this.notTaken(error);
    }
    const { imageId, frame } = photo;
    const { byteLength, width, height } = frame;
    this.#host.events.add("PhotoRetaken", { imageId, byteLength, width, height });
  }

  /** @returns the error. A refusal is no failure. */
  private notTaken(error: unknown): unknown {
    if (!(error instanceof CommandError)) this.cameraFailed += 1;
    return error;
  }

  thumbnail(message: Message): object {
    const { thumbnail } = this.photo(message);
    if (!thumbnail) throw new CommandError("NoThumbnail", "this picture has no thumbnail");
    const offset = countField(message, "offset", thumbnail.length);
    const bytes = this.#host.encodeBase64(thumbnail.slice(offset, offset + thumbnailPiece));
    return { imageId: message.imageId, offset, byteLength: thumbnail.length, bytes };
  }

  /** Without `url` the cloud is asked for one, which brings headers and framing along. */
  upload(message: Message): object {
    const photo = this.photo(message);
    const url = optionalString(message, "url", 4096);
    const framing = message.framing ?? "length";
    if (framing !== "length" && framing !== "chunked")
      throw new CommandError("BadField", "framing is length or chunked");
    this.uploads.start(url === undefined ? undefined : { url, headers: headersField(message), framing }, photo);
    return { imageId: photo.imageId, accepted: true };
  }

  /** Without `imageId`: of the picture that is on its way, or else of the last one that was taken. */
  uploadProgress(message: Message): UploadProgress {
    const { uploads } = this;
    const { photo } = this.#photographer;
    const imageId = optionalString(message, "imageId", 64) ?? uploads.busy ?? photo?.imageId ?? null;
    const progress = uploads.progress(imageId ?? undefined);
    if (progress) return progress;
    if (imageId !== null) this.photo({ imageId });
    return { imageId, state: "idle", sent: 0, total: photo?.frame.byteLength ?? 0 };
  }

  private photo(message: Message): Photo {
    const imageId = stringField(message, "imageId", 64);
    const photo = this.#photographer.photo;
    if (photo?.imageId !== imageId)
      throw new CommandError("NoSuchPhoto", `${imageId} is not in the camera's memory any more`);
    return photo;
  }

  eventsSince(message: Message): object {
    return this.#host.events.since(countField(message, "since", Number.MAX_SAFE_INTEGER));
  }
}

function headersField(message: Message): HeaderList | undefined {
  const headers = message.headers ?? undefined;
  if (headers === undefined) return undefined;
  try {
    return textPairs(headers, "headers", headerBounds);
  } catch (error) {
    throw new CommandError("BadField", (error as Error).message);
  }
}
