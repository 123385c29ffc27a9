import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import type { CloudSettings } from "./cloud-settings.ts";
import { readPageFile } from "./page-files.ts";
import { securityHeaders } from "./page-policy.ts";
import { longestMessage } from "./radio-protocol.ts";
import { RadioServer } from "./radio-server.ts";

export interface PhoneServerOptions {
  /** For /settings.json; the address of the radio is added here. */
  settings: CloudSettings;
  /** TCP port of the simulator's radio. Absent: the page has Web Bluetooth only. */
  radioPort?: number;
  /** The built page. */
  directory: string;
  /** 0 or absent: any. */
  port?: number;
}

export interface PhoneServer {
  /** Of the page. */
  url: string;
  port: number;
  /** Tabs that use the radio. */
  readonly phones: number;
  close(): Promise<void>;
}

const notBuilt = "The page has not been built yet: `npm start` builds it.\n";

/**
 * Serves the page on 127.0.0.1, its settings at /settings.json, and the simulator's radio at /radio (WebSocket). Only for this machine:
 * other Host headers are refused, so that no name in the DNS can be made to point here, and so are WebSockets of other pages.
 * @throws Error EADDRINUSE when something else has the port
 */
export async function servePhone(options: PhoneServerOptions): Promise<PhoneServer> {
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000, maxHeaderSize: 16 * 1024 });
  await listen(server, options.port ?? 0);
  const { port } = server.address() as AddressInfo;
  const page = new Page(options, port);
  server.on("request", (request, response) => void page.answer(request, response));
  server.on("upgrade", (request, socket, head) => page.upgrade(request, socket, head));
  return {
    url: `http://127.0.0.1:${port}/`,
    port,
    get phones() {
      return page.phones;
    },
    async close() {
      // First of all nobody new: a page that loses its WebSocket opens another one at once.
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await page.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

class Page {
  #options: PhoneServerOptions;
  #hosts: string[];
  #headers: Record<string, string>;
  #sockets = new WebSocketServer({ noServer: true, maxPayload: longestMessage });
  #radio: RadioServer | undefined;
  #closed = false;

  constructor(options: PhoneServerOptions, port: number) {
    this.#options = options;
    this.#hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
    this.#headers = securityHeaders(options.settings, this.#hosts);
    this.#radio = options.radioPort === undefined ? undefined : new RadioServer(options.radioPort);
  }

  get phones(): number {
    return this.#radio?.phones ?? 0;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(this.#headers)) response.setHeader(name, value);
    const host = this.#hostOf(request);
    if (!host) return refuse(response, 403, "This page is for 127.0.0.1 and localhost only.\n");
    if (request.method !== "GET" && request.method !== "HEAD") return refuse(response, 405, "Only GET and HEAD.\n");
    const pathname = pathOf(request);
    if (pathname === "/settings.json") this.#sendSettings(response, host);
    else await this.#sendFile(response, pathname);
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const host = this.#hostOf(request);
    const isOwn = this.#hosts.some((each) => request.headers.origin === `http://${each}`);
    const isRadio = request.url === "/radio";
    if (!host || !isOwn || !isRadio || !this.#radio) {
      const status = !host || !isOwn ? "403 Forbidden" : "404 Not Found";
      socket.on("error", () => socket.destroy());
      socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const radio = this.#radio;
    if (this.#closed) socket.destroy();
    else this.#sockets.handleUpgrade(request, socket, head, (accepted) => radio.accept(accepted));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#radio?.close();
    this.#sockets.close();
  }

  #hostOf(request: IncomingMessage): string | undefined {
    return this.#hosts.find((host) => host === request.headers.host?.toLowerCase());
  }

  /** They are read anew at each load of the page, and nobody keeps them: the simulator's have its password. */
  #sendSettings(response: ServerResponse, host: string): void {
    const radio = this.#radio ? { radio: `ws://${host}/radio` } : {};
    response.setHeader("cache-control", "no-store");
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ ...this.#options.settings, ...radio }));
  }

  async #sendFile(response: ServerResponse, pathname: string): Promise<void> {
    const file = await readPageFile(this.#options.directory, pathname);
    if (!file) return refuse(response, pathname === "/" ? 503 : 404, pathname === "/" ? notBuilt : "Not found.\n");
    for (const [name, value] of Object.entries(file.headers)) response.setHeader(name, value);
    response.end(file.content);
  }
}

/** Without the query, undecoded. */
function pathOf({ url = "/" }: IncomingMessage): string {
  return url.split(/[?#]/, 1)[0];
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.statusCode = status;
  response.setHeader("cache-control", "no-store");
  response.setHeader("content-type", "text/plain; charset=utf-8");
  response.end(text);
}

async function listen(server: Server, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
}
