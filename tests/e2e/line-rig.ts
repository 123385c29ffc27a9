import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { preparePhotos, type Quality } from "../../sim/camera/photos.ts";
import { AwsRegistrar } from "../../sim/phone/aws.ts";
import { CameraClient } from "../../sim/phone/camera-client.ts";
import { type CameraEvent, CameraOwner, type PhotoInfo } from "../../sim/phone/camera-owner.ts";
import { PhoneError } from "../../sim/phone/errors.ts";
import { RadioCentral } from "../../sim/phone/radio-central.ts";
import type { ProcessEvent } from "../../sim/start/json-process.ts";
import { Line, type LineOptions, network } from "../../sim/start/processes.ts";

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";

const silent = { step() {}, progress() {}, note() {} };

export interface RigOptions extends Partial<LineOptions> {
  resolutions?: string[];
  qualities?: Quality[];
  pictures?: number;
}

/** What the bucket said of an object. */
export interface StoredObject extends ProcessEvent {
  bucket: string;
  key: string;
  bytes: number;
  etag: string;
  path: string;
}

export const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

/**
 * The whole line in real processes, and a person with a phone who does not give up: what fails is noted, and done again.
 */
export class LineRig {
  readonly line: Line;
  readonly directory: string;
  readonly objects: StoredObject[] = [];
  /** Pictures that the bucket did not take once more, since they were there (412). */
  readonly refused = new Set<string>();
  /** Names of the failures that the person met. */
  readonly failures: string[] = [];
  /** Steps that were reached, for tests that want to be in the middle of something. */
  onStep: (step: string) => void | Promise<void> = () => {};
  #failed = false;
  #client?: CameraClient;
  #owner?: CameraOwner;

  private constructor(line: Line, directory: string) {
    this.line = line;
    this.directory = directory;
    line.failed.catch(() => {
      this.#failed = true;
    });
    line.onCloudEvent = (event) => {
      if (event.event === "object") this.objects.push(event as StoredObject);
      if (event.event === "request" && event.status === 412) this.refused.add(basename(String(event.key), ".jpg"));
    };
  }

  static async open(options: RigOptions = {}): Promise<LineRig> {
    const { resolutions = ["QVGA"], qualities = ["default"], pictures = 1, sensor = 0x81, ...rest } = options;
    const directory = await mkdtemp(join(tmpdir(), "devicelink-line-"));
    const frames = options.frames ?? join(directory, "frames");
    if (!options.frames) await prepareFrames(frames, { resolutions, qualities, pictures, sensor });
    const out = join(directory, "out");
    const line = await Line.start({ directory, frames, out, sensor, timeline: silent, ...rest });
    return new LineRig(line, directory);
  }

