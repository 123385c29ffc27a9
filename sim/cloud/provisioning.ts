import { createPublicKey, randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { LocalCA } from "../../certs/local-ca.ts";
import { ownMember } from "../own-member.ts";
import { JsonFile } from "./json-file.ts";
import { evaluateTemplate, type ProvisionedResources, parseTemplate, TemplateError } from "./provisioning-template.ts";
import type { Certificate, Registry } from "./registry.ts";
import { RegistryError } from "./registry-error.ts";

export interface ProvisioningTemplate {
  templateName: string;
  templateBody: string;
  description?: string;
  enabled: boolean;
  provisioningRoleArn: string;
  /** A function that is asked before a thing is made. */
  preProvisioningHook?: { payloadVersion: string; targetArn: string };
  type: "FLEET_PROVISIONING" | "JITP";
  createdAt: number;
}

/** A certificate that waits for RegisterThing, by its ownership token. */
interface Token {
  certificateId: string;
  expiresAt: number;
}

interface State {
  templates: Record<string, ProvisioningTemplate>;
  tokens: Record<string, Token>;
  /** When the certificates of provisioning claims stop being accepted, by certificate id; milliseconds since 1970. */
  claims: Record<string, number>;
}

export interface ProvisioningOptions {
  /** File that keeps it. */
  path: string;
  registry: Registry;
  ca: LocalCA;
  /** Milliseconds since 1970. */
  now?: () => number;
}

/** RegisterThing, and who asks. */
export interface RegisterThingRequest {
  templateName: string;
  token: unknown;
  parameters: Record<string, string>;
  clientId: string;
  /** Of the certificate that the client has connected with. */
  claimCertificateId?: string;
}

/** A Lambda function, as a hook. */
type ServedFunction = (event: object) => Promise<unknown>;

interface HookAnswer {
  allowProvisioning?: unknown;
  parameterOverrides?: Record<string, string>;
}

/** AWS waits so long for a hook; milliseconds. */
const hookLimit = 5000;

/** Facts B7: an ownership token and its certificate live an hour, the certificate of a claim five minutes. */
const tokenLife = 3_600_000;
const claimLife = 300_000;

/**
 * Provisioning templates and what is made by them: fleet provisioning by claim and by trusted user (IoT guide, "Provisioning devices that
 * don't have device certificates using fleet provisioning").
 */
export class Provisioning {
  readonly registry: Registry;
  #ca: LocalCA;
  #now: () => number;
  #file: JsonFile<State>;
  #state: State;
  #functions = new Map<string, ServedFunction>();

  constructor({ path, registry, ca, now = Date.now }: ProvisioningOptions) {
    this.registry = registry;
    this.#ca = ca;
    this.#now = now;
    this.#file = new JsonFile(path);
    this.#state = { templates: {}, tokens: {}, claims: {}, ...this.#file.read() };
  }

  // Templates

  get templates(): ProvisioningTemplate[] {
    return Object.values(this.#state.templates);
  }

  template(name: string): ProvisioningTemplate {
    const template = Object.hasOwn(this.#state.templates, name) ? this.#state.templates[name] : undefined;
    if (!template) throw new RegistryError("ResourceNotFoundException", `Provisioning template ${name} not found`);
    return template;
  }

  createTemplate(template: Omit<ProvisioningTemplate, "createdAt">): ProvisioningTemplate {
    const { templateName, templateBody } = template;
    if (!/^[\w-]{1,36}$/.test(templateName)) throw invalid("templateName does not fit [0-9A-Za-z_-]{1,36}");
    this.checkBody(templateBody);
    if (Object.hasOwn(this.#state.templates, templateName))
      throw new RegistryError("ResourceAlreadyExistsException", `Template ${templateName} already exists`);
    const made = { ...template, createdAt: this.#now() };
    this.#state.templates[templateName] = made;
    this.#save();
    return made;
  }

  /** @throws RegistryError InvalidRequestException */
  checkBody(body: string): void {
    try {
      parseTemplate(body);
    } catch (error) {
      throw invalid((error as Error).message);
    }
  }

  deleteTemplate(name: string): void {
    this.template(name);
    delete this.#state.templates[name];
    this.#save();
  }

  // Claims

  /** A certificate that may do nothing but provision a device by this template, for five minutes. */
  async createClaim(templateName: string) {
    const { enabled } = this.template(templateName);
    if (!enabled) throw invalid(`template ${templateName} is not enabled`);
    const expiresAt = this.#now() + claimLife;
    const notAfter = new Date(expiresAt);
    const { keyPem, certPem } = await this.#ca.issueClient({ commonName: "AWS IoT Certificate", notAfter });
    const { certificateId } = this.registry.addCertificate(certPem, "ACTIVE");
    this.registry.attachPolicy(this.#claimPolicy(templateName), this.registry.arn(`cert/${certificateId}`));
    this.#state.claims[certificateId] = expiresAt;
    this.#save();
    const publicKeyPem = createPublicKey(keyPem).export({ type: "spki", format: "pem" }) as string;
    return { certificateId, certPem, keyPem, publicKeyPem, expiresAt };
  }

  /** AWS knows by itself what a claim may do; here it is a policy among the others. */
  #claimPolicy(templateName: string): string {
    const policyName = `ProvisioningClaim-${templateName}`;
    if (this.registry.policies.some((policy) => policy.policyName === policyName)) return policyName;
    const paths = ["certificates/create/*", "certificates/create-from-csr/*"];
    paths.push(`provisioning-templates/${templateName}/provision/*`);
    const arns = (kind: string) => paths.map((path) => this.registry.arn(`${kind}/$aws/${path}`));
    const Statement = [
      { Effect: "Allow", Action: "iot:Connect", Resource: "*" },
      { Effect: "Allow", Action: ["iot:Publish", "iot:Receive"], Resource: arns("topic") },
      { Effect: "Allow", Action: "iot:Subscribe", Resource: arns("topicfilter") },
    ];
    this.registry.createPolicy(policyName, JSON.stringify({ Version: "2012-10-17", Statement }));
    return policyName;
  }

  /** Was this the certificate of a claim, and its time is over? */
  isExpired(certificateId: string): boolean {
    return this.#state.claims[certificateId] <= this.#now();
  }

  // The MQTT API

  /** A certificate that is of use only after RegisterThing with the token. @throws BadRequestError */
  async createCertificate(csrPem: string) {
    const { certPem } = await this.#ca.issueFromCsr(csrPem, { commonName: "AWS IoT Certificate" });
    const { certificateId } = this.registry.addCertificate(certPem, "INACTIVE");
    const token = randomBytes(192).toString("base64");
    this.#dropTokens();
    this.#state.tokens[token] = { certificateId, expiresAt: this.#now() + tokenLife };
    this.#save();
    return { certificateId, certificatePem: certPem, certificateOwnershipToken: token };
  }

  /** Hooks by their ARN. */
  serveFunction(functionArn: string, run: ServedFunction): void {
    this.#functions.set(functionArn, run);
  }

  /**
   * RegisterThing. The token is used up by it, unless the hook refuses.
   * @throws RegistryError InvalidRequestException with the message "InvalidCertificateOwnershipToken", AccessDeniedException; TemplateError
   */
  async registerThing(request: RegisterThingRequest) {
    const { templateName, token, parameters: given } = request;
    const { templateBody, enabled } = this.template(templateName);
    if (!enabled) throw invalid(`template ${templateName} is not enabled`);
    this.#dropTokens();
    const waiting = typeof token === "string" ? ownMember(this.#state.tokens, token) : undefined;
    if (!waiting) throw invalid("InvalidCertificateOwnershipToken");
    const { certificateId } = waiting;
    const parameters = { ...given, ...(await this.#askHook(request, certificateId)) };
    if (this.#state.tokens[token as string] !== waiting) throw invalid("InvalidCertificateOwnershipToken");
    const resources = evaluateTemplate(templateBody, { ...parameters, "AWS::IoT::Certificate::Id": certificateId });
    this.apply(resources, this.registry.certificate(certificateId));
    delete this.#state.tokens[token as string];
    this.#save();
    return { deviceConfiguration: resources.deviceConfiguration, thingName: resources.thing?.thingName };
  }

  /** @returns what the hook puts in the place of parameters @throws RegistryError AccessDeniedException when it refuses, fails, or takes too long */
  async #askHook(request: RegisterThingRequest, certificateId: string): Promise<Record<string, string>> {
    const { templateName, parameters, clientId, claimCertificateId } = request;
    const { preProvisioningHook: hook } = this.template(templateName);
    if (!hook) return {};
    const { certificatePem } = this.registry.certificate(certificateId);
    const templateArn = this.registry.arn(`provisioningtemplate/${templateName}`);
    const event = { claimCertificateId, certificateId, certificatePem, templateArn, clientId, parameters };
    const run = this.#functions.get(hook.targetArn);
    const late = delay(hookLimit, undefined, { ref: false });
    const answer = await Promise.race([run?.(JSON.parse(JSON.stringify(event))), late]).catch(() => undefined);
    const { allowProvisioning, parameterOverrides = {} } = (answer ?? {}) as HookAnswer;
    if (allowProvisioning !== true) throw new RegistryError("AccessDeniedException", "AccessDenied");
    return parameterOverrides;
  }

  /** Makes what a template says for a certificate, and attaches it. */
  apply({ thing, certificate, policies }: ProvisionedResources, { certificateId }: Certificate): void {
    const { registry } = this;
    if (certificate.certificateId !== certificateId)
      throw new TemplateError("the template's certificate is another one");
    const principal = registry.arn(`cert/${certificateId}`);
    if (thing) {
      const existing = registry.things.find(({ thingName }) => thingName === thing.thingName);
      if (existing && thing.existing === "FAIL") throw new TemplateError(`thing ${thing.thingName} exists`);
      const { thingName } = existing ?? registry.createThing(thing.thingName, thing.attributes);
      registry.attachThing(thingName, principal);
    }
    for (const { name, document } of policies) registry.attachPolicy(name ?? this.#documentPolicy(document), principal);
    registry.setCertificateStatus(certificateId, certificate.status);
  }

  /** A policy that a template brings along gets a name from its text. */
  #documentPolicy(document = ""): string {
    const { registry } = this;
    const existing = registry.policies.find(({ policyDocument }) => policyDocument === document);
    return existing?.policyName ?? registry.createPolicy(`T_${randomBytes(20).toString("hex")}`, document).policyName;
  }

  /** What was not registered within an hour is gone, certificate and token. */
  #dropTokens(): void {
    for (const [token, { certificateId, expiresAt }] of Object.entries(this.#state.tokens)) {
      if (expiresAt > this.#now()) continue;
      delete this.#state.tokens[token];
      if (this.registry.findCertificate(certificateId)) this.registry.deleteCertificate(certificateId, true);
    }
  }

  #save(): void {
    this.#file.write(this.#state);
  }
}

function invalid(message: string): RegistryError {
  return new RegistryError("InvalidRequestException", message);
}
