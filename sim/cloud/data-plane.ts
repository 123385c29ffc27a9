import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Authorization } from "./authorization.ts";
import type { KeySource } from "./credentials.ts";
import { type DataServices, findDataOperation } from "./data-operations.ts";
import { JsonApi, type JsonApiOptions, readBody, respond } from "./json-api.ts";
import type { MqttWebSocket } from "./mqtt-websocket.ts";
import { RegistryError } from "./registry-error.ts";
import { verifyRequest } from "./request-signature.ts";
import { ShadowError } from "./shadow-document.ts";

export interface DataPlaneOptions extends JsonApiOptions, DataServices {
  /** Takes the WebSockets that come to this port, as to AWS's port 443. */
  mqtt: MqttWebSocket;
  region: string;
  /** Who may call. */
  credentials: KeySource;
  /** What each of them may do. */
  authorization: Authorization;
  /** After each call. */
  onCall?(call: { operation: string; status: number; error?: string }): void;
}

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

/** AWS IoT's data plane (the API of @aws-sdk/client-iot-data-plane; data-operations.ts says how much of it) over HTTPS, every request signed with SigV4. */
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
    const said = { operation: "?" };
    try {
      const answer = await this.#answer(request, said);
      respond(response, 200, answer);
      this.#options.onCall?.({ ...said, status: 200 });
    } catch (error) {
      const { status, name, message, fields } = describe(error);
      respond(response, status, { message, ...fields }, name);
      this.#options.onCall?.({ ...said, status, error: name });
    }
  }

  async #answer(request: IncomingMessage, said: { operation: string }): Promise<object> {
    const { iot, shadows, region, credentials, authorization } = this.#options;
    const body = await readBody(request, maximumBody, tooLarge);
    const { principal } = await verifyRequest(request, body, { service: "iotdata", region, credentials });
    const { pathname, searchParams: query } = new URL(request.url ?? "/", this.url);
    const { operation, name } = findDataOperation(request.method ?? "", pathname);
    said.operation = operation.name;
    const call = { iot, shadows, name, query, body };
    const { actions, resource } = operation.rights(call);
    if (!actions.every((action) => authorization.mayUseData(principal, action, resource)))
      throw new RegistryError("ForbiddenException", "Forbidden", { traceId: crypto.randomUUID() });
    return operation.run(call);
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
