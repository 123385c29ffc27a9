import type { CameraClient } from "./camera-client.ts";
import { CameraCommands, type UploadProgress } from "./camera-commands.ts";
import type { PhotoInfo } from "./camera-owner.ts";
import { codeOf, FlowError, isLostLink, PhoneCloudError } from "./cloud-errors.ts";
import { Emitter } from "./emitter.ts";
import { CameraError } from "./errors.ts";
import type { PhoneCloud } from "./phone-cloud.ts";
import { type Picture, pictureKey } from "./picture-keys.ts";
import { type Step, StepList } from "./steps.ts";
import { cancellable, checkNotCancelled, pause, within } from "./waiting.ts";

export const photoSteps = ["take", "thumbnail", "grant", "upload", "announce"] as const;
export type PhotoStepName = (typeof photoSteps)[number];
export type PhotoStep = Step<PhotoStepName>;

export interface PhotoOptions {
  cloud: PhoneCloud;
  thingName: string;
  /** Used when it is linked to this camera and has a session; otherwise MQTT. */
  client?: CameraClient;
  resolution?: string;
  quality?: string;
  /** Milliseconds until a picture has to be in the bucket; default 5 min. */
  uploadLimit?: number;
}

export interface PhotoFlowEvents {
  change: PhotoFlow;
}

/** Milliseconds between two questions; over MQTT each one is two messages. */
const pollIntervals = { bluetooth: 300, mqtt: 1000 };
const announcementLimit = 30_000;
/** Questions in a row that may go unanswered while a picture is on its way. */
const patience = 5;
const underWay = ["waiting", "uploading"];

/**
 * One picture from the shutter to the bucket. After a failed upload run() sends the same picture again, as long as the camera has it. With
 * Bluetooth the phone signs the URL; without, the camera asks the cloud for one.
 */
export class PhotoFlow extends Emitter<PhotoFlowEvents> {
  #options: PhotoOptions;
  #steps: StepList<PhotoStepName>;
  #commands?: CameraCommands;
  #photo?: PhotoInfo;
  #thumbnail?: Uint8Array;
  #progress?: { sent: number; total: number };
  #picture?: Picture;
  #isCut = false;
  #isRunning = false;

  constructor(options: PhotoOptions) {
    super();
    this.#options = options;
    this.#steps = new StepList(photoSteps, () => this.emit("change", this));
  }

  get steps(): readonly PhotoStep[] {
    return this.#steps.all;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Which way the commands went, of the last run. */
  get transport(): "bluetooth" | "mqtt" | undefined {
    return this.#commands?.transport;
  }

  /** From step take on. */
  get photo(): PhotoInfo | undefined {
    return this.#photo;
  }

  /** A JPEG of 128 x 128, from step thumbnail on; a camera without one leaves it out. */
  get thumbnail(): Uint8Array | undefined {
    return this.#thumbnail;
  }

  /** Bytes of the upload. */
  get progress(): { sent: number; total: number } | undefined {
    return this.#progress;
  }

  /** The picture in the bucket, from step upload on. */
  get picture(): Picture | undefined {
    return this.#picture;
  }

  /** The camera says that the picture in the bucket is not all of it, from step upload on. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /**
   * Resolves when the picture is in the bucket. That the camera did not announce it is a failed step, but no error.
   * @throws what the failed step threw: CameraError, PhoneError (Cancelled among them), PhoneCloudError, FlowError AlreadyRunning
   */
  async run({ signal }: { signal?: AbortSignal } = {}): Promise<Picture> {
    if (this.#isRunning) throw new FlowError("AlreadyRunning", "the picture is being taken already");
    this.#isRunning = true;
    const { cloud, thingName } = this.#options;
    const live = cloud.live(thingName);
    let stop = () => {};
    const announced = new Promise<void>((resolve) => {
      stop = live.on("photo", ({ imageId }) => imageId === this.#photo?.imageId && resolve());
    });
    try {
      return await this.#run(announced, signal);
    } finally {
      stop();
      this.#isRunning = false;
      this.emit("change", this);
    }
  }

  async #run(announced: Promise<void>, signal: AbortSignal | undefined): Promise<Picture> {
    this.#commands = this.#chooseTransport();
    await this.#take(signal);
    await this.#showThumbnail(signal);
    if (!this.#picture) await this.#send(signal);
    await this.#steps
      .run("announce", async () => {
        const late = () => new PhoneCloudError("NoAnswer", "the camera has not announced the picture");
        await cancellable(within(announcementLimit, announced, late), signal);
        return undefined;
      })
      .catch((error) => {
        if (codeOf(error) === "Cancelled") throw error;
      });
    return this.#picture!;
  }

  #chooseTransport(): CameraCommands {
    const { client, cloud, thingName } = this.#options;
    const live = cloud.live(thingName);
    // Announcements come this way in any case; without it they are missed, not the picture.
    void live.open().catch(() => {});
    return client?.hasSession ? CameraCommands.overBluetooth(client) : CameraCommands.overMQTT(live);
  }

  async #take(signal: AbortSignal | undefined): Promise<void> {
    if (this.#photo) return;
    const { resolution, quality } = this.#options;
    await this.#steps.run("take", async () => {
      this.#photo = await this.#ask((camera) => camera.takePhoto({ resolution, quality }, signal));
      const { width, height, byteLength } = this.#photo;
      return `${width} x ${height}, ${byteLength} bytes`;
    });
  }