  get owner(): CameraOwner {
    if (!this.#owner) throw new PhoneError("NotConnected", "the phone is gone");
    return this.#owner;
  }

  get client(): CameraClient {
    if (!this.#client) throw new PhoneError("NotConnected", "the phone is gone");
    return this.#client;
  }

  /** Who registers cameras as the account's administrator. */
  get registrar(): AwsRegistrar {
    return new AwsRegistrar({ cloud: this.line.cloud, rootCA: this.rootCA });
  }

  /** PEM. */
  get rootCA(): string {
    return readFileSync(this.line.cloud.rootCA, "utf8");
  }

  /** From wherever things stand to a camera that is online. */
  provision(): Promise<void> {
    return Promise.race([this.#provision(), this.line.failed]);
  }

  /** Takes a picture and waits until it is stored and announced. Throws what the camera calls the failure. */
  picture(settings: { resolution?: string; quality?: string } = { resolution: "QVGA" }): Promise<PhotoInfo> {
    return Promise.race([this.#picture(settings), this.line.failed]);
  }

  async #provision(): Promise<void> {
    const { name, pop } = await this.line.label;
    if (!this.#client?.connected) {
      await this.#client?.close().catch(() => {});
      this.#client = await new CameraClient(await RadioCentral.open({ port: this.line.radioPort }));
      await this.#client.connect(name);
      await this.onStep("connected");
    }
    if (!this.client.hasSession) await this.client.openSession(pop);
    await this.onStep("session");
    this.#owner = new CameraOwner({ client: this.client, rootCA: this.rootCA, registrar: this.registrar });
    const info = await this.owner.deviceInfo();
    const { state } = await this.client.wifiStatus();
    if (state !== "connected") {
      await this.client.configureWiFi(network);
      await this.client.waitForWiFi();
    }
    await this.onStep("wifi");
    if (!info.thingName) await this.owner.register(CameraOwner.thingNameOf(info));
    await this.onStep("registered");
    await this.untilOnline();
    await this.onStep("online");
  }

  /** @param name of the thing that it has to be; without it, any */
  async untilOnline(name?: string, limit = 30_000): Promise<void> {
    for (const deadline = Date.now() + limit; ; await delay(100)) {
      const { state, thingName } = await this.owner.deviceInfo();
      if (state === "online" && (name === undefined || name === thingName)) return;
      if (Date.now() > deadline) throw new Error(`not online after ${limit / 1000} s, but ${state}`);
    }
  }

  async #picture(settings: { resolution?: string; quality?: string }): Promise<PhotoInfo> {
    const photo = await this.owner.takePhoto(settings);
    await this.onStep("captured");
    const { thingName } = await this.owner.deviceInfo();
    await this.owner.upload(photo.imageId, thingName as string);
    await this.onStep("uploading");
    const of = (type: string) => (event: CameraEvent) => event.type === type && event.imageId === photo.imageId;
    const result = await this.owner.waitFor("upload result", of("UploadResult"), 60_000);
    if (result.status !== "stored") throw Object.assign(new Error(`${result.message}`), { code: result.code });
    await this.onStep("stored");
    await this.owner.waitFor("announcement", of("PhotoAnnounced"), 60_000);
    return photo;
  }

  /** Does it all, again and again until it works; gives up after `limit` milliseconds. */
  async persist(limit = 90_000): Promise<PhotoInfo> {
    for (const deadline = Date.now() + limit; ; await delay(300)) {
      try {
        await this.provision();
        return await this.picture();
      } catch (error) {
        if (this.#failed) throw error;
        const { code, message } = error as Error & { code?: string };
        this.failures.push(`${code ?? "?"}: ${message}`);
        if (Date.now() > deadline) throw new Error(`gave up after: ${this.failures.join("; ")}`);
      }
    }
  }

  /** The person's phone is gone, without a word to anybody. */
  async dropPhone(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    this.#owner = undefined;
    await client?.close().catch(() => {});
  }

  objectOf(imageId: string): StoredObject {
    const object = this.objects.find(({ key }) => key.includes(imageId));
    if (!object) throw new Error(`the bucket did not report ${imageId}`);
    return object;
  }

  /** Every file that the store keeps, partial ones included, without its records of the objects. */
  async filesInBucket(): Promise<string[]> {
    const entries = await readdir(join(this.directory, "out"), { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    return files.filter((file) => !file.includes("/.s3/records/"));
  }

  async close(): Promise<void> {
    await this.#client?.close().catch(() => {});
    await this.line.stop();
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** Pictures for the virtual camera, with those that it throws away and those of the thumbnails. */
export async function prepareFrames(
  directory: string,
  what: { resolutions: string[]; qualities: Quality[]; pictures?: number; sensor?: number; source?: string },
): Promise<void> {
  const { resolutions, qualities, pictures: count = 1, sensor, source } = what;
  await preparePhotos({ directory, source, resolutions: ["VGA"], qualities: ["default"], count, sensor });
  await preparePhotos({ directory, source, resolutions: ["128x128"], qualities: ["low"], count, sensor });
  await preparePhotos({ directory, source, resolutions, qualities, count, sensor });
}
