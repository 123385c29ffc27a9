import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { findOperation, type Operation } from "./control-operations.ts";
import type { JustInTime } from "./just-in-time.ts";
import type { Provisioning } from "./provisioning.ts";
import "./provisioning-operations.ts";
import "./authority-operations.ts";
import type { Registry } from "./registry.ts";
import { RegistryError } from "./registry-error.ts";
import { verifyRequest } from "./request-signature.ts";
import type { AccessKey } from "./s3/access-keys.ts";

export interface ControlPlaneOptions {
  registry: Registry;
  provisioning: Provisioning;
  justInTime: JustInTime;
  /** Of the message broker, `host:port`. */
  endpoint: string;
  /** A certificate for the request's key, PEM. Throws when the text is no request. */
  signRequest(csrPem: string): Promise<string>;
  /** Something about a certificate has changed. */
  onCertificateChanged(): void;
  /** PEM. */
  server: { key: string; cert: string };
  /** Who may call. */
  accessKeys: AccessKey[];
  port?: number;
  /** After each call. */
  onCall?(call: { operation: string; status: number; error?: string }): void;
}

const maximumBody = 256 * 1024;

/**
 * AWS IoT's control plane (the API of @aws-sdk/client-iot), as far as registering devices needs it: REST with JSON, over HTTPS, every
 * request signed with SigV4.
 */
export class ControlPlane {
  readonly port: number;
  #options: ControlPlaneOptions;
  #server: Server;

  private constructor(options: ControlPlaneOptions, server: Server) {
    this.#options = options;
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on("request", (request, response) => this.#serve(request, response));
  }

  static async listen(options: ControlPlaneOptions): Promise<ControlPlane> {
    const server = createServer({ ...options.server, minVersion: "TLSv1.2" });
    server.listen(options.port ?? 0, "127.0.0.1");
    await once(server, "listening");
    return new ControlPlane(options, server);
  }

  get url(): string {
    return `https://localhost:${this.port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const name = { operation: "?" };
    try {
      const body = await readBody(request);
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
    const { registry, accessKeys } = this.#options;
    await verifyRequest(request, body, { service: "iot", region: registry.region, accessKeys });
    const url = new URL(request.url ?? "/", this.url);
    const { operation, parameters } = findOperation(request.method ?? "GET", url.pathname);
    name.operation = operation.name;
    return (await (operation as Operation).run({
      registry,
      cloud: this.#options,
      parameters,
      query: url.searchParams,
      headers: request.headers,
      body: parseBody(body),
    })) as object;
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > maximumBody) throw new RegistryError("InvalidRequestException", "the request is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

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

function respond(response: ServerResponse, status: number, answer: object, error?: string): void {
  const body = JSON.stringify(answer);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "x-amzn-requestid": crypto.randomUUID(),
    ...(error ? { "x-amzn-errortype": error } : {}),
  });
  response.end(body);
}
