import { randomBytes, X509Certificate } from "node:crypto";
import { JsonFile } from "./json-file.ts";
import type { Provisioning } from "./provisioning.ts";
import { evaluateTemplate } from "./provisioning-template.ts";
import { certificateIdOf } from "./registry.ts";
import { RegistryError } from "./registry-error.ts";

/** An authority of the account's owner. */
export interface Authority {
  certificateId: string;
  certificatePem: string;
  status: "ACTIVE" | "INACTIVE";
  autoRegistration: boolean;
  registrationConfig?: RegistrationConfig;
  createdAt: number;
}

export interface RegistrationConfig {
  templateBody?: string;
  templateName?: string;
  roleArn?: string;
}

interface State {
  /** What an owner has to sign to prove that an authority is theirs. */
  registrationCode: string;
  authorities: Record<string, Authority>;
}

export interface JustInTimeOptions {
  /** File that keeps it. */
  path: string;
  provisioning: Provisioning;
  publish(topic: string, message: string): void;
}

/** Parts of a subject, and the template parameters that they become (facts B6). */
const subjectParameters: Record<string, string> = {
  C: "Country",
  O: "Organization",
  OU: "OrganizationalUnit",
  dnQualifier: "DistinguishedNameQualifier",
  ST: "StateName",
  CN: "CommonName",
  serialNumber: "SerialNumber",
};

/**
 * Just-in-time registration and provisioning (IoT guide, same titles): a certificate that an owner's authority has signed is registered when
 * its device first says CONNECT. That connection is closed in any case; with a template the next one is accepted, without one somebody
 * who hears the event has to activate the certificate.
 */
export class JustInTime {
  #provisioning: Provisioning;
  #publish: JustInTimeOptions["publish"];
  #file: JsonFile<State>;
  #state: State;

  constructor({ path, provisioning, publish }: JustInTimeOptions) {
    this.#provisioning = provisioning;
    this.#publish = publish;
    this.#file = new JsonFile(path);
    this.#state = this.#file.read() ?? { registrationCode: randomBytes(32).toString("hex"), authorities: {} };
    this.#file.write(this.#state);
  }

  get registrationCode(): string {
    return this.#state.registrationCode;
  }

  get authorities(): Authority[] {
    return Object.values(this.#state.authorities);
  }

  authority(certificateId: string): Authority {
    const found = Object.hasOwn(this.#state.authorities, certificateId) && this.#state.authorities[certificateId];
    if (!found) throw new RegistryError("ResourceNotFoundException", `CA certificate ${certificateId} not found`);
    return found;
  }

  /** RegisterCACertificate in DEFAULT mode. */
  register(request: Omit<Authority, "certificateId" | "createdAt"> & { verificationCertificate: string }): Authority {
    const { verificationCertificate, ...authority } = request;
    const certificate = parse(authority.certificatePem, "caCertificate");
    if (!certificate.ca) throw invalidCertificate("the CA certificate is not one of an authority");
    const verification = parse(verificationCertificate, "verificationCertificate");
    if (!isSignedBy(verification, certificate))
      throw invalidCertificate("the verification certificate is not signed by the CA certificate");
    if (partsOf(verification).CN !== this.registrationCode)
      throw new RegistryError("RegistrationCodeValidationException", "the common name is not the registration code");
    const { templateBody, templateName } = authority.registrationConfig ?? {};
    if (templateBody !== undefined) this.#provisioning.checkBody(templateBody);
    if (templateName !== undefined) this.#provisioning.template(templateName);
    const certificateId = certificateIdOf(certificate.raw);
    if (Object.hasOwn(this.#state.authorities, certificateId))
      throw new RegistryError("ResourceAlreadyExistsException", "the CA certificate is registered already");
    const made = { ...authority, certificateId, createdAt: Date.now() };
    this.#state.authorities[certificateId] = made;
    this.#file.write(this.#state);
    return made;
  }

  /** At CONNECT. @returns why the connection is closed, if this certificate was registered by it or waits to be activated */
  inspect(certificateId: string, der: Buffer): string | undefined {
    const { registry } = this.#provisioning;
    const known = registry.findCertificate(certificateId);
    if (known && known.status !== "PENDING_ACTIVATION") return undefined;
    const certificate = new X509Certificate(der);
    const authority = Object.values(this.#state.authorities).find(
      ({ status, autoRegistration, certificatePem }) =>
        status === "ACTIVE" && autoRegistration && isSignedBy(certificate, new X509Certificate(certificatePem)),
    );
    if (!authority || new Date(certificate.validTo).getTime() < Date.now()) return undefined;
    const registered = known ?? registry.addCertificate(certificate.toString(), "PENDING_ACTIVATION");
    this.#announce(certificateId, authority.certificateId, registered.createdAt);
    return `the certificate is PENDING_ACTIVATION${this.#provision(authority, certificateId, certificate)}`;
  }

  #announce(certificateId: string, caCertificateId: string, registeredAt: number): void {
    const event = {
      certificateId,
      caCertificateId,
      timestamp: Date.now(),
      certificateStatus: "PENDING_ACTIVATION",
      awsAccountId: this.#provisioning.registry.accountId,
      certificateRegistrationTimestamp: String(registeredAt),
    };
    this.#publish(`$aws/events/certificates/registered/${caCertificateId}`, JSON.stringify(event));
  }

  /** @returns what became of it, for the log */
  #provision({ registrationConfig }: Authority, certificateId: string, certificate: X509Certificate): string {
    const { templateBody, templateName } = registrationConfig ?? {};
    const body = templateBody ?? (templateName && this.#provisioning.template(templateName).templateBody);
    if (!body) return "";
    try {
      const parameters: Record<string, string> = { "AWS::IoT::Certificate::Id": certificateId };
      for (const [part, value] of Object.entries(partsOf(certificate)))
        if (Object.hasOwn(subjectParameters, part))
          parameters[`AWS::IoT::Certificate::${subjectParameters[part]}`] = value;
      const { registry } = this.#provisioning;
      this.#provisioning.apply(evaluateTemplate(body, parameters), registry.certificate(certificateId));
      return ", and provisioned now";
    } catch (error) {
      return `, and its template failed: ${(error as Error).message}`;
    }
  }
}

function parse(pem: string, what: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw invalidCertificate(`${what} is no certificate`);
  }
}

function isSignedBy(certificate: X509Certificate, authority: X509Certificate): boolean {
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}

/** Node writes a subject as one `NAME=value` a line. */
function partsOf({ subject }: X509Certificate): Record<string, string> {
  const parts = subject
    .split("\n")
    .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]);
  return Object.fromEntries(parts);
}

function invalidCertificate(message: string): RegistryError {
  return new RegistryError("CertificateValidationException", message);
}
