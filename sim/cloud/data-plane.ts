import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { ApiPlane, type ApiPlaneOptions, type Failure } from "./api-plane.ts";
import type { Authorization } from "./authorization.ts";
import { type DataServices, findDataOperation } from "./data-operations.ts";
import { readBody } from "./json-api.ts";
import type { MqttWebSocket } from "./mqtt-websocket.ts";
import { RegistryError } from "./registry-error.ts";
import { verifyRequest } from "./request-signature.ts";
import { ShadowError } from "./shadow-document.ts";

export interface DataPlaneOptions extends ApiPlaneOptions, DataServices {
  /** Takes the WebSockets that come to this port, as to AWS's port 443. */
  mqtt: MqttWebSocket;
  region: string;
  /** What each caller may do. */
  authorization: Authorization;
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
export class DataPlane extends ApiPlane<DataPlaneOptions> {
  static async listen(options: DataPlaneOptions): Promise<DataPlane> {
    return new DataPlane(options).open((request, socket, head) => options.mqtt.upgrade(request, socket, head));
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.options.mqtt.upgrade(request, socket, head);
  }

  protected async answer(request: IncomingMessage, said: { operation: string }): Promise<object> {
    const { iot, shadows, region, credentials, authorization } = this.options;
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

  protected override describe(error: unknown): Failure {
    if (!(error instanceof ShadowError)) return super.describe(error);
    const { code: status, message } = error;
    return { status, name: errorNames[status], message };
  }
}

const tooLarge = () => new ShadowError(413, "The payload exceeds the maximum size allowed");
