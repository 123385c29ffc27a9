import Timer from "timer";
import { type JSONShape, parseJSON } from "../json/parse-json";
import { lastOfEach, pairsToJSON, type TextPairs } from "../json/text-pairs";
import type { TopicFilter } from "./client-interface";
import { asCloudError, CloudError } from "./cloud-error";
import { parseEndpoint } from "./endpoint";
import type { CloudState, InboundMessage } from "./session";

/** A session with the certificate that asks (modules/cloud/session), as far as it is used here. */
export interface ProvisioningSession {
  connect(): void;
  close(): void;
  subscribe(filters: TopicFilter[]): Promise<void>;
  publish(topic: string, payload: string): Promise<void>;
}

/** What AWS IoT has made of the device. */
export interface Provisioned {
  thingName: string;
  certificate: string;
  key: string;
  /** Of the template's DeviceConfiguration: another endpoint than the claim's, `host` or `host:port`. */
  endpoint?: string;
}

export interface FleetProvisioningHost {
  /** Its events go to `onStateChanged` and `onMessage` of the given object. */
  openProvisioningSession(provisioning: FleetProvisioning): ProvisioningSession;
  /** A new key and the request for its certificate, PEM. */
  createRequest(): { key: string; csr: string };
  /** The certificate, judged, as it is to be kept; undefined if it is for another key. May throw when it is of no use: then the round has failed. */
  certificateFor(certificate: string, key: string): string | undefined;
  /** Parameters that prove whose certificate it is, beside those of the order. */
  proveThing(certificate: string, parameters: TextPairs): TextPairs;
  /** May throw: then the round has failed. */
  onProvisioned(result: Provisioned): void;
  /** Once a round; the object is of no use afterwards. */
  onProvisioningFailed(error: CloudError): void;
}

export interface FleetProvisioningOptions {
  template: string;
  parameters: TextPairs;
  /** Before the first connection, milliseconds. */
  delay: number;
  /** For the whole round, milliseconds. Default 2 minutes. */
  limit?: number;
}

type Step = "idle" | "connecting" | "certificate" | "thing" | "done";

const defaultLimit = 120_000;
/** The broker says no for as long as a claim is not active yet, and for ever when it is worn out. */
const refusalLimit = 3;
const requestTopic = "$aws/certificates/create-from-csr/json";
/** A certificate and a token have 2 to 3 KB. What nobody looks at is passed over: there is little room beside them. */
function answerShape(names: readonly string[]): JSONShape {
  return Object.freeze({
    bytes: 4096,
    depth: 8,
    values: 256,
    text: 4096,
    name: 128,
    names: Object.freeze(names) as string[],
    nested: Object.freeze(["deviceConfiguration"]) as string[],
  });
}
const certificateShape = answerShape(["certificatePem", "certificateOwnershipToken"]);
/** Of a template's DeviceConfiguration the endpoint alone is read. */
const thingShape = answerShape(["thingName", "deviceConfiguration", "endpoint"]);
const rejectionShape = answerShape(["statusCode", "errorCode", "errorMessage"]);
const thingNamePattern = /^[a-zA-Z0-9:_-]{1,128}$/;

/**
 * One round of fleet provisioning with a key of the device's own (AWS IoT guide, "Device provisioning MQTT API"): CreateCertificateFromCsr,
 * then RegisterThing with the ownership token. The certificate is not tried here: that takes a connection of its own.
 *
 * A round that is disconnected begins anew with the next `connect()`, and with another key: what was left half made in AWS IoT
 * is deleted there after an hour. Names of failures, beside those of the session: CertificateRejected, RegistrationRejected (with AWS's own
 * code in the message), BadAnswer, ProvisioningTimeout, ProvisioningFailed.
 */
export class FleetProvisioning {
  #host: FleetProvisioningHost;
  #options: FleetProvisioningOptions;
  #session?: ProvisioningSession;
  #step: Step = "idle";
  #timer?: Timer;
  #refusals = 0;
  #key = "";
  #certificate = "";

  constructor(host: FleetProvisioningHost, options: FleetProvisioningOptions) {
    this.#host = host;
    this.#options = options;
  }

  /** Begins, after the delay. Does nothing while it is on its way. */
  connect(): void {
    if (this.#timer || this.#step !== "idle") return;
    this.#timer = Timer.set(() => {
      this.#timer = undefined;
      this.begin();
    }, this.#options.delay);
  }

