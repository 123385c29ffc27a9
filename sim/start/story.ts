import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { AwsRegistrar } from "../phone/aws.ts";
import { CameraClient } from "../phone/camera-client.ts";
import { type CameraEvent, CameraOwner } from "../phone/camera-owner.ts";
import { RadioCentral } from "../phone/radio-central.ts";
import { type Line, network } from "./processes.ts";
import { digits, type Timeline } from "./timeline.ts";

const secondsLimit = { label: 20, online: 60, upload: 300, announcement: 60 };

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
  /** Of the pictures that are taken. */
  settings: { resolution: string; quality: string };
  timeline: Timeline;
}

/** What a person does with a new camera and the app: provision it, take a picture, find it in the bucket. */
export class Story {
  #line: Line;
  #settings: { resolution: string; quality: string };
  #timeline: Timeline;
  #client?: CameraClient;
  #owner?: CameraOwner;
  #thingName = "";
  #stored = new Map<string, StoredObject>();

  constructor({ line, settings, timeline }: Parts) {
    this.#line = line;
    this.#settings = settings;
    this.#timeline = timeline;
    line.onCloudEvent = (event) => this.#cloudSays(event);
  }

  /** From a camera in its box to one that is online. */
  async provision(): Promise<void> {
    const label = await within(this.#line.label, secondsLimit.label, "the camera did not say its label");
    const client = await new CameraClient(await RadioCentral.open({ port: this.#line.radioPort }));
    this.#client = client;
    await client.connect(label.name);
    this.#say("connected", "phone", `found ${label.name} and connected, ${client.maximumWrite}-byte writes`, {
      name: label.name,
    });
    await client.openSession(label.pop);
    this.#say("session", "phone", "secure session open: X25519, proof of possession, AES-256-CTR");
    await this.#joinWiFi(client);
    await this.#register(client);
  }

  async #joinWiFi(client: CameraClient): Promise<void> {
    const networks = await client.scanWiFi();
    this.#say("scan", "phone", `the camera sees ${networks.map(({ ssid }) => `"${ssid}"`).join(", ")}`);
    await client.configureWiFi(network);
    const { address } = await client.waitForWiFi();
    this.#say("wifi", "camera", `joined "${network.ssid}", address ${address}`, { ssid: network.ssid, address });
  }

  async #register(client: CameraClient): Promise<void> {
    const { cloud } = this.#line;
    const rootCA = await readFile(cloud.rootCA, "utf8");
    const registrar = new AwsRegistrar({ cloud, rootCA });
    const owner = new CameraOwner({ client, registrar, rootCA });
    this.#owner = owner;
    const info = await owner.deviceInfo();
    this.#thingName = CameraOwner.thingNameFor(info.serial as string);
    const model = `${info.cameraModel} (0x${Number(info.cameraId).toString(16)}), firmware ${info.firmware}`;
    this.#say("device-info", "phone", `the camera says: ${model}`, info);
    const { certificateArn } = await owner.register(this.#thingName);
    this.#say("registered", "phone", `thing ${this.#thingName} with a certificate for the camera's own key`, {
      thingName: this.#thingName,
      certificateArn,
    });
    await this.#untilOnline();
  }

  /** After the camera or the radio was started again: the same phone, the same proof, a new session. */
  async meetAgain(): Promise<void> {
    const client = this.#client!;
    await client.reconnect({ attempts: 8 });
    this.#owner!.forgetEvents();
    this.#say("reconnected", "phone", `connected to ${client.name} again`);
    await this.#untilOnline();
  }

  /** A camera that has been started anew tells of its way to the cloud; one that was online before is so still. */
  async #untilOnline(): Promise<void> {
    const owner = this.#owner!;
    const { state } = await owner.deviceInfo();
    const isOnline = (event: CameraEvent) => event.type === "CloudState" && event.state === "online";
    if (state !== "online") await owner.waitFor("connection to IoT Core", isOnline, secondsLimit.online * 1000);
    this.#say("online", "camera", "connected to IoT Core: mutual TLS, MQTT 3.1.1", { thingName: this.#thingName });
  }

  /** One picture, from the shutter to the announcement. */
  async picture(): Promise<void> {
    const owner = this.#owner!;
    if (!this.#client!.connected) await this.meetAgain();
    const photo = await owner.takePhoto(this.#settings);
    const { imageId, byteLength, width, height } = photo;
    this.#say("captured", "camera", `${width} x ${height} JPEG, ${digits(byteLength)} bytes in the camera's memory`, {
      ...photo,
    });
    const thumbnail = await owner.thumbnail(imageId);
    this.#say("thumbnail", "phone", `thumbnail of ${digits(thumbnail.length)} bytes over Bluetooth`, {
      bytes: thumbnail.length,
    });
    await owner.upload(imageId, this.#thingName);
    this.#say("accepted", "camera", "has the presigned URL, uploading", { imageId });
    const isResult = (event: CameraEvent) => event.type === "UploadResult" && event.imageId === imageId;
    const result = await owner.waitFor("upload result", isResult, secondsLimit.upload * 1000);
    if (result.status !== "stored") throw new Error(`the upload failed: ${result.code}: ${result.message}`);
    const isAnnounced = (event: CameraEvent) => event.type === "PhotoAnnounced" && event.imageId === imageId;
    await owner.waitFor("announcement of the picture", isAnnounced, secondsLimit.announcement * 1000);
    this.#say("announced", "camera", `announced on device/${this.#thingName}/photos`, { imageId });
    await this.#showObject(imageId, byteLength);
  }

  async #showObject(imageId: string, byteLength: number): Promise<void> {
    const object = this.#stored.get(imageId);
    if (!object) throw new Error(`the bucket does not have ${imageId}`);
    const content = await readFile(object.path);
    if (content.length !== byteLength) throw new Error(`${object.path}: ${content.length} bytes of ${byteLength}`);
    const sha256 = createHash("sha256").update(content).digest("hex");
    this.#say("done", "line", `the picture lies at ${object.path}`, {
      path: object.path,
      bytes: content.length,
      sha256,
      etag: object.etag,
      imageId,
    });
  }

  #cloudSays({ event, ...fields }: { event: string; [field: string]: unknown }): void {
    if (event === "progress") this.#timeline.progress(fields.received as number, fields.total as number);
    if (event !== "object") return;
    const object = fields as unknown as StoredObject;
    const imageId = object.key.replace(/^.*\//, "").replace(/\.jpg$/, "");
    this.#stored.set(imageId, object);
    const text = `stored ${object.bucket}/${object.key}, ${digits(object.bytes)} bytes, ETag ${object.etag}`;
    this.#say("stored", "S3", text, fields);
  }

  #say(event: string, who: string, text: string, fields?: Record<string, unknown>): void {
    this.#timeline.step({ event, who, text, fields });
  }

  async close(): Promise<void> {
    await this.#client?.close();
  }
}

async function within<T>(promise: Promise<T>, seconds: number, otherwise: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${otherwise} within ${seconds} s`)), seconds * 1000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
