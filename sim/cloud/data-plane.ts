import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { RegistryError } from "./registry-error.ts";
import { verifyRequest } from "./request-signature.ts";
import type { AccessKey } from "./s3/access-keys.ts";
import type { ShadowService } from "./shadow.ts";
import { ShadowError } from "./shadow-document.ts";

export interface DataPlaneOptions {
  shadows: ShadowService;
  region: string;
  /** PEM. */
  server: { key: string; cert: string };
  /** Who may call. */
  accessKeys: AccessKey[];
  port?: number;
  /** After each call. */
  onCall?(call: { operation: string; status: number; error?: string }): void;
}

/** API model `iot-data`. */
const operations: Record<string, string> = {
  GET: "GetThingShadow",
  POST: "UpdateThingShadow",
  DELETE: "DeleteThingShadow",
};
const errorNames: Record<number, string> = {
  400: "InvalidRequestException",
  401: "UnauthorizedException",
  404: "ResourceNotFoundException",
  405: "MethodNotAllowedException",
  409: "ConflictException",
  413: "RequestEntityTooLargeException",
  415: "UnsupportedDocumentEncodingException",
  429: "ThrottlingException",
};
const maximumBody = 128 * 1024;

/**
 * AWS IoT's data plane (the API of @aws-sdk/client-iot-data-plane), its shadow part: `/things/<thing>/shadow?name=<name>` over HTTPS, every
 * request signed with SigV4.
 */
export class DataPlane {
  readonly port: number;
  #options: DataPlaneOptions;
  #server: Server;

  private constructor(options: DataPlaneOptions, server: Server) {
    this.#options = options;
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on("request", (request, response) => this.#serve(request, response));
  }

  static async listen(options: DataPlaneOptions): Promise<DataPlane> {
    const server = createServer({ ...options.server, minVersion: "TLSv1.2" });
    server.listen(options.port ?? 0, "127.0.0.1");
    await once(server, "listening");
    return new DataPlane(options, server);
  }

  get url(): string {
    return `https://localhost:${this.port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const operation = operations[request.method ?? ""] ?? "?";
    try {
      const answer = await this.#answer(request);
      respond(response, 200, answer);
      this.#options.onCall?.({ operation, status: 200 });
    } catch (error) {
      const { status, name, message } = describe(error);
      respond(response, status, { message }, name);
      this.#options.onCall?.({ operation, status, error: name });
    }
  }

  async #answer(request: IncomingMessage): Promise<object> {
    const { shadows, region, accessKeys } = this.#options;
    const body = await readBody(request);
    await verifyRequest(request, body, { service: "iotdata", region, accessKeys });
    const { pathname, searchParams } = new URL(request.url ?? "/", this.url);
    const [, thing] = /^\/things\/([^/]+)\/shadow$/.exec(pathname) ?? [];
    if (!thing) throw new RegistryError("UnknownOperationException", `${pathname} is not served here`);
    const named = searchParams.get("name");
    const name = decodeURIComponent(thing) + (named ? `/name/${named}` : "");
    if (request.method === "GET") return shadows.get(name);
    if (request.method === "POST") return shadows.update(name, body);
    if (request.method === "DELETE") return shadows.delete(name);
    throw new ShadowError(405, "the method is not allowed");
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > maximumBody) throw new ShadowError(413, "The payload exceeds the maximum size allowed");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function describe(error: unknown): { status: number; name: string; message: string } {
  if (error instanceof RegistryError) return error;
  if (error instanceof ShadowError) {
    const { code: status, message } = error;
    return { status, name: errorNames[status], message };
  }
  console.error(error);
  return { status: 500, name: "InternalFailureException", message: "Internal failure" };
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