  /** A picture without one goes its way all the same. */
  async #showThumbnail(signal: AbortSignal | undefined): Promise<void> {
    if (this.#steps.isDone("thumbnail") || this.#picture) return;
    await this.#steps
      .run("thumbnail", async () => {
        this.#thumbnail = await this.#ask((camera) => camera.thumbnail(this.#imageId, signal));
        return this.#thumbnail ? `${this.#thumbnail.length} bytes` : "none";
      })
      .catch((error) => {
        if (!(error instanceof CameraError)) throw error;
      });
  }

  /** A URL that turns out dead is replaced once. */
  async #send(signal: AbortSignal | undefined): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      await this.#grant(signal);
      try {
        await this.#steps.run("upload", () => this.#follow(signal));
        return;
      } catch (error) {
        const isDeadURL = error instanceof UploadEnded && error.state === "needURL";
        if (!isDeadURL || attempt === 2 || this.transport === "mqtt") throw error;
      }
    }
  }

  /** One that is on its way already, from before a reload or a lost link, is left alone. */
  async #grant(signal: AbortSignal | undefined): Promise<void> {
    await this.#steps.run("grant", () => this.#ask((camera) => this.#startUpload(camera, signal)));
  }

  async #startUpload(camera: CameraCommands, signal: AbortSignal | undefined): Promise<string | undefined> {
    const { cloud, thingName } = this.#options;
    const imageId = this.#imageId;
    // Its length now: a picture that came cut has been taken again.
    const { state, total: byteLength } = await camera.progress(imageId, signal);
    if (underWay.includes(state) || state === "stored") return undefined;
    if (camera.transport === "mqtt") {
      await camera.upload(imageId, undefined, signal);
      return "the camera asks the cloud";
    }
    const url = await cancellable(cloud.presignPhoto({ thingName, imageId, byteLength }), signal);
    await camera.upload(imageId, { url, byteLength }, signal);
    return "signed by this phone";
  }

  async #follow(signal: AbortSignal | undefined): Promise<string> {
    const { cloud, thingName, uploadLimit = 300_000 } = this.#options;
    const key = pictureKey(cloud.account.identityId, thingName, this.#imageId);
    await this.#untilStored(Date.now() + uploadLimit, signal);
    this.#picture = await cloud.gallery.find(key, { signal });
    return `${this.#picture.bytes} bytes`;
  }

  async #untilStored(deadline: number, signal: AbortSignal | undefined): Promise<void> {
    let unanswered = 0;
    for (;;) {
      checkNotCancelled(signal);
      const asked = this.#ask((camera) => camera.progress(this.#imageId, signal));
      const progress = await asked.catch((error) => {
        unanswered += 1;
        const mayPass = error instanceof PhoneCloudError && unanswered < patience;
        if (!mayPass) throw error;
      });
      if (progress) {
        unanswered = 0;
        this.#show(progress);
        this.#isCut = progress.complete === false;
        if (progress.state === "stored") return;
        if (!underWay.includes(progress.state)) throw new UploadEnded(progress);
      }
      if (Date.now() > deadline) throw new PhoneCloudError("UploadFailed", "the upload takes too long");
      await pause(pollIntervals[this.transport ?? "mqtt"], signal);
    }
  }

  #show({ sent, total, state }: UploadProgress): void {
    const shown = state === "stored" ? total : sent;
    if (this.#progress?.sent === shown && this.#progress.total === total) return;
    this.#progress = { sent: shown, total };
    this.#steps.describe("upload", `${shown} of ${total} bytes`);
    this.emit("change", this);
  }

  /** Whoever loses the Bluetooth link goes on over MQTT. */
  async #ask<T>(run: (camera: CameraCommands) => Promise<T>): Promise<T> {
    const camera = this.#commands!;
    try {
      return await run(camera);
    } catch (error) {
      if (camera.transport === "mqtt" || !isLostLink(error)) throw error;
      const { cloud, thingName } = this.#options;
      this.#commands = CameraCommands.overMQTT(cloud.live(thingName));
      return await run(this.#commands);
    }
  }

  get #imageId(): string {
    return this.#photo!.imageId;
  }
}

/** The camera gave an upload up. */
class UploadEnded extends PhoneCloudError {
  readonly state: string;

  constructor({ state, code }: UploadProgress) {
    const known = code === "NoGrant" || code === "GrantRefused" || code === "NoSuchPhoto";
    super(known ? code : "UploadFailed", `the upload ended: ${state}${code ? `, ${code}` : ""}`);
    this.state = state;
  }
}
