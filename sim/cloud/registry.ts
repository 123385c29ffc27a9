import { createHash, randomUUID, X509Certificate } from "node:crypto";
import { JsonFile } from "./json-file.ts";
import { checkPolicyDocument } from "./policy-document.ts";
import { RegistryError } from "./registry-error.ts";
import type { Certificate, CertificateStatus, Policy, Thing } from "./registry-records.ts";

export type { Certificate, CertificateStatus, Policy, Thing } from "./registry-records.ts";

interface State {
  things: Record<string, Thing>;
  certificates: Record<string, Certificate>;
  policies: Record<string, Policy>;
  /** Names of the policies of each Cognito identity that has any. */
  identities: Record<string, string[]>;
}

export interface RegistryOptions {
  /** File that keeps it. */
  path: string;
  region: string;
  accountId: string;
}

const policiesPerPrincipal = 10;
/** Id of a Cognito identity: region and UUID. */
const identityPattern = /^[a-z]{2}(-[a-z]+)+-\d:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const thingNamePattern = /^[a-zA-Z0-9:_-]{1,128}$/;
const policyNamePattern = /^[\w+=,.@-]{1,128}$/;

const record = <T>(): Record<string, T> => Object.create(null);

/**
 * Things, certificates, policies, and what is attached to what: the registry of one AWS account in one region. The broker and the
 * control plane both ask it. It is kept in one file and survives a restart.
 */
export class Registry {
  readonly region: string;
  readonly accountId: string;
  #file: JsonFile<State>;
  #state: State;

