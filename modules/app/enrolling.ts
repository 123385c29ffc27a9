import Timer from "timer";
import type { CloudError } from "../cloud/cloud-error";
import type { Provisioned } from "../cloud/fleet-provisioning";
import { lastOfEach, type TextPairs, textPairs } from "../json/text-pairs";
import type { Enrolment, Identity, IdentityStore } from "../storage/identity-store";
import { certificateIdOf } from "./certificate-id";
import { CommandError, describeError, type ErrorReport } from "./command-error";
import { type Message, optionalString, stringField } from "./commands";
import { endpointField } from "./endpoint-field";
import type { EventLog } from "./event-log";
import { type Credentials, checkCredentials } from "./identity-check";
import { thingNameField } from "./thing-name-field";

/**
 * How far the identity is: none; enrolling (a new one is being fetched); trying (it has yet to connect); applied. `applyError` says why the
 * last try at a new one came to nothing.
 */
export type ApplyState = "none" | "enrolling" | "trying" | "applied";

export interface EnrollingHost {
  readonly identities: IdentityStore;
  readonly events: EventLog;
  /** Milliseconds since 1970, 0 while the clock is not confirmed. */
  confirmedNow(): number;
  identityChanged(): void;
}

/** The answer to the command goes out in this time, before its session ends. Milliseconds. */
const courtesy = 1000;
/** Before the next round, milliseconds: doubled up to the limit. */
const firstPause = 10_000;
const longestPause = 600_000;
/** A camera that has an identity goes back to it after so many rounds; one that has only a claim keeps trying. */
const roundLimit = 3;
/** An identity on trial is given up after so many refusals, or failures of any kind (IoT may take a while to accept a new certificate). */
const refusalLimit = 5;
const failureLimit = 20;
/** Where an identity that has been good is waited for, there is less patience with a network that may be the new identity's own fault. */
const impatientLimit = 6;
const pemLimit = 4096;
/** The template makes the thing's name of it and the serial number. */
const namePrefix = "camera-";

/**
 * Of a provisioning template (CreateProvisioningTemplate: names of at most 30 characters). Together: they go to flash beside certificate, key and roots, and to the
 * cloud beside an ownership token.
 */
const parameterBounds = Object.freeze({ count: 16, name: 30, value: 256, total: 1024 });

/** The broker's word, or TLS's, on the identity itself. Expired and NotYetValid may be the clock's. */
const refusals: readonly string[] = Object.freeze([
  "Refused",
  "PeerAlert",
  "UnknownCA",
  "BadChain",
  "NameMismatch",
  "WeakKey",
  "BadCertificate",
  "ProtocolVersion",
  "NoApplicationProtocol",
  "HandshakeFailure",
  "BadRoots",
  "BadClientCertificate",
  "BadKey",
  "BadOptions",
]);

/** Gets the camera a new identity, and lets go of the old one (or of the claim) when the new one has connected, not before. */
export class Enrolling {
  error: ErrorReport | null = null;
  #host: EnrollingHost;
  #rounds = 0;
  #refusals = 0;
  #failures = 0;

  constructor(host: EnrollingHost) {
    this.#host = host;
  }

  get applyState(): ApplyState {
    const { identities } = this.#host;
    if (identities.isTrying) return "trying";
    if (identities.hasEnrolment) return "enrolling";
    return identities.summary ? "applied" : "none";
  }

  /** How long the next round has to wait, milliseconds. */
  get pause(): number {
    return this.#rounds ? Math.min(firstPause * 2 ** (this.#rounds - 1), longestPause) : 0;
  }

  // Commands

  /** An identity that somebody else has made: tried as every other one is, and the one in force is kept until it has connected. */
  register(message: Message): object {
    this.take(message);
    this.#rounds = 0;
    this.error = null;
    this.restart();
    return { applyState: this.applyState };
  }

