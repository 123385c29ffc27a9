import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IoTClient } from "@aws-sdk/client-iot";
import { S3Client } from "@aws-sdk/client-s3";
import { Account } from "../../sim/phone/account.ts";
import { ActivityLog } from "../../sim/phone/activity.ts";
import { CameraClient } from "../../sim/phone/camera-client.ts";
import type { CloudSettings } from "../../sim/phone/cloud-settings.ts";
import { nodeTransport } from "../../sim/phone/node-transport.ts";
import { PhoneCloud } from "../../sim/phone/phone-cloud.ts";
import { RadioCentral } from "../../sim/phone/radio-central.ts";
import type { TokenStore } from "../../sim/phone/token-store.ts";
import { type CloudAddresses, Line, type LineOptions } from "../../sim/start/processes.ts";
import { simulatorSettings } from "../../sim/start/simulator-settings.ts";
import { makeUser, type UserAccount } from "../../sim/start/users.ts";
import { prepareFrames } from "./line-rig.ts";

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";

const silent = { step() {}, progress() {}, note() {} };

/** A person with a phone: account and cloud. */
export interface Person extends AsyncDisposable {
  account: Account;
  cloud: PhoneCloud;
  activity: ActivityLog;
}

export interface PhoneRigOptions extends Partial<LineOptions> {
  /** Life of temporary credentials. */
  credentialSeconds?: number;
  /** Life of id and access tokens. */
  tokenSeconds?: number;
  /** Without a camera, and without its radio. */
  cloudOnly?: boolean;
  /** How many the camera can take, of QVGA. */
  pictures?: number;
}

/** The real cloud, radio and camera in processes, and as many people with phones as a test wants. */
export class PhoneRig implements AsyncDisposable {
  readonly line: Line;
  readonly directory: string;
  readonly settings: CloudSettings;
  /** What the cloud's process has told. */
  readonly events: { event: string; [field: string]: unknown }[] = [];
  #people = 0;

  private constructor(line: Line, directory: string, settings: CloudSettings) {
    this.line = line;
    this.directory = directory;
    this.settings = settings;
    line.failed.catch(() => {});
    line.onCloudEvent = (event) => this.events.push(event);
  }

  static async open(options: PhoneRigOptions = {}): Promise<PhoneRig> {
    const { credentialSeconds, tokenSeconds, cloudOnly, pictures = 1, ...rest } = options;
    const directory = await mkdtemp(join(tmpdir(), "devicelink-phone-"));
    const frames = join(directory, "frames");
    if (!cloudOnly) await prepareFrames(frames, { resolutions: ["QVGA"], qualities: ["default"], pictures });
    const lives = { "--credential-seconds": credentialSeconds, "--token-seconds": tokenSeconds };
    const cloudArguments = Object.entries(lives).flatMap(([name, value]) => (value ? [name, String(value)] : []));
    const out = join(directory, "out");
    const lineOptions = { directory, frames, out, sensor: 0x81, timeline: silent, cloudArguments, ...rest };
    const line = cloudOnly ? new Line(lineOptions) : await Line.start(lineOptions);
    if (cloudOnly) await line.startCloud();
    return new PhoneRig(line, directory, await simulatorSettings(line.cloud));
  }

  get cloud(): CloudAddresses {
    return this.line.cloud;
  }

  /** A new account. */
  async makeUser(): Promise<UserAccount> {
    this.#people += 1;
    const user = { username: `person${this.#people}`, password: `Correct-Horse-${this.#people}` };
    await makeUser(this.cloud, user);
    return user;
  }

  /** Somebody new with a phone, signed in. */
  async person(options: { user?: UserAccount; store?: TokenStore; settings?: CloudSettings } = {}): Promise<Person> {
    const { store, settings = this.settings } = options;
    const user = options.user ?? (await this.makeUser());
    const activity = new ActivityLog();
    const common = { transport: nodeTransport(), activity };
    const account = await Account.signIn(settings, user, { ...common, store });
    const cloud = new PhoneCloud(account, settings, common);
    return { account, cloud, activity, [Symbol.asyncDispose]: () => cloud.close() };
  }

  /** A phone's Bluetooth. */
  async client({ scanTimeout = 10_000 }: { scanTimeout?: number } = {}): Promise<CameraClient> {
    return new CameraClient(await RadioCentral.open({ port: this.line.radioPort }), { scanTimeout });
  }

  /** What is printed on the camera. */
  async label(): Promise<{ name: string; proofOfPossession: string }> {
    const { name, pop } = await this.line.label;
    return { name, proofOfPossession: pop };
  }

  /** Clients of the account's owner. */
  async administrator(): Promise<{ s3: S3Client; iot: IoTClient }> {
    const credentials = JSON.parse(await readFile(this.cloud.credentials, "utf8"));
    const common = { region: this.cloud.region, credentials, ...nodeTransport(this.settings.rootCA) };
    const s3 = new S3Client({ ...common, endpoint: this.cloud.s3.url, forcePathStyle: true });
    return { s3, iot: new IoTClient({ ...common, endpoint: this.cloud.api.url }) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.line.stop();
    await rm(this.directory, { recursive: true, force: true });
  }
}
