import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Account } from "../phone/account.ts";
import { CameraClient } from "../phone/camera-client.ts";
import type { CloudSettings } from "../phone/cloud-settings.ts";
import { nodeTransport } from "../phone/node-transport.ts";
import { PhoneCloud } from "../phone/phone-cloud.ts";
import { PhotoFlow } from "../phone/photo-flow.ts";
import type { Picture } from "../phone/picture-keys.ts";
import { RadioCentral } from "../phone/radio-central.ts";
import { SetupFlow } from "../phone/setup-flow.ts";
import type { Step } from "../phone/steps.ts";
import { pause } from "../phone/waiting.ts";
import { type Line, network } from "./processes.ts";
import { digits, type Timeline } from "./timeline.ts";
import type { UserAccount } from "./users.ts";

const secondsLimit = { label: 20, online: 60, object: 10 };

/** The object that the bucket reports, from the cloud's process. */
interface StoredObject {
  bucket: string;
  key: string;
  bytes: number;
  etag: string;
  path: string;
}

interface Parts {
  line: Line;
  settings: CloudSettings;
  person: UserAccount;
  /** Of the pictures that are taken. */
  photo: { resolution: string; quality: string };
  timeline: Timeline;
  /** Where pictures of a real bucket are written to. */
  out: string;
}

/** What a person does with a new camera and the app: sign in, set it up, take a picture, find it in the bucket. */
export class Story {
  #parts: Parts;
  #account?: Account;
  #cloud?: PhoneCloud;
  #client?: CameraClient;
  #thingName = "";
  #stored = new Map<string, StoredObject>();

  constructor(parts: Parts) {
    this.#parts = parts;
    parts.line.onCloudEvent = (event) => this.#cloudSays(event);
  }

  /** From a camera in its box to one that is online. Then the link is free for other phones. */
  async provision(): Promise<void> {
    const label = await within(this.#parts.line.label, secondsLimit.label, "the camera did not say its label");
    const cloud = await this.#signIn();
    const client = new CameraClient(await RadioCentral.open({ port: this.#parts.line.radioPort }));
    this.#client = client;
    const { name, pop: proofOfPossession } = label;
    const onlineLimit = secondsLimit.online * 1000;
    const flow = new SetupFlow({ client, cloud, name, proofOfPossession, onlineLimit });
    tell(flow, {
      connect: () =>
        this.#say("connected", "phone", `found ${name} and connected, ${client.maximumWrite}-byte writes`, { name }),
      session: () => this.#say("session", "phone", `secure session open: ${client.securityScheme}`),
      claim: () => this.#sayClaimed(flow),
      register: () => this.#sayRegistered(flow),
      online: () => this.#sayOnline(),
    });
    await this.#joinWiFi(flow, client);
    await flow.run();
    await client.disconnect();
  }

  async #signIn(): Promise<PhoneCloud> {
    const { settings, person } = this.#parts;
    const options = { transport: nodeTransport(settings.endpoints && settings.rootCA) };
    this.#account = await Account.signIn(settings, person, options);
    this.#cloud = new PhoneCloud(this.#account, settings, options);
    await this.#cloud.connect();
    const { username, identityId } = this.#account;
    const text = `signed in to ${settings.name} as ${username}: Cognito, SRP, temporary credentials`;
    this.#say("signed-in", "phone", text, { username, identityId });
    return this.#cloud;
  }

  async #joinWiFi(flow: SetupFlow, client: CameraClient): Promise<void> {
    const networks = await flow.scanWiFi();
    this.#say("scan", "phone", `the camera sees ${networks.map(({ ssid }) => `"${ssid}"`).join(", ")}`);
    flow.chooseNetwork(network);
    await flow.run({ until: "wifi" });
    const { address } = await client.wifiStatus();
    this.#say("wifi", "camera", `joined "${network.ssid}", address ${address}`, { ssid: network.ssid, address });
    const info = flow.info ?? {};
    const model = `${info.cameraModel} (0x${Number(info.cameraId).toString(16)}), firmware ${info.firmware}`;
    this.#say("device-info", "phone", `the camera says: ${model}`, info);
  }

  #sayClaimed({ thingName = "" }: SetupFlow): void {
    this.#thingName = thingName;
    this.#say("claimed", "phone", `thing ${thingName} belongs to ${this.#account?.username} now`, { thingName });
  }

  #sayRegistered({ thingName, certificateArn }: SetupFlow): void {
    const text = `thing ${thingName} with a certificate for the camera's own key`;
    this.#say("registered", "phone", text, { thingName, certificateArn });
  }

