import type { CameraProof } from "./camera-bindings.ts";
import type { CameraClient } from "./camera-client.ts";
import { readThumbnail } from "./camera-commands.ts";
import { PhoneError } from "./errors.ts";
import { photoHeaders } from "./picture-keys.ts";
import { pause } from "./waiting.ts";

/** The AWS side of whoever runs the account: aws.ts implements it with the AWS SDK. People's phones claim their cameras instead (phone-cloud.ts). */
export interface Registrar {
  registerThing(request: { thingName: string; csrPem: string }): Promise<Registration>;
  /** A URL for one PUT of a JPEG, with `photoHeaders`. */
  presignPhoto(request: { thingName: string; imageId: string }): Promise<string>;
}

export interface Registration {
  thingName: string;
  endpoint: string;
  certPem: string;
  certificateArn: string;
}

/** What the camera answers to TakePhoto. */
export interface PhotoInfo {
  imageId: string;
  byteLength: number;
  width: number;
  height: number;
}

export interface CameraEvent {
  n: number;
  type: string;
  [field: string]: unknown;
}

interface Options {
  client: CameraClient;
  /** For register and upload. */
  registrar?: Registrar;
  rootCA?: string;
  region?: string;
  onEvent?: (event: CameraEvent) => void;
}

const pollInterval = 250;

/** What the owner of a camera does with the app: register it, take pictures, send them to the bucket. */
export class CameraOwner {
  #options: Options;
  #since = 0;
  #seen: CameraEvent[] = [];

  constructor(options: Options) {
    this.#options = options;
  }

  /** The camera's name in AWS IoT, part of topics and of the client id: its own, or what is made of the serial number of one that has none. */
  static thingNameOf({ ownThingName, serial }: Record<string, unknown>): string {
    return typeof ownThingName === "string" ? ownThingName : `camera-${serial}`;
  }

  async deviceInfo(): Promise<Record<string, unknown>> {
    return this.#ask("camera-command", { type: "GetDeviceInfo" });
  }

  /** Key and request are made on the camera; only the request and the certificate travel. */
  async register(thingName: string): Promise<Registration> {
    const { csr } = await this.#ask("camera-cert", { type: "CreateCsr", thingName });
    const { rootCA, region } = this.#options;
    const registration = await this.#registrar.registerThing({ thingName, csrPem: csr as string });
    const { endpoint, certPem } = registration;
    await this.#ask("camera-cert", { type: "RegisterDevice", thingName, endpoint, certPem, rootCA, region });
    return registration;
  }

  /**
   * The camera signs that this person holds it, for a nonce of the cloud's.
   * @param csr whether it makes a key and a request for a certificate as well
   */
  async prove(
    challenge: { identity: string; nonce: string },
    { thingName, csr = false, signal }: { thingName: string; csr?: boolean; signal?: AbortSignal },
  ): Promise<CameraProof & { csr?: string }> {
    const message = { type: "ProveOwnership", ...challenge, thingName, csr };
    const answer = (await this.#ask("camera-cert", message, signal)) as unknown as CameraProof & { csr?: string };
    return { publicKey: answer.publicKey, signature: answer.signature, csr: answer.csr };
  }

  get #registrar(): Registrar {
    const { registrar } = this.#options;
    if (!registrar) throw new Error("nobody to register with");
    return registrar;
  }

  async takePhoto(settings: { resolution?: string; quality?: string }, signal?: AbortSignal): Promise<PhotoInfo> {
    return (await this.#ask("camera-command", { type: "TakePhoto", ...settings }, signal)) as unknown as PhotoInfo;
  }

  /** A small JPEG, over Bluetooth. */
  thumbnail(imageId: string, signal?: AbortSignal): Promise<Uint8Array> {
    return readThumbnail((message) => this.#ask("camera-command", message, signal), imageId);
  }

  async upload(imageId: string, thingName: string): Promise<void> {
    const url = await this.#registrar.presignPhoto({ thingName, imageId });
    await this.#ask("camera-upload", { type: "UploadPhoto", imageId, url, headers: photoHeaders });
  }

  /**
   * The first event that fits, of those that have not been returned yet.
   * @param limit milliseconds
   * @throws PhoneError Timeout, Cancelled
   */
  async waitFor(
    what: string,
    fits: (event: CameraEvent) => boolean,
    limit: number,
    signal?: AbortSignal,
  ): Promise<CameraEvent> {
    const deadline = Date.now() + limit;
    for (;;) {
      const at = this.#seen.findIndex(fits);
      if (at >= 0) return this.#seen.splice(0, at + 1)[at];
      if (Date.now() > deadline) throw new PhoneError("Timeout", `no ${what} within ${limit / 1000} s`);
      if (!(await this.#fetchEvents(signal))) await pause(pollInterval, signal);
    }
  }

  /** The camera was started again: its events count from 1. */
  forgetEvents(): void {
    this.#since = 0;
    this.#seen = [];
  }

  async #fetchEvents(signal: AbortSignal | undefined): Promise<boolean> {
    const page = await this.#ask("camera-event", { type: "GetEvents", since: this.#since }, signal);
    const events = page.events as CameraEvent[];
    for (const event of events) {
      this.#since = event.n;
      this.#seen.push(event);
      this.#options.onEvent?.(event);
    }
    return events.length > 0;
  }

  /** @throws CameraError with the camera's own code, PhoneError */
  async #ask(endpoint: string, message: object, signal?: AbortSignal): Promise<Record<string, unknown>> {
    return (await this.#options.client.request(endpoint, message, { signal })) as Record<string, unknown>;
  }
}
