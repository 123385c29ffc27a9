import { AttachPolicyCommand, DescribeEndpointCommand } from "@aws-sdk/client-iot";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import type { Account } from "./account.ts";
import { type AwsClients, makeAwsClients } from "./aws-clients.ts";
import { cloudError } from "./aws-errors.ts";
import { type BoundCamera, CameraBindings, type CameraCertificate, type CameraProof } from "./camera-bindings.ts";
import { codeOf, PhoneCloudError } from "./cloud-errors.ts";
import type { CloudSettings } from "./cloud-settings.ts";
import { Emitter } from "./emitter.ts";
import { Gallery } from "./gallery.ts";
import { LiveCamera } from "./live-camera.ts";
import { type ConnectionState, MqttConnection } from "./mqtt-connection.ts";
import { photoHeaders, pictureKey } from "./picture-keys.ts";
import type { CloudOptions } from "./transport.ts";
import { cancellable } from "./waiting.ts";

export type { BoundCamera } from "./camera-bindings.ts";

export interface PhoneCloudEvents {
  /** Of the MQTT connection; `error` is why it was lost or cannot be made. */
  connection: ConnectionState;
}

interface Cancellable {
  signal?: AbortSignal;
}

/** Lets the camera sign what the cloud has to know (ProveOwnership). */
export type Prove = (challenge: { identity: string; nonce: string }) => Promise<CameraProof & { csr?: string }>;

export interface ClaimOptions extends Cancellable {
  /** Without it only one's own camera can be claimed, or one that cannot sign. */
  prove?: Prove;
  /** Request for a certificate, of a camera that cannot sign; otherwise `prove` brings it along. PEM. */
  csr?: string;
}

export interface ClaimedCamera extends BoundCamera {
  /** When there was a request for one. */
  certificate?: CameraCertificate;
}

/** What a phone may do over MQTT apart from its cameras: certs/phone-policy.json. */
const phonePolicy = "devicelink-phone";

/** AWS takes a while until a policy that was attached is in force; milliseconds. */
const grantTime = 15_000;

/** A URL dies with the credentials that it was signed with, which live an hour; seconds. */
const longestExpiry = 3600;

/** The picture that a URL is wanted for. */
interface PhotoRequest {
  thingName: string;
  imageId: string;
  byteLength?: number;
  expiresIn?: number;
}

/** The cloud as one signed-in person sees it. */
export class PhoneCloud extends Emitter<PhoneCloudEvents> {
  readonly account: Account;
  readonly settings: CloudSettings;
  readonly gallery: Gallery;
  #clients: AwsClients;
  #connection: MqttConnection;
  #bindings: CameraBindings;
  #cameras = new Map<string, LiveCamera>();
  /** When this phone claimed which camera, milliseconds since 1970. */
  #claimed = new Map<string, number>();
  #endpoint?: Promise<string>;
  #isAttached = false;
  #stopListening: () => void;

