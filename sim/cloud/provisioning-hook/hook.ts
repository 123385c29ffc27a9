import { type IoTClient, ListThingPrincipalsCommand, ResourceNotFoundException } from "@aws-sdk/client-iot";
import { isOwnName, isSignedByName, provisionText } from "../bindings/proof.ts";
import { shortText } from "../bindings/short-text.ts";

/** What AWS IoT hands to the hook (IoT guide, "Pre-provisioning hooks", payload version 2020-04-01). */
export interface HookEvent {
  claimCertificateId?: unknown;
  certificateId?: unknown;
  certificatePem?: unknown;
  templateArn?: unknown;
  clientId?: unknown;
  parameters?: unknown;
}

/** What it answers; anything else is a refusal as well. */
export interface HookAnswer {
  allowProvisioning: boolean;
}

/** For the log; of what was sent only what is a short text. */
export interface HookOutcome {
  thing?: string;
  certificate?: string;
  /** Why it was allowed: the thing's own certificate asks for the next one, the camera's key has signed, or nobody has to prove anything. */
  reason: "rotation" | "signature" | "unproven" | "refused";
}

export interface HookOptions {
  iot: IoTClient;
  /** Things whose name is not made of a key, and that have no certificate yet, may be had by whoever comes first. */
  allowUnproven: boolean;
}

/** As many as a thing of this project ever has, many times over; a thing with more is somebody's mistake and is refused. */
const mostCertificates = 250;
const serialNumber = /^[a-zA-Z0-9_-]{1,121}$/;
const identifier = /^[0-9a-f]{64}$/;

/**
 * Who may have a certificate for a thing by fleet provisioning. Whoever has a claim, and every camera that may rotate, names a serial number,
 * and AWS IoT believes it: so could have the thing of another camera, its commands and its grants. This hook lets through
 *
 * - rotation: the certificate that asks is attached to the very thing,
 * - the camera itself: the key that the thing's name is made of has signed for the new certificate.
 */
export class ProvisioningHook {
  readonly #options: HookOptions;

  constructor(options: HookOptions) {
    this.#options = options;
  }

  async decide(event: HookEvent): Promise<{ answer: HookAnswer; outcome: HookOutcome }> {
    const reason = await this.#reason(event);
    const { SerialNumber } = parametersOf(event);
    const [thing, certificate] = [shortText(SerialNumber), shortText(event.certificateId)];
    return { answer: { allowProvisioning: reason !== "refused" }, outcome: { thing, certificate, reason } };
  }

  async #reason(event: HookEvent): Promise<HookOutcome["reason"]> {
    const { SerialNumber, PublicKey, Signature } = parametersOf(event);
    const { certificateId, claimCertificateId } = event;
    if (!fits(SerialNumber, serialNumber) || !fits(certificateId, identifier)) return "refused";
    const thing = `camera-${SerialNumber}`;
    if (typeof PublicKey === "string" && typeof Signature === "string") {
      const proof = { publicKey: PublicKey, signature: Signature };
      if (isSignedByName(thing, provisionText(thing, certificateId), proof)) return "signature";
    }
    const certificates = await this.#certificatesOf(thing);
    if (typeof claimCertificateId === "string" && certificates.includes(claimCertificateId)) return "rotation";
    const isFree = certificates.length === 0 && !isOwnName(thing);
    return isFree && this.#options.allowUnproven ? "unproven" : "refused";
  }

  /** Ids of all certificates that are attached, also of those that are not active. */
  async #certificatesOf(thingName: string): Promise<string[]> {
    try {
      const command = new ListThingPrincipalsCommand({ thingName, maxResults: mostCertificates });
      const { principals = [] } = await this.#options.iot.send(command);
      return principals.map((arn) => arn.replace(/^.*\//, ""));
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return [];
      throw error;
    }
  }
}

function parametersOf({ parameters }: HookEvent): Record<string, unknown> {
  return typeof parameters === "object" && parameters !== null ? (parameters as Record<string, unknown>) : {};
}

function fits(value: unknown, pattern: RegExp): value is string {
  return typeof value === "string" && pattern.test(value);
}
