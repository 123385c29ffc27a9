import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { createWebSocketStream, type WebSocket, WebSocketServer } from "ws";
import type { Authorization } from "./authorization.ts";
import { CredentialRights } from "./client-rights.ts";
import type { AccessKey, KeySource } from "./credentials.ts";
import type { IotCore } from "./iot-core.ts";
import { ForbiddenError, verifyWebSocketURL } from "./websocket-signature.ts";

export interface MqttWebSocketOptions {
  iot: IotCore;
  region: string;
  keys: KeySource;
  authorization: Authorization;
  /** A WebSocket was refused. The client has been told 403 alone. */
  onRefuse?(reason: string): void;
}

/** Bytes of a WebSocket message: AWS IoT's largest MQTT packets come in one frame. */
const maximumMessage = 256 * 1024;

/**
 * The broker's other door: MQTT over WebSocket on `/mqtt`, subprotocol `mqtt`, for clients that sign the URL with SigV4 instead of showing a
 * certificate. It listens nowhere itself; the data plane's port and the browsers' gateway hand their upgrades over.
 */
export class MqttWebSocket {
  #options: MqttWebSocketOptions;
  #server = new WebSocketServer({
    noServer: true,
    maxPayload: maximumMessage,
    handleProtocols: (protocols) => (protocols.has("mqtt") ? "mqtt" : false),
  });

  constructor(options: MqttWebSocketOptions) {
    this.#options = options;
  }

  /** An `upgrade` event of an HTTP server. Never throws: what is wrong is answered. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // A client that goes away during the handshake.
    socket.on("error", () => socket.destroy());
    this.#admit(request).then(
      (key) => this.#server.handleUpgrade(request, socket, head, (webSocket) => this.#open(webSocket, request, key)),
      (error: Error) => this.#refuse(socket, error),
    );
  }

  async #admit(request: IncomingMessage): Promise<AccessKey> {
    const { url = "/", headers } = request;
    if (url.split("?")[0] !== "/mqtt") throw new ForbiddenError("the path is not /mqtt");
    const subprotocols = (headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim());
    if (!subprotocols.includes("mqtt")) throw new ForbiddenError("the subprotocol mqtt is not asked for");
    const { keys, region } = this.#options;
    return verifyWebSocketURL({ url, headers }, { keys, region });
  }

  #open(webSocket: WebSocket, request: IncomingMessage, key: AccessKey): void {
    // MQTT-6.0.0-1: a text frame ends the connection.
    webSocket.on("message", (_data, isBinary) => {
      if (!isBinary) webSocket.terminate();
    });
    const { iot, keys, authorization } = this.#options;
    const sourceIp = request.socket.remoteAddress ?? "";
    const latest = Date.now() + iot.limits.webSocketDuration * 1000;
    const rights = new CredentialRights({ key, keys, authorization, sourceIp, latest });
    iot.accept(createWebSocketStream(webSocket), rights, sourceIp);
  }

  #refuse(socket: Duplex, error: Error): void {
    const forbidden = error instanceof ForbiddenError;
    if (!forbidden) console.error(error);
    this.#options.onRefuse?.(error.message);
    answerUpgrade(socket, forbidden ? 403 : 500);
  }
}

const answers = {
  403: { status: "403 Forbidden", name: "ForbiddenException", message: "Forbidden" },
  404: { status: "404 Not Found", name: "ResourceNotFoundException", message: "Not found" },
  500: { status: "500 Internal Server Error", name: "InternalFailureException", message: "Internal failure" },
};

/** Refuses an upgrade, in the words of AWS IoT, and ends the connection. */
export function answerUpgrade(socket: Duplex, code: keyof typeof answers): void {
  const { status, name, message } = answers[code];
  const body = JSON.stringify({ message, traceId: crypto.randomUUID() });
  const headers = [
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
    `x-amzn-errortype: ${name}`,
    "connection: close",
  ];
  socket.end(`HTTP/1.1 ${status}\r\n${headers.join("\r\n")}\r\n\r\n${body}`);
}