  constructor({ path, region, accountId }: RegistryOptions) {
    this.region = region;
    this.accountId = accountId;
    this.#file = new JsonFile(path);
    const state = this.#file.read();
    this.#state = {
      things: Object.assign(record<Thing>(), state?.things),
      certificates: Object.assign(record<Certificate>(), state?.certificates),
      policies: Object.assign(record<Policy>(), state?.policies),
      identities: Object.assign(record<string[]>(), state?.identities),
    };
  }

  arn(resource: string): string {
    return `arn:aws:iot:${this.region}:${this.accountId}:${resource}`;
  }

  // Things

  get things(): Thing[] {
    return Object.values(this.#state.things);
  }

  thing(name: string): Thing {
    const thing = this.#state.things[name];
    if (!thing) throw new RegistryError("ResourceNotFoundException", `Thing ${name} not found`);
    return thing;
  }

  /** The same name with the same attributes again is the same thing, as in AWS IoT. */
  createThing(thingName: string, attributes: Record<string, string>): Thing {
    if (!thingNamePattern.test(thingName)) throw invalid("thingName does not fit [a-zA-Z0-9:_-]{1,128}");
    const existing = this.#state.things[thingName];
    if (existing) {
      if (JSON.stringify(existing.attributes) === JSON.stringify(attributes)) return existing;
      throw new RegistryError("ResourceAlreadyExistsException", `Thing ${thingName} already exists in account`, {
        resourceId: existing.thingId,
        resourceArn: this.arn(`thing/${thingName}`),
      });
    }
    const thing = { thingName, thingId: randomUUID(), version: 1, attributes, principals: [] };
    this.#state.things[thingName] = thing;
    this.#save();
    return thing;
  }

  /** @param change of its attributes; an empty value takes one away */
  updateThing(
    name: string,
    change: { attributes?: Record<string, string>; merge?: boolean; expectedVersion?: number },
  ): void {
    const thing = this.thing(name);
    const { attributes, merge, expectedVersion } = change;
    if (expectedVersion !== undefined && expectedVersion !== thing.version)
      throw new RegistryError("VersionConflictException", `Thing ${name} has version ${thing.version}`);
    if (attributes) {
      const next = Object.entries({ ...(merge ? thing.attributes : {}), ...attributes });
      thing.attributes = Object.fromEntries(next.filter(([, value]) => value !== ""));
    }
    thing.version += 1;
    this.#save();
  }

  deleteThing(name: string): void {
    const thing = this.#state.things[name];
    if (!thing) return;
    if (thing.principals.length)
      throw invalid(`Cannot delete. Thing ${name} is still attached to one or more principals`);
    delete this.#state.things[name];
    this.#save();
  }

  attachThing(thingName: string, principal: string): void {
    const thing = this.thing(thingName);
    this.certificateOf(principal);
    if (thing.principals.includes(principal)) return;
    thing.principals.push(principal);
    this.#save();
  }

  detachThing(thingName: string, principal: string): void {
    const thing = this.thing(thingName);
    thing.principals = thing.principals.filter((one) => one !== principal);
    this.#save();
  }

  thingsOf(principal: string): Thing[] {
    return this.things.filter(({ principals }) => principals.includes(principal));
  }

  // Certificates

  get certificates(): Certificate[] {
    return Object.values(this.#state.certificates);
  }

  findCertificate(certificateId: string): Certificate | undefined {
    return this.#state.certificates[certificateId];
  }

  certificate(certificateId: string): Certificate {
    const certificate = this.findCertificate(certificateId);
    if (!certificate) throw new RegistryError("ResourceNotFoundException", `Certificate ${certificateId} not found`);
    return certificate;
  }

  /** A principal is given by its ARN. */
  certificateOf(principal: string): Certificate {
    const prefix = this.arn("cert/");
    if (!principal.startsWith(prefix)) throw invalid(`${principal} is not a certificate of this account and region`);
    return this.certificate(principal.slice(prefix.length));
  }

  addCertificate(certificatePem: string, status: CertificateStatus): Certificate {
    const certificateId = certificateIdOf(new X509Certificate(certificatePem).raw);
    const createdAt = Date.now();
    const certificate = { certificateId, certificatePem, status, createdAt, modifiedAt: createdAt, policies: [] };
    this.#state.certificates[certificateId] = certificate;
    this.#save();
    return certificate;
  }

  setCertificateStatus(certificateId: string, status: CertificateStatus): void {
    const certificate = this.certificate(certificateId);
    certificate.status = status;
    certificate.modifiedAt = Date.now();
    this.#save();
  }

  deleteCertificate(certificateId: string, force: boolean): void {
    const { status, policies } = this.certificate(certificateId);
    if (status === "ACTIVE")
      throw new RegistryError(
        "CertificateStateException",
        "Certificate must be deactivated (not ACTIVE) before deletion.",
      );
    const principal = this.arn(`cert/${certificateId}`);
    if (this.thingsOf(principal).length)
      throw new RegistryError("DeleteConflictException", "Things must be detached before deletion");
    if (policies.length && !force)
      throw new RegistryError("DeleteConflictException", "Certificate policies must be detached before deletion");
    delete this.#state.certificates[certificateId];
    this.#save();
  }

  // Policies

  get policies(): Policy[] {
    return Object.values(this.#state.policies);
  }

  policy(name: string): Policy {
    const policy = this.#state.policies[name];
    if (!policy) throw new RegistryError("ResourceNotFoundException", `Policy ${name} not found`);
    return policy;
  }

  createPolicy(policyName: string, policyDocument: string): Policy {
    if (!policyNamePattern.test(policyName)) throw invalid("policyName does not fit [\\w+=,.@-]+");
    checkPolicyDocument(policyDocument);
    if (this.#state.policies[policyName])
      throw new RegistryError(
        "ResourceAlreadyExistsException",
        `Policy cannot be created - name already exists (name=${policyName})`,
        { resourceArn: this.arn(`policy/${policyName}`) },
      );
    const policy = { policyName, policyDocument, createdAt: Date.now() };
    this.#state.policies[policyName] = policy;
    this.#save();
    return policy;
  }

  deletePolicy(name: string): void {
    if ((this.policy(name).versions?.length ?? 1) > 1)
      throw new RegistryError(
        "DeleteConflictException",
        `Cannot delete the policy because it has more than one version`,
      );
    if (this.targetsOf(name).length)
      throw new RegistryError(
        "DeleteConflictException",
        `Cannot delete the policy because it is attached (name=${name})`,
      );
    delete this.#state.policies[name];
    this.#save();
  }

  /** @returns what the change returns */
  changePolicy<T>(name: string, change: (policy: Policy) => T): T {
    const result = change(this.policy(name));
    this.#save();
    return result;
  }

  /** @param target ARN of a certificate, or id of a Cognito identity */
  attachPolicy(name: string, target: string): void {
    this.policy(name);
    const policies = this.policiesOf(target);
    if (policies.includes(name)) return;
    if (policies.length >= policiesPerPrincipal)
      throw new RegistryError("LimitExceededException", `at most ${policiesPerPrincipal} policies for a principal`);
    this.#setPolicies(target, [...policies, name]);
  }

  detachPolicy(name: string, target: string): void {
    this.policy(name);
    this.#setPolicies(
      target,
      this.policiesOf(target).filter((one) => one !== name),
    );
  }

  /** Names of the policies that are attached to a certificate (ARN) or a Cognito identity (its id). */
  policiesOf(target: string): string[] {
    if (identityPattern.test(target)) return this.#state.identities[target] ?? [];
    return this.certificateOf(target).policies;
  }

  /** What the policy is attached to: ARNs of certificates, ids of identities. */
  targetsOf(policyName: string): string[] {
    const certificates = this.certificates.filter(({ policies }) => policies.includes(policyName));
    const identities = Object.entries(this.#state.identities).filter(([, policies]) => policies.includes(policyName));
    return [
      ...certificates.map(({ certificateId }) => this.arn(`cert/${certificateId}`)),
      ...identities.map(([identityId]) => identityId),
    ];
  }

  #setPolicies(target: string, policies: string[]): void {
    if (!identityPattern.test(target)) this.certificateOf(target).policies = policies;
    else if (policies.length) this.#state.identities[target] = policies;
    else delete this.#state.identities[target];
    this.#save();
  }

  #save(): void {
    this.#file.write(this.#state);
  }
}

/** @param der the certificate */
export function certificateIdOf(der: Uint8Array): string {
  return createHash("sha256").update(der).digest("hex");
}

function invalid(message: string): RegistryError {
  return new RegistryError("InvalidRequestException", message);
}