  #sayOnline(): void {
    const thingName = this.#thingName;
    this.#say("online", "camera", "connected to IoT Core: mutual TLS, MQTT 3.1.1", { thingName });
  }

  /** After the camera or the radio was started again: the same phone, the same proof, a new session. */
  async meetAgain(): Promise<void> {
    const client = this.#client!;
    await client.reconnect({ attempts: 8 });
    this.#say("reconnected", "phone", `connected to ${client.name} again`);
    for (const deadline = Date.now() + secondsLimit.online * 1000; ; await pause(250)) {
      const { state } = (await client.request("camera-command", { type: "GetDeviceInfo" })) as { state: string };
      if (state === "online") break;
      if (Date.now() > deadline) throw new Error(`not online after ${secondsLimit.online} s, but ${state}`);
    }
    this.#sayOnline();
    await client.disconnect();
  }

  /** One picture, from the shutter to the announcement: over Bluetooth, or over MQTT when another phone has the camera. */
  async picture(): Promise<void> {
    const client = this.#client!;
    if (!client.hasSession) await client.reconnect({ attempts: 1 }).catch(() => {});
    const flow = new PhotoFlow({ cloud: this.#cloud!, thingName: this.#thingName, client, ...this.#parts.photo });
    tell(flow, {
      take: () => this.#sayCaptured(flow),
      thumbnail: () => this.#sayThumbnail(flow),
      grant: () => this.#sayAccepted(flow),
      announce: () => this.#sayAnnounced(flow),
    });
    if (!this.#isLocal) flow.on("change", ({ progress }) => progress && this.#showProgress(progress));
    const picture = await flow.run();
    await client.disconnect();
    const announce = flow.steps.find(({ name }) => name === "announce");
    if (announce?.advice) throw new Error(announce.advice.what);
    await this.#showObject(picture);
  }

  #sayCaptured({ photo }: PhotoFlow): void {
    if (!photo) return;
    const text = `${photo.width} x ${photo.height} JPEG, ${digits(photo.byteLength)} bytes in the camera's memory`;
    this.#say("captured", "camera", text, { ...photo });
  }

  #sayThumbnail({ thumbnail, transport }: PhotoFlow): void {
    if (!thumbnail) return;
    const way = transport === "bluetooth" ? "Bluetooth" : "MQTT";
    const bytes = thumbnail.length;
    this.#say("thumbnail", "phone", `thumbnail of ${digits(bytes)} bytes over ${way}`, { bytes });
  }

  #sayAccepted({ photo, transport }: PhotoFlow): void {
    const text = transport === "bluetooth" ? "has the presigned URL, uploading" : "asks the cloud for a URL";
    this.#say("accepted", "camera", text, { imageId: photo?.imageId });
  }

  #sayAnnounced({ photo, isCut }: PhotoFlow): void {
    const { imageId } = photo ?? {};
    const where = `announced on device/${this.#thingName}/photos`;
    const text = isCut ? `${where}, as incomplete: the sensor delivered only part of it, twice` : where;
    this.#say("announced", "camera", text, { imageId, ...(isCut && { complete: false }) });
  }

  async #showObject(picture: Picture): Promise<void> {
    const { imageId } = picture;
    const { path, etag } = this.#isLocal ? await this.#localObject(imageId) : await this.#download(picture);
    const content = await readFile(path);
    if (content.length !== picture.bytes) throw new Error(`${path}: ${content.length} bytes of ${picture.bytes}`);
    const sha256 = createHash("sha256").update(content).digest("hex");
    const fields = { path, bytes: content.length, sha256, etag, imageId };
    this.#say("done", "line", `the picture lies at ${path}`, fields);
  }

  /** The cloud's process tells of it, a moment later than the bucket. */
  async #localObject(imageId: string): Promise<StoredObject> {
    for (const deadline = Date.now() + secondsLimit.object * 1000; ; await pause(20)) {
      const object = this.#stored.get(imageId);
      if (object) return object;
      if (Date.now() > deadline) throw new Error(`the bucket does not have ${imageId}`);
    }
  }

  async #download(picture: Picture): Promise<{ path: string; etag: string | undefined }> {
    const { bucket } = this.#parts.settings;
    const { key, bytes, etag, imageId } = picture;
    this.#say("stored", "S3", `stored ${bucket}/${key}, ${digits(bytes)} bytes, ETag ${etag}`, { bucket, key, bytes });
    const content = await this.#cloud!.gallery.get(picture);
    await mkdir(this.#parts.out, { recursive: true });
    const path = join(this.#parts.out, `${imageId}.jpg`);
    await writeFile(path, new Uint8Array(await content.arrayBuffer()));
    return { path, etag };
  }

  get #isLocal(): boolean {
    return this.#parts.line.hasCloud;
  }

  #showProgress({ sent, total }: { sent: number; total: number }): void {
    this.#parts.timeline.progress(sent, total);
  }

  #cloudSays({ event, ...fields }: { event: string; [field: string]: unknown }): void {
    if (event === "progress") this.#showProgress({ sent: fields.received as number, total: fields.total as number });
    if (event !== "object") return;
    const object = fields as unknown as StoredObject;
    const imageId = object.key.replace(/^.*\//, "").replace(/\.jpg$/, "");
    this.#stored.set(imageId, object);
    const text = `stored ${object.bucket}/${object.key}, ${digits(object.bytes)} bytes, ETag ${object.etag}`;
    this.#say("stored", "S3", text, fields);
  }

  #say(event: string, who: string, text: string, fields?: Record<string, unknown>): void {
    this.#parts.timeline.step({ event, who, text, fields });
  }

  async close(): Promise<void> {
    await this.#client?.close();
    await this.#cloud?.close();
    // The refresh token would be good for weeks, and nobody has it any more.
    await this.#account?.signOut();
  }
}

interface Flow<Name extends string> {
  readonly steps: readonly Step<Name>[];
  on(type: "change", listener: () => void): () => void;
}

/** Calls what belongs to a step once, when it is done. */
function tell<Name extends string>(flow: Flow<Name>, listeners: { [Step in NoInfer<Name>]?: () => void }): void {
  const told = new Set<Name>();
  flow.on("change", () => {
    for (const { name, state } of flow.steps) {
      if (state !== "done" || told.has(name)) continue;
      told.add(name);
      listeners[name]?.();
    }
  });
}

async function within<T>(promise: Promise<T>, seconds: number, otherwise: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${otherwise} within ${seconds} s`)), seconds * 1000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