  private take(message: Message): void {
    const { identities } = this.#host;
    const thingName = thingNameField(message);
    const endpoint = endpointField(message);
    const region = optionalString(message, "region", 32);
    const credentials = takeCredentials(message);
    credentials.key ||= identities.pendingKey(thingName) ?? "";
    if (!credentials.key)
      throw new CommandError("NoKey", `no certificate was requested for ${thingName}, and privKey is missing`);
    checkCredentials(credentials, this.#host.confirmedNow());
    this.propose({ thingName, endpoint, ...credentials, region });
  }

  /** Fleet provisioning with a claim: one for all cameras of a product, or one of five minutes from the app. */
  provisionByClaim(message: Message): object {
    const endpoint = endpointField(message);
    const region = optionalString(message, "region", 32);
    const expiresAt = typeof message.expiration === "number" ? message.expiration : undefined;
    const template = templateFields(message);
    stringField(message, "privKey", pemLimit);
    const credentials = takeCredentials(message);
    checkCredentials(credentials, this.#host.confirmedNow());
    return this.order({ ...template, ...credentials, endpoint, region, expiresAt });
  }

  /** Fleet provisioning with the identity in force: it asks for its successor. */
  rotate(message: Message): object {
    const { identities } = this.#host;
    // All that the message has is judged before kilobytes of records are read.
    const template = templateFields(message);
    const { endpoint } = identities;
    if (endpoint === undefined) throw new CommandError("NoIdentity", "this camera has no certificate yet");
    if (this.applyState !== "applied") throw new CommandError("Busy", "a new identity is on its way already");
    return this.order({ ...template, endpoint });
  }

  private order(enrolment: Enrolment): object {
    try {
      this.#host.identities.order(enrolment);
    } catch {
      throw new CommandError("StorageFailed", "the order cannot be kept");
    }
    this.#rounds = 0;
    this.error = null;
    Timer.set(() => this.restart(), courtesy);
    return { applyState: this.applyState };
  }

  // Told by the round

  provisioned({ thingName, certificate, key, endpoint }: Provisioned): void {
    const { identities } = this.#host;
    const { summary, enrolment } = identities;
    if (!enrolment) return;
    if (!enrolment.certificate && summary && thingName !== summary.thingName)
      throw new CommandError("WrongThing", `the template made ${thingName} of ${summary.thingName}`);
    // The kilobytes of both do not fit into the machine together.
    const { rootCA, region } = enrolment.certificate ? enrolment : (identities.current ?? enrolment);
    this.propose({ thingName, endpoint: endpoint ?? enrolment.endpoint, certificate, key, rootCA, region });
    this.restart();
  }

  private propose(identity: Identity): void {
    try {
      this.#host.identities.propose(identity, certificateIdOf(identity.certificate));
    } catch {
      throw new CommandError("StorageFailed", "the identity cannot be kept");
    }
  }

  roundFailed({ code, message }: ErrorReport): void {
    const { identities, events } = this.#host;
    this.error = { code, message };
    events.add("Error", { ...this.error });
    this.#rounds += 1;
    if (this.isExpired) this.error = { code: "ClaimExpired", message: "no certificate came in the claim's time" };
    if (this.isExpired || (identities.summary && this.#rounds >= roundLimit)) {
      this.#rounds = 0;
      identities.cancelEnrolment();
    }
    this.restart();
  }

  private get isExpired(): boolean {
    const { expiresAt } = this.#host.identities.enrolment ?? {};
    return expiresAt !== undefined && this.#host.confirmedNow() > expiresAt;
  }

  // Told by the session of an identity

  sessionChanged(isConnected: boolean, error?: CloudError): void {
    if (!this.#host.identities.isTrying) return;
    if (isConnected) this.trialPassed();
    else if (error) this.trialFailed(error);
  }

  private trialPassed(): void {
    const { identities, events } = this.#host;
    try {
      identities.confirm();
    } catch {
      // It stays on trial, and is confirmed after another start or connection.
      events.add("Error", { code: "StorageFailed", message: "the identity has connected, but cannot be confirmed" });
      return;
    }
    this.#rounds = this.#refusals = this.#failures = 0;
    this.error = null;
    events.add("IdentityApplied", { thingName: identities.summary?.thingName });
  }

  /** No session can be made of the identity in use: trying it again is of no use. */
  openFailed(error: unknown): void {
    if (!this.#host.identities.isTrying) return;
    this.error = describeError(error);
    this.endTrial();
  }

  private trialFailed(error: CloudError): void {
    const { identities } = this.#host;
    this.error = describeError(error);
    this.#failures += 1;
    if (refusals.includes(error.code)) this.#refusals += 1;
    const limit = identities.summary && !identities.hasEnrolment ? impatientLimit : failureLimit;
    if (this.#refusals >= refusalLimit || this.#failures >= limit) this.endTrial();
  }

  /** Back to the order, or to the identity in force; where there is neither, the trial goes on. */
  private endTrial(): void {
    const { identities, events } = this.#host;
    this.#refusals = this.#failures = 0;
    if (identities.hasEnrolment) {
      identities.abandon();
      this.roundFailed(this.error as ErrorReport);
      return;
    }
    events.add("Error", { ...this.error });
    if (!identities.summary) return;
    identities.abandon();
    this.restart();
  }

  private restart(): void {
    this.#refusals = this.#failures = 0;
    this.#host.identityChanged();
  }
}

/**
 * What the template gets: what the order says, and in any case the serial number, of which it makes the thing's name: that of the identity which asks for its
 * successor, or else the camera's own name.
 */
export function templateParameters(
  { parameters, certificate }: Enrolment,
  current: string | undefined,
  own: string,
): TextPairs {
  const name = certificate || !current?.startsWith(namePrefix) ? own : current;
  return lastOfEach([["SerialNumber", name.slice(namePrefix.length)], ...(parameters ?? [])]);
}

/** A claim's session must not end another one's: its client id is its own. An identity connects as its thing. */
export function provisioningClientId(identity: Identity | undefined, serial: string, random: ArrayBuffer): string {
  return identity?.thingName || `claim-${serial}-${new Uint32Array(random)[0].toString(36)}`;
}

/** The message has them no more: what they become is kept beside them, and needs the room. @returns an empty key where there is none */
function takeCredentials(message: Message): Credentials {
  const certificate = stringField(message, "certPem", pemLimit);
  const rootCA = optionalString(message, "rootCA", pemLimit);
  const key = optionalString(message, "privKey", pemLimit) ?? "";
  message.certPem = message.rootCA = message.privKey = message.parameters = undefined;
  return { certificate, key, rootCA };
}

function templateFields(message: Message): { template: string; parameters?: TextPairs } {
  const template = stringField(message, "template", 36);
  if (!/^[\w-]+$/.test(template)) throw new CommandError("BadField", "template has characters AWS refuses");
  const parameters = message.parameters ?? undefined;
  if (parameters === undefined) return { template };
  try {
    return { template, parameters: textPairs(parameters, "parameters", parameterBounds) };
  } catch (error) {
    throw new CommandError("BadField", (error as Error).message);
  }
}
