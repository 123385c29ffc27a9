import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { keepAliveTimeout } from "./keep-alive.ts";

export interface JsonApiOptions {
  /** PEM. */
  server: { key: string; cert: string };
  /** Default: any free one. */
  port?: number;
}

type Serve = (request: IncomingMessage, response: ServerResponse) => void;
type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** The HTTPS server under an AWS API that speaks REST with JSON (control-plane.ts, data-plane.ts), on 127.0.0.1. */
export class JsonApi {
  readonly port: number;
  #server: Server;
  #upgraded = new Set<Duplex>();

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  /** @param upgrade takes WebSockets; without it an upgrade is an ordinary request */
  static async listen(
    { server: identity, port = 0 }: JsonApiOptions,
    serve: Serve,
    upgrade?: Upgrade,
  ): Promise<JsonApi> {
    const server = createServer({ ...identity, minVersion: "TLSv1.2", keepAliveTimeout }, serve);
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    const api = new JsonApi(server);
    if (upgrade)
      server.on("upgrade", (request, socket, head) => {
        api.#upgraded.add(socket);
        socket.once("close", () => api.#upgraded.delete(socket));
        upgrade(request, socket, head);
      });
    return api;
  }

  get url(): string {
    return `https://localhost:${this.port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    for (const socket of this.#upgraded) socket.destroy();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** @throws what `tooLarge` makes, as soon as the body is longer than `limit` bytes */
export async function readBody(request: IncomingMessage, limit: number, tooLarge: () => Error): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > limit) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** @param error the exception's name in the API model */
export function respond(response: ServerResponse, status: number, answer: object, error?: string): void {
  const body = JSON.stringify(answer);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "x-amzn-requestid": crypto.randomUUID(),
    ...(error ? { "x-amzn-errortype": error } : {}),
  });
  response.end(body);
}
