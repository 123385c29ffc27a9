import type { IncomingMessage, ServerResponse } from "node:http";
import type { Authorization } from "./authorization.ts";
import { findOperation, type Operation } from "./control-operations.ts";
import { resourceOf } from "./control-resource.ts";
import type { KeySource } from "./credentials.ts";
import type { JobService } from "./jobs/job-service.ts";
import type { JustInTime } from "./just-in-time.ts";
import type { Provisioning } from "./provisioning.ts";
import "./policy-operations.ts";
import "./provisioning-operations.ts";
import "./authority-operations.ts";
import "./jobs/job-operations.ts";
import { JsonApi, type JsonApiOptions, readBody, respond } from "./json-api.ts";
import type { Registry } from "./registry.ts";
import { RegistryError } from "./registry-error.ts";
import { verifyRequest } from "./request-signature.ts";

export interface ControlPlaneOptions extends JsonApiOptions {
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
  /** Who may call. */
  credentials: KeySource;
  /** What each of them may do. */
  authorization: Authorization;
  /** After each call. */
  onCall?(call: { operation: string; status: number; error?: string }): void;
}

const maximumBody = 256 * 1024;

/**
 * AWS IoT's control plane (the API of @aws-sdk/client-iot), as far as registering devices needs it: REST with JSON, over HTTPS, every
 * request signed with SigV4.
 */
export class ControlPlane {
  #options: ControlPlaneOptions;
  #api!: JsonApi;

  private constructor(options: ControlPlaneOptions) {
    this.#options = options;
  }

  static async listen(options: ControlPlaneOptions): Promise<ControlPlane> {
    const plane = new ControlPlane(options);
    plane.#api = await JsonApi.listen(options, (request, response) => plane.handle(request, response));
    return plane;
  }

  get port(): number {
    return this.#api.port;
  }

  get url(): string {
    return this.#api.url;
  }

  close(): Promise<void> {
    return this.#api.close();
  }

  /** One request, whoever has listened for it. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const name = { operation: "?" };
    try {
      const body = await readBody(request, maximumBody, tooLarge);
      const answer = await this.#answer(request, body, name);
      respond(response, 200, answer);
      this.#options.onCall?.({ operation: name.operation, status: 200 });
    } catch (error) {
      const known = error instanceof RegistryError ? error : failure(error);
      respond(response, known.status, { message: known.message, ...known.fields }, known.name);
      this.#options.onCall?.({ operation: name.operation, status: known.status, error: known.name });
    }
  }

  async #answer(request: IncomingMessage, body: Buffer, name: { operation: string }): Promise<object> {
    const { registry, credentials, authorization } = this.#options;
    const { principal } = await verifyRequest(request, body, { service: "iot", region: registry.region, credentials });
    const url = new URL(request.url ?? "/", this.url);
    const { operation, parameters } = findOperation(request.method ?? "GET", url.pathname);
    name.operation = operation.name;
    const call = { parameters, body: parseBody(body) };
    authorization.checkControl(principal, operation.name, resourceOf(operation.name, call, registry));
    return (await (operation as Operation).run({
      ...call,
      registry,
      cloud: this.#options,
      query: url.searchParams,
      headers: request.headers,
    })) as object;
  }
}

const tooLarge = () => new RegistryError("InvalidRequestException", "the request is too large");

function parseBody(body: Buffer): Record<string, unknown> {
  if (!body.length) return {};
  try {
    const value = JSON.parse(body.toString());
    if (value && typeof value === "object") return value;
  } catch {
    // Said below.
  }
  throw new RegistryError("InvalidRequestException", "the request body is not a JSON object");
}

function failure(error: unknown): RegistryError {
  console.error(error);
  return new RegistryError("InternalFailureException", "Internal failure");
}
