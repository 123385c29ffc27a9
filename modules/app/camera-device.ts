import type { IdentityStore } from "../storage/identity-store";
import type { RecordStore } from "../storage/record-store";
import { CommandError } from "./command-error";
import { CommandSet, countField, type Endpoint, type Message, optionalString, stringField } from "./commands";
import type { ConnectionState } from "./connectivity";
import { EventLog } from "./event-log";
import { checkPair, createRequest } from "./keys";
import type { Label } from "./label";
import type { PhotoUploads } from "./photo-uploads";
import type { Photo, Photographer } from "./photographer";

/** The size of a thumbnail's piece in one answer: with base64 and JSON around it, it fits one 512-byte attribute value. */
const thumbnailPiece = 300;
const pemLimit = 4096;

export interface CameraInformation {
  /** id: 0x81 to 0x87, 0 while no camera has answered. */
  readonly identification: { id: number; model: string };
  readonly resolutions: readonly string[];
}

interface Options {
  label: Label;
  productId: string;
  firmware: string;
  records: RecordStore;
  identities: IdentityStore;
  camera: CameraInformation;
  photographer: Photographer;
  encodeBase64: (bytes: Uint8Array) => string;
  now: () => number;
  onIdentityChanged: () => void;
  /** There is something new to fetch from `camera-event`. */
  onEvent: () => void;
  log: (line: string) => void;
}

/** The camera as its owners see it: what it can be asked, and what it tells. */
export class CameraDevice {
  readonly events: EventLog;
  readonly commands: CommandSet;
  #options: Options;
  #uploads?: PhotoUploads;
  #state: ConnectionState = "unprovisioned";

  constructor(options: Options) {
    this.#options = options;
    this.events = new EventLog({
      capacity: 16,
      now: options.now,
      onEvent: (event) => {
        options.log(JSON.stringify(event));
        options.onEvent();
      },
    });
    this.commands = new CommandSet(this.#table());
  }

  /** Told apart from the constructor because uploads report through this object's events. */
  set uploads(uploads: PhotoUploads) {
    this.#uploads = uploads;
  }

  stateChanged(state: ConnectionState, detail?: object): void {
    this.#state = state;
    this.events.add("CloudState", { state, ...detail });
  }

  /** What a Bluetooth endpoint does with a message. */
  endpoint(name: Endpoint): (message: object) => Promise<object> {
    return (message) => this.commands.execute(message as Message, "bluetooth", name);
  }

  #table() {
    return {
      GetDeviceInfo: { endpoint: "camera-command", overMQTT: true, run: () => this.#deviceInfo() },
      CreateCsr: { endpoint: "camera-cert", overMQTT: false, run: (message: Message) => this.#createCsr(message) },
      RegisterDevice: { endpoint: "camera-cert", overMQTT: false, run: (message: Message) => this.#register(message) },
      TakePhoto: { endpoint: "camera-command", overMQTT: true, run: (message: Message) => this.#takePhoto(message) },
      GetThumbnail: { endpoint: "camera-command", overMQTT: true, run: (message: Message) => this.#thumbnail(message) },
      UploadPhoto: { endpoint: "camera-upload", overMQTT: true, run: (message: Message) => this.#upload(message) },
      GetEvents: { endpoint: "camera-event", overMQTT: false, run: (message: Message) => this.#eventsSince(message) },
    } as const;
  }

  #deviceInfo() {
    const { identities, label, productId, firmware, camera } = this.#options;
    const photo = this.#options.photographer.photo;
    const { id, model } = camera.identification;
    return {
      thingName: identities.current?.thingName ?? null,
      serial: label.serial,
      productId,
      firmware,
      cameraId: id || null,
      cameraModel: id ? model : null,
      resolutions: camera.resolutions,
      state: this.#state,
      photo: photo ? photo.imageId : null,
    };
  }

  #createCsr(message: Message) {
    const thingName = thingNameField(message);
    const { key, csr } = createRequest(thingName);
    this.#options.identities.keepPendingKey(thingName, key);
    return { csr };
  }

  #register(message: Message) {
    const { identities } = this.#options;
    const thingName = thingNameField(message);
    const endpoint = stringField(message, "endpoint", 256);
    const certificate = stringField(message, "certPem", pemLimit);
    const rootCA = optionalString(message, "rootCA", pemLimit);
    const region = optionalString(message, "region", 32);
    const key = optionalString(message, "privKey", pemLimit) ?? identities.pendingKey(thingName);
    if (!key) throw new CommandError("NoKey", `no certificate was requested for ${thingName}, and privKey is missing`);
    checkPair(certificate, key);
    identities.replace({ thingName, endpoint, certificate, key, rootCA, region });
    this.#options.onIdentityChanged();
    return { state: this.#state };
  }

  async #takePhoto(message: Message) {
    if (this.#uploads?.busy) throw new CommandError("Busy", `${this.#uploads.busy} is being uploaded`);
    const resolution = optionalString(message, "resolution", 16);
    const quality = optionalString(message, "quality", 16);
    const photo = await this.#options.photographer.take({ resolution, quality });
    const { imageId } = photo;
    const { byteLength, width, height } = photo.frame;
    this.events.add("PhotoCaptured", { imageId, byteLength, width, height });
    return { imageId, byteLength, width, height };
  }

  #thumbnail(message: Message) {
    const { thumbnail } = this.#photo(message);
    if (!thumbnail) throw new CommandError("NoThumbnail", "this picture has no thumbnail");
    const offset = countField(message, "offset", thumbnail.length);
    const bytes = this.#options.encodeBase64(thumbnail.slice(offset, offset + thumbnailPiece));
    return { imageId: message.imageId, offset, byteLength: thumbnail.length, bytes };
  }

  #upload(message: Message) {
    const photo = this.#photo(message);
    if (!this.#uploads) throw new CommandError("NotReady", "the camera is starting");
    const framing = message.framing ?? "length";
    if (framing !== "length" && framing !== "chunked")
      throw new CommandError("BadField", "framing is length or chunked");
    this.#uploads.start({ url: stringField(message, "url", 4096), headers: headersField(message), framing }, photo);
    return { imageId: photo.imageId, accepted: true };
  }

  #photo(message: Message): Photo {
    const imageId = stringField(message, "imageId", 64);
    const photo = this.#options.photographer.photo;
    if (photo?.imageId !== imageId)
      throw new CommandError("NoSuchPhoto", `${imageId} is not in the camera's memory any more`);
    return photo;
  }

  #eventsSince(message: Message) {
    return this.events.since(countField(message, "since", Number.MAX_SAFE_INTEGER));
  }
}

/** AWS IoT: letters, digits, `:`, `_` and `-`, at most 128 (CreateThing). It is the MQTT client id and part of topics. */
function thingNameField(message: Message): string {
  const thingName = stringField(message, "thingName", 128);
  if (!/^[a-zA-Z0-9:_-]+$/.test(thingName)) throw new CommandError("BadField", "thingName has characters AWS refuses");
  return thingName;
}

function headersField(message: Message): Record<string, string> | undefined {
  const headers = message.headers ?? undefined;
  if (headers === undefined) return undefined;
  if (typeof headers !== "object") throw new CommandError("BadField", "headers is an object of strings");
  for (const [name, value] of Object.entries(headers))
    if (typeof value !== "string" || /[\r\n]/.test(name + value))
      throw new CommandError("BadField", "headers is an object of strings without line breaks");
  return headers as Record<string, string>;
}
