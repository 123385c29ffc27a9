import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { allowAnyOrigin, allowPrivateNetwork } from "./cors.ts";
import { respond } from "./json-api.ts";
import { keepAliveTimeout } from "./keep-alive.ts";
import { answerUpgrade } from "./mqtt-websocket.ts";

/** What answers behind a name: the same object that answers on its own TLS port. */
export interface GatewayService {
  handle(request: IncomingMessage, response: ServerResponse, expectsContinue?: boolean): void | Promise<void>;
  upgrade?(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** It answers preflights itself, by rules of its own. */
  readonly hasOwnCORS?: boolean;
}

/** By the first part of AWS's host names: `s3`, `iot`, `data.iot`, `cognito-idp`, `cognito-identity`. */
export type GatewayServices = Record<string, GatewayService>;

export interface GatewayOptions {
  services: GatewayServices;
  /** Default: any free one. */
  port?: number;
}

const suffix = ".localhost";

/**
 * The cloud as a browser sees it. A browser does not know the local authority, but takes `http://<service>.localhost` on 127.0.0.1 for as trustworthy as
 * HTTPS; so here all services share one plain port, under names like AWS's. Signatures are checked against the Host that the client has signed and sent.
 */
export class Gateway {
  readonly port: number;
  #server: Server;
  #services: GatewayServices;
  #upgraded = new Set<Duplex>();

  private constructor(server: Server, services: GatewayServices) {
    this.#server = server;
    this.#services = services;
    this.port = (server.address() as AddressInfo).port;
    server.on("request", (request, response) => this.#serve(request, response, false));
    server.on("checkContinue", (request, response) => this.#serve(request, response, true));
    server.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
  }

  static async listen({ services, port = 0 }: GatewayOptions): Promise<Gateway> {
    const server = createServer({ keepAliveTimeout });
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return new Gateway(server, services);
  }

  /** Of a service: `http://iot.localhost:PORT`. */
  url(name: string): string {
    return `http://${name}${suffix}:${this.port}`;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    for (const socket of this.#upgraded) socket.destroy();
    await closed;
  }

  #serve(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    allowPrivateNetwork(request, response);
    const service = this.#find(request.headers.host);
    if (service?.hasOwnCORS) {
      service.handle(request, response, expectsContinue);
      return;
    }
    if (allowAnyOrigin(request, response)) return;
    if (expectsContinue) response.writeContinue();
    if (service) service.handle(request, response);
    else respond(response, 404, { message: this.#explain(request.headers.host) }, "UnknownServiceException");
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#upgraded.add(socket);
    socket.once("close", () => this.#upgraded.delete(socket));
    const service = this.#find(request.headers.host);
    if (service?.upgrade) service.upgrade(request, socket, head);
    else answerUpgrade(socket, 404);
  }

  /** A bucket's name may stand before `s3`. */
  #find(host = ""): GatewayService | undefined {
    const name = host.replace(/:\d+$/, "").toLowerCase();
    if (!name.endsWith(suffix)) return undefined;
    const service = name.slice(0, -suffix.length).replace(/^.+\.s3$/, "s3");
    return Object.hasOwn(this.#services, service) ? this.#services[service] : undefined;
  }

  #explain(host = ""): string {
    const names = Object.keys(this.#services).map((name) => `${name}${suffix}`);
    return `nothing is served as ${host} here, but ${names.join(", ")}`;
  }
}
