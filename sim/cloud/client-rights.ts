import type { Authorization } from "./authorization.ts";
import { type AccessKey, isExpired, type KeySource } from "./credentials.ts";
import { isAllowed } from "./policy.ts";
import { certificateIdOf, type Registry } from "./registry.ts";

/** Who a client of the broker is, and what it may do. */
export interface ClientRights {
  /** In events: the certificate, */
  readonly certificateId?: string;
  /** or the Cognito identity. */
  readonly identityId?: string;
  /** `principalIdentifier` of presence events. */
  readonly identifier: string;
  /** When the connection ends whatever happens, milliseconds since 1970. */
  readonly expires?: number;
  /** What its connection's end is called when it is no longer active. */
  readonly ending: "AUTH_ERROR" | "WEBSOCKET_TTL_EXPIRATION";
  /** At CONNECT. @returns why it is refused, if it is */
  problem(): string | undefined;
  /** False once the connection has to end. */
  isActive(): boolean;
  /** @param resource the part of the ARN after the account: `topic/a/b` */
  isAllowed(clientId: string, action: string, resource: string): boolean;
}

export interface CertificateRightsOptions {
  registry: Registry;
  /** DER; empty when the client has shown none. */
  certificate?: Buffer;
  sourceIp: string;
  /** Looks at a certificate before it is looked up. @returns why the connection is closed, if it is */
  inspect?(certificateId: string, der: Buffer): string | undefined;
}

/** A device with a certificate: its rights are the policies that are attached to the certificate. */
export class CertificateRights implements ClientRights {
  readonly certificateId?: string;
  readonly ending = "AUTH_ERROR";
  #options: CertificateRightsOptions;

  constructor(options: CertificateRightsOptions) {
    const { certificate } = options;
    this.#options = options;
    this.certificateId = certificate?.length ? certificateIdOf(certificate) : undefined;
  }

  get identifier(): string {
    return this.certificateId ?? "";
  }

  problem(): string | undefined {
    const { certificateId } = this;
    const { inspect, certificate } = this.#options;
    const objection = certificateId && inspect?.(certificateId, certificate!);
    if (objection) return objection;
    const status = this.#find()?.status;
    if (!status) return "the certificate is not known";
    return status === "ACTIVE" ? undefined : `the certificate is ${status}`;
  }

  isActive(): boolean {
    return this.#find()?.status === "ACTIVE";
  }

  isAllowed(clientId: string, action: string, resource: string): boolean {
    const { registry, sourceIp } = this.#options;
    const certificate = this.#find();
    if (!certificate) return false;
    const things = registry.thingsOf(registry.arn(`cert/${certificate.certificateId}`));
    const isAttached = things.some(({ thingName }) => thingName === clientId);
    const documents = certificate.policies.map((name) => registry.policy(name).policyDocument);
    const variables = {
      "iot:ClientId": clientId,
      "iot:Connection.Thing.ThingName": isAttached ? clientId : undefined,
      "iot:Connection.Thing.IsAttached": String(isAttached),
      "aws:SourceIp": sourceIp,
    };
    return isAllowed(documents, { action, resource: registry.arn(resource), variables });
  }

  #find() {
    return this.certificateId === undefined ? undefined : this.#options.registry.findCertificate(this.certificateId);
  }
}

export interface CredentialRightsOptions {
  key: AccessKey;
  keys: KeySource;
  authorization: Authorization;
  sourceIp: string;
  /** When the connection ends at the latest, milliseconds since 1970. */
  latest: number;
}

/** A client that has signed its WebSocket's URL: its rights are those of the credentials (authorization.ts). */
export class CredentialRights implements ClientRights {
  readonly identityId?: string;
  readonly identifier: string;
  readonly expires: number;
  readonly ending = "WEBSOCKET_TTL_EXPIRATION";
  #options: CredentialRightsOptions;

  constructor(options: CredentialRightsOptions) {
    const { accessKeyId, principal, expiration } = options.key;
    this.#options = options;
    this.identityId = principal.type === "identity" ? principal.identityId : undefined;
    this.identifier = this.identityId ?? accessKeyId;
    this.expires = Math.min(expiration?.getTime() ?? Number.POSITIVE_INFINITY, options.latest);
  }

  problem(): string | undefined {
    return this.isActive() ? undefined : "the credentials have expired";
  }

  isActive(): boolean {
    const { keys, key } = this.#options;
    const current = keys.find(key.accessKeyId);
    return current !== undefined && !isExpired(current) && Date.now() < this.expires;
  }

  isAllowed(clientId: string, action: string, resource: string): boolean {
    const { key, authorization, sourceIp } = this.#options;
    const context = { "iot:ClientId": clientId, "aws:SourceIp": sourceIp };
    return authorization.mayUseData(key.principal, action.replace(/^iot:/, ""), resource, context);
  }
}
