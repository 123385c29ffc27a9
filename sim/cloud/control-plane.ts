import type { IncomingMessage } from "node:http";
import { ApiPlane, type ApiPlaneOptions, parseObject } from "./api-plane.ts";
import type { Authorization } from "./authorization.ts";
import { findOperation, type Operation } from "./control-operations.ts";
import { resourceOf } from "./control-resource.ts";
import type { JobService } from "./jobs/job-service.ts";
import type { JustInTime } from "./just-in-time.ts";
import type { Provisioning } from "./provisioning.ts";
import "./policy-operations.ts";
import "./provisioning-operations.ts";
import "./authority-operations.ts";
import "./jobs/job-operations.ts";
import { readBody } from "./json-api.ts";
import type { Registry } from "./registry.ts";
import { RegistryError } from "./registry-error.ts";
import { verifyRequest } from "./request-signature.ts";

export interface ControlPlaneOptions extends ApiPlaneOptions {
  registry: Registry;
  provisioning: Provisioning;
  justInTime: JustInTime;
  jobs: JobService;
  /** Of the message broker, and of the data plane of jobs: `host:port`. */
  endpoint: string;
  jobsEndpoint: string;
  /** A certificate for the request's key, PEM. Throws when the text is no request. */
  signRequest(csrPem: string): Promise<string>;
  /** Something about a certificate has changed. */
  onCertificateChanged(): void;
  /** What each caller may do. */
  authorization: Authorization;
}

const maximumBody = 256 * 1024;

/**
 * AWS IoT's control plane (the API of @aws-sdk/client-iot), as far as registering devices needs it: REST with JSON, over HTTPS, every
 * request signed with SigV4.
 */
export class ControlPlane extends ApiPlane<ControlPlaneOptions> {
  static async listen(options: ControlPlaneOptions): Promise<ControlPlane> {
    return new ControlPlane(options).open();
  }

  protected async answer(request: IncomingMessage, said: { operation: string }): Promise<object> {
    const { registry, credentials, authorization } = this.options;
    const body = await readBody(request, maximumBody, tooLarge);
    const { principal } = await verifyRequest(request, body, { service: "iot", region: registry.region, credentials });
    const url = new URL(request.url ?? "/", this.url);
    const { operation, parameters } = findOperation(request.method ?? "GET", url.pathname);
    said.operation = operation.name;
    const call = { parameters, body: parseObject(body, invalid) };
    authorization.checkControl(principal, operation.name, resourceOf(operation.name, call, registry));
    return (await (operation as Operation).run({
      ...call,
      registry,
      cloud: this.options,
      query: url.searchParams,
      headers: request.headers,
    })) as object;
  }
}

const tooLarge = () => invalid("the request is too large");
const invalid = (message: string) => new RegistryError("InvalidRequestException", message);
