import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Authorization } from "./authorization.ts";
import type { KeySource } from "./credentials.ts";
import { JsonApi, type JsonApiOptions, readBody, respond } from "./json-api.ts";
import type { MqttWebSocket } from "./mqtt-websocket.ts";
import { RegistryError } from "./registry-error.ts";
import { verifyRequest } from "./request-signature.ts";
import type { ShadowService } from "./shadow.ts";
import { ShadowError } from "./shadow-document.ts";

export interface DataPlaneOptions extends JsonApiOptions {
  /** Takes the WebSockets that come to this port, as to AWS's port 443. */
  mqtt: MqttWebSocket;
  shadows: ShadowService;
  region: string;
  /** Who may call. */
  credentials: KeySource;
  /** What each of them may do. */
  authorization: Authorization;
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
  #options: DataPlaneOptions;
  #api!: JsonApi;

  private constructor(options: DataPlaneOptions) {
    this.#options = options;
  }

  static async listen(options: DataPlaneOptions): Promise<DataPlane> {
    const plane = new DataPlane(options);
    plane.#api = await JsonApi.listen(
      options,
      (request, response) => plane.handle(request, response),
      (request, socket, head) => plane.upgrade(request, socket, head),
    );
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

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#options.mqtt.upgrade(request, socket, head);
  }

  /** One request, whoever has listened for it. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const operation = operations[request.method ?? ""] ?? "?";
    try {
      const answer = await this.#answer(request);
      respond(response, 200, answer);
      this.#options.onCall?.({ operation, status: 200 });
    } catch (error) {
      const { status, name, message, fields } = describe(error);
      respond(response, status, { message, ...fields }, name);
      this.#options.onCall?.({ operation, status, error: name });
    }
  }

  async #answer(request: IncomingMessage): Promise<object> {
    const { shadows, region, credentials, authorization } = this.#options;
    const body = await readBody(request, maximumBody, tooLarge);
    const { principal } = await verifyRequest(request, body, { service: "iotdata", region, credentials });
    const { pathname, searchParams } = new URL(request.url ?? "/", this.url);
    const [, thing] = /^\/things\/([^/]+)\/shadow$/.exec(pathname) ?? [];
    if (!thing) throw new RegistryError("UnknownOperationException", `${pathname} is not served here`);
    const named = searchParams.get("name");
    const thingName = decodeURIComponent(thing);
    const operation = operations[request.method ?? ""];
    if (operation && !authorization.mayUseData(principal, operation, `thing/${thingName}${named ? `/${named}` : ""}`))
      throw new RegistryError("ForbiddenException", "Forbidden", { traceId: crypto.randomUUID() });
    const name = thingName + (named ? `/name/${named}` : "");
    if (request.method === "GET") return shadows.get(name);
    if (request.method === "POST") return shadows.update(name, body);
    if (request.method === "DELETE") return shadows.delete(name);
    throw new ShadowError(405, "the method is not allowed");
  }
}

const tooLarge = () => new ShadowError(413, "The payload exceeds the maximum size allowed");

function describe(error: unknown): { status: number; name: string; message: string; fields?: object } {
  if (error instanceof RegistryError) return error;
  if (error instanceof ShadowError) {
    const { code: status, message } = error;
    return { status, name: errorNames[status], message };
  }
  console.error(error);
  return { status: 500, name: "InternalFailureException", message: "Internal failure" };
}