  disconnect(): void {
    if (this.#step !== "done") this.stop("idle");
  }

  close(): void {
    this.stop("done");
  }

  private begin(): void {
    this.#step = "connecting";
    const { limit = defaultLimit } = this.#options;
    this.#timer = Timer.set(() => {
      this.#timer = undefined;
      this.fail(new CloudError("ProvisioningTimeout", `no certificate within ${limit / 1000} s (${this.#step})`));
    }, limit);
    this.ask().catch((error) => this.fail(asCloudError(error, "ProvisioningFailed", "the round could not begin")));
  }

  private async ask(): Promise<void> {
    const session = this.#host.openProvisioningSession(this);
    this.#session = session;
    const subscribed = session.subscribe(this.filters);
    session.connect();
    try {
      await subscribed;
      if (this.#session !== session) return;
      const { key, csr } = this.#host.createRequest();
      this.#key = key;
      this.#step = "certificate";
      await session.publish(requestTopic, JSON.stringify({ certificateSigningRequest: csr }));
    } catch (error) {
      // A session that was closed rejects what waited in it; that is no failure of the round.
      if (this.#session === session) throw error;
    }
  }

  /** Both answers of both requests, asked for before the first request. */
  private get filters(): TopicFilter[] {
    const filters: TopicFilter[] = [];
    for (const topic of [requestTopic, this.registerTopic])
      for (const end of ["accepted", "rejected"]) filters.push({ topic: `${topic}/${end}`, QoS: 1 });
    return filters;
  }

  private get registerTopic(): string {
    return `$aws/provisioning-templates/${this.#options.template}/provision/json`;
  }

  // Called by the session

  onStateChanged(state: CloudState, error?: CloudError): void {
    if (state !== "refused" || !error) return;
    this.#refusals += 1;
    if (this.#refusals >= refusalLimit) this.fail(error);
  }

  /** Answers that come late or twice find another step, or another key, and are passed over. */
  onMessage({ topic, payload }: Pick<InboundMessage, "topic" | "payload">): void {
    try {
      const isCertificate = this.#step === "certificate";
      if (!isCertificate && this.#step !== "thing") return;
      const request = isCertificate ? requestTopic : this.registerTopic;
      if (topic === `${request}/rejected`)
        throw rejection(isCertificate ? "CertificateRejected" : "RegistrationRejected", parse(payload, rejectionShape));
      if (topic !== `${request}/accepted`) return;
      if (isCertificate) this.takeCertificate(parse(payload, certificateShape));
      else this.takeThing(parse(payload, thingShape));
    } catch (error) {
      this.fail(asCloudError(error, "ProvisioningFailed", "the answer could not be used"));
    }
  }

  private takeCertificate({ certificatePem, certificateOwnershipToken }: Record<string, unknown>): void {
    if (typeof certificatePem !== "string" || typeof certificateOwnershipToken !== "string")
      throw new CloudError("BadAnswer", "an accepted request has no certificate or no ownership token");
    const certificate = this.#host.certificateFor(certificatePem, this.#key);
    if (certificate === undefined) return;
    this.#certificate = certificate;
    this.#step = "thing";
    const { parameters: given } = this.#options;
    const parameters = pairsToJSON(lastOfEach([...given, ...this.#host.proveThing(certificate, given)]));
    const token = JSON.stringify(certificateOwnershipToken);
    const request = `{"certificateOwnershipToken":${token},"parameters":${parameters}}`;
    const session = this.#session;
    session?.publish(this.registerTopic, request).catch((error) => {
      if (this.#session === session) this.fail(asCloudError(error, "ProvisioningFailed", "RegisterThing was not sent"));
    });
  }

  private takeThing({ thingName, deviceConfiguration }: Record<string, unknown>): void {
    if (typeof thingName !== "string" || !thingNamePattern.test(thingName))
      throw new CloudError("BadAnswer", "an accepted registration has no thing name");
    const endpoint = (deviceConfiguration as { endpoint?: unknown } | undefined)?.endpoint;
    if (typeof endpoint === "string") parseEndpoint(endpoint);
    const result = { thingName, certificate: this.#certificate, key: this.#key };
    this.#host.onProvisioned(typeof endpoint === "string" ? { ...result, endpoint } : result);
    this.close();
  }

  // The end

  private fail(error: CloudError): void {
    if (this.#step === "done") return;
    this.stop("done");
    this.#host.onProvisioningFailed(error);
  }

  private stop(step: "idle" | "done"): void {
    Timer.clear(this.#timer);
    this.#timer = undefined;
    this.#step = step;
    this.#refusals = 0;
    this.#key = this.#certificate = "";
    const session = this.#session;
    this.#session = undefined;
    session?.close();
  }
}

/** @throws CloudError BadAnswer */
function parse(payload: ArrayBuffer, shape: JSONShape): Record<string, unknown> {
  try {
    return parseJSON(payload, shape);
  } catch (error) {
    throw new CloudError("BadAnswer", `an answer cannot be read: ${(error as Error).message}`);
  }
}

/** All rejections have this shape: `{statusCode, errorCode, errorMessage}`. */
function rejection(code: string, { statusCode, errorCode, errorMessage }: Record<string, unknown>): CloudError {
  return new CloudError(code, `${said(statusCode)} ${said(errorCode)}: ${said(errorMessage)}`.slice(0, 160));
}

/** An object of JSON has no words: it has no prototype, and throws where a text is made of it. */
const said = (value: unknown) => (typeof value === "object" ? "" : value);