  constructor(account: Account, settings: CloudSettings, options: CloudOptions = {}) {
    super();
    this.account = account;
    this.settings = settings;
    const { identityId } = account;
    this.#clients = makeAwsClients(settings, account, options);
    const { s3 } = this.#clients;
    this.gallery = new Gallery({ s3, bucket: settings.bucket, identityId, now: () => account.now() });
    this.#connection = new MqttConnection(account, settings, () => this.#mqttAddress(), options);
    this.#bindings = new CameraBindings(this.#connection, identityId);
    const stopConnection = this.#connection.on("state", (state) => this.emit("connection", state));
    const stopAccount = account.on("signedout", () => void this.close());
    this.#stopListening = () => {
      stopConnection();
      stopAccount();
    };
  }

  get connection(): ConnectionState["state"] {
    return this.#connection.state;
  }

  /**
   * Attaches the phone's own policy and opens the MQTT connection, which from then on mends itself. May be called again at any time.
   * @throws AccountError, PhoneCloudError NetworkUnavailable, AccountNotSetUp, AccessDenied
   */
  async connect(): Promise<void> {
    await this.#attachPolicy();
    await this.#connection.connect();
  }

  /** Tries to connect at once instead of at the next attempt. */
  wake(): void {
    this.#connection.wake();
  }

  /**
   * Binds a camera to this person, who has it sign that they hold it. Again for one's own: no harm, a new name, a new certificate if there is a request.
   *
   * @throws PhoneCloudError NotYours, NotProven, TooManyCameras, BadRequest, NoAnswer, NetworkUnavailable; PhoneError Cancelled; what `prove` throws
   */
  async claim(thingName: string, name?: string, options: ClaimOptions = {}): Promise<ClaimedCamera> {
    await this.connect();
    const { camera, certificate } = await this.#claim(thingName, name, options).catch((error) => {
      // The nonce was used for a claim whose answer got lost, or another phone of this person has asked for one since.
      if (codeOf(error) !== "StaleNonce") throw error;
      return this.#claim(thingName, name, options);
    });
    this.#claimed.set(thingName, Date.now());
    const bound = camera ?? { thingName, name: name ?? thingName, since: this.account.now() };
    return certificate ? { ...bound, certificate } : bound;
  }

  async #claim(thingName: string, name: string | undefined, { prove, csr, signal }: ClaimOptions) {
    if (!prove) return this.#bindings.claim({ thingName, name, csr }, undefined, signal);
    const nonce = await this.#bindings.challenge(signal);
    const { csr: request, ...proof } = await prove({ identity: this.account.identityId, nonce });
    return this.#bindings.claim({ thingName, name, csr: request }, { ...proof, nonce }, signal);
  }

  /** Makes a certificate that was made elsewhere the camera's; older ones are deactivated. @throws PhoneCloudError NotYours, NoSuchCamera, BadRequest, ... */
  async attach(thingName: string, certificateArn: string, { signal }: Cancellable = {}): Promise<void> {
    await this.connect();
    await this.#bindings.ask({ action: "attach", thingName, certificateArn }, signal);
  }

  /** Anybody may claim the camera then; its certificates are dead. @throws PhoneCloudError NotYours, ... */
  async release(thingName: string): Promise<void> {
    await this.connect();
    await this.#bindings.ask({ action: "release", thingName });
    await this.#cameras.get(thingName)?.close();
    this.#cameras.delete(thingName);
  }

  /** One's own, oldest first. */
  async cameras({ signal }: Cancellable = {}): Promise<BoundCamera[]> {
    await this.connect();
    return this.#bindings.ask({ action: "list" }, signal);
  }

  /** Host name that cameras connect to, with a port where it is not AWS's. @throws PhoneCloudError */
  deviceEndpoint(): Promise<string> {
    this.#endpoint ??= this.#ask(async ({ iot }) => {
      const { endpointAddress } = await iot.send(new DescribeEndpointCommand({ endpointType: "iot:Data-ATS" }));
      return endpointAddress!;
    }).catch((error) => {
      this.#endpoint = undefined;
      throw error;
    });
    return this.#endpoint;
  }

  /**
   * A URL for one PUT by the camera, which has to send `photoHeaders` with it, or with a length `boundHeaders`; a credential.
   * @param request.byteLength of the picture: the URL then takes as much and no more, and replaces nothing
   * @param request.expiresIn seconds, default 3600; it lives no longer than the person's credentials
   */
  presignPhoto(request: PhotoRequest): Promise<string> {
    const { thingName, imageId, byteLength, expiresIn = longestExpiry } = request;
    const command = new PutObjectCommand({
      Bucket: this.settings.bucket,
      Key: pictureKey(this.account.identityId, thingName, imageId),
      ContentType: photoHeaders["Content-Type"],
      ...(byteLength !== undefined && { ContentLength: byteLength, IfNoneMatch: "*" }),
    });
    const signingDate = new Date(this.account.now());
    // The presigner leaves them out of the signature unless told otherwise; then anything could be stored under the name of a picture.
    const signableHeaders = new Set(["content-length", "content-type", "if-none-match"]);
    return this.#ask(({ deviceS3 }) => getSignedUrl(deviceS3, command, { expiresIn, signingDate, signableHeaders }));
  }

  /** The same one for the same name, until close() or release(). It opens itself with the first use, or with open(). */
  live(thingName: string): LiveCamera {
    let camera = this.#cameras.get(thingName);
    if (!camera) {
      const wasJustClaimed = () => Date.now() < (this.#claimed.get(thingName) ?? 0) + grantTime;
      camera = new LiveCamera(this.#connection, thingName, wasJustClaimed);
      this.#cameras.set(thingName, camera);
    }
    return camera;
  }

  async close(): Promise<void> {
    this.#stopListening();
    const cameras = [...this.#cameras.values()];
    this.#cameras.clear();
    // What they listen to goes with the connection.
    const closed = cameras.map((camera) => camera.close());
    await this.#connection.close();
    await Promise.all(closed);
    for (const client of Object.values(this.#clients)) client.destroy();
  }

  async #attachPolicy(): Promise<void> {
    if (this.#isAttached) return;
    const target = this.account.identityId;
    await this.#ask(({ iot }) => iot.send(new AttachPolicyCommand({ policyName: phonePolicy, target })));
    this.#isAttached = true;
  }

  async #mqttAddress(): Promise<string> {
    return this.settings.endpoints?.mqtt ?? `wss://${await this.deviceEndpoint()}/mqtt`;
  }

  async #ask<T>(run: (clients: AwsClients) => Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      return await cancellable(run(this.#clients), signal);
    } catch (error) {
      const { name, message } = error as Error;
      if (name === "ResourceNotFoundException") throw new PhoneCloudError("AccountNotSetUp", message, { cause: error });
      throw cloudError(error);
    }
  }
}
