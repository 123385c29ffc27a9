import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  type CertificateDescription,
  CreateCertificateFromCsrCommand,
  CreateThingCommand,
  DescribeCertificateCommand,
  DetachPolicyCommand,
  DetachThingPrincipalCommand,
  InvalidRequestException,
  type IoTClient,
  paginateListAttachedPolicies,
  paginateListPrincipalThings,
  paginateListThingPrincipals,
  ResourceAlreadyExistsException,
  ResourceNotFoundException,
  UpdateCertificateCommand,
} from "@aws-sdk/client-iot";
import { collect, unless } from "./iot-answers.ts";

/** Of every camera; its variables make it fit the one that connects. */
const cameraPolicy = "devicelink-camera";

/**
 * The camera's side of a binding in AWS IoT: thing and certificates. Every method can be
 * called again after it has failed in the middle.
 */
export class CameraRights {
  readonly #iot: IoTClient;

  constructor(iot: IoTClient) {
    this.#iot = iot;
  }

  async createThing(thingName: string): Promise<void> {
    // One that was made with attributes, as provisioning templates do, is there too.
    await unless(ResourceAlreadyExistsException, this.#iot.send(new CreateThingCommand({ thingName })));
  }

  /** For the camera's request (PEM); it may do nothing until it is attached. @returns its ARN; undefined when AWS refuses the request */
  async createCertificate(certificateSigningRequest: string): Promise<string | undefined> {
    const created = this.#iot.send(
      new CreateCertificateFromCsrCommand({ certificateSigningRequest, setAsActive: true }),
    );
    return (await unless(InvalidRequestException, created))?.certificateArn;
  }

  /** PEM of a certificate that is there. */
  async pemOf(certificateArn: string): Promise<string> {
    return (await this.#describe(certificateArn))?.certificatePem ?? "";
  }

  /** PEM of the certificates that the thing can connect with. */
  async activeCertificatesOf(thing: string): Promise<string[]> {
    const found = await Promise.all((await this.#certificatesOf(thing)).map((arn) => this.#describe(arn)));
    return found.flatMap((one) => (one?.status === "ACTIVE" && one.certificatePem ? [one.certificatePem] : []));
  }

  /** Nobody uses it. */
  async discardCertificate(certificateArn: string): Promise<void> {
    const certificateId = certificateArn.replace(/^.*\//, "");
    const inactive = new UpdateCertificateCommand({ certificateId, newStatus: "INACTIVE" });
    await unless(ResourceNotFoundException, this.#iot.send(inactive));
  }

  /** The certificate is active, and neither another thing's nor good for anything else. */
  async isFresh(certificateArn: string, thing: string): Promise<boolean> {
    const found = await this.#describe(certificateArn);
    if (found?.certificateArn !== certificateArn || found.status !== "ACTIVE") return false;
    const things = await this.#thingsOf(certificateArn);
    const policies = await this.#policiesOf(certificateArn);
    return things.every((name) => name === thing) && policies.every((name) => name === cameraPolicy);
  }

  /** The policy comes first: a certificate that belongs to a thing is complete. */
  async attachCertificate(thingName: string, certificateArn: string): Promise<void> {
    await this.#iot.send(new AttachPolicyCommand({ policyName: cameraPolicy, target: certificateArn }));
    await this.#iot.send(new AttachThingPrincipalCommand({ thingName, principal: certificateArn }));
  }

  /** @param kept without it: all certificates of the thing */
  async retireOtherCertificates(thing: string, kept?: string): Promise<void> {
    for (const principal of await this.#certificatesOf(thing))
      if (principal !== kept) await this.retireCertificate(thing, principal);
  }

  /** Deactivating ends the camera's connection; as long as the certificate is the thing's, a repetition finds it again. */
  async retireCertificate(thingName: string, principal: string): Promise<void> {
    await this.discardCertificate(principal);
    for (const policyName of await this.#policiesOf(principal))
      await unless(
        ResourceNotFoundException,
        this.#iot.send(new DetachPolicyCommand({ policyName, target: principal })),
      );
    await unless(ResourceNotFoundException, this.#iot.send(new DetachThingPrincipalCommand({ thingName, principal })));
  }

  async #describe(certificateArn: string): Promise<CertificateDescription | undefined> {
    const certificateId = certificateArn.replace(/^.*\//, "");
    const described = this.#iot.send(new DescribeCertificateCommand({ certificateId }));
    return (await unless(ResourceNotFoundException, described))?.certificateDescription;
  }

  async #certificatesOf(thingName: string): Promise<string[]> {
    const pages = paginateListThingPrincipals({ client: this.#iot }, { thingName });
    return (await collect(pages, ({ principals }) => principals)).filter((principal) => principal.includes(":cert/"));
  }

  #thingsOf(principal: string): Promise<string[]> {
    return collect(paginateListPrincipalThings({ client: this.#iot }, { principal }), ({ things }) => things);
  }

  async #policiesOf(target: string): Promise<string[]> {
    const pages = paginateListAttachedPolicies({ client: this.#iot }, { target });
    const policies = await collect(pages, ({ policies }) => policies);
    return policies.map(({ policyName }) => policyName!);
  }
}
