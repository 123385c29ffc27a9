import type { WebSocket } from "ws";
import { fromBase64, toBase64 } from "./bytes.ts";
import { PhoneError } from "./errors.ts";
import type { GattLink } from "./gatt.ts";
import { RadioCentral } from "./radio-central.ts";
import type { RadioAnswer, RadioEvent, RadioLinkDescription, RadioRequest } from "./radio-protocol.ts";

/** A page that does not keep up, or asks for more than this at once, is disconnected. */
const bounds = { requests: 32, links: 4, bytesWaiting: 64 * 1024, timeout: 120_000 };
/** WebSocket close codes (RFC 6455 section 7.4.1). */
const Close = { unsupportedData: 1003, policyViolation: 1008 } as const;

/**
 * A phone on the simulator's radio for each WebSocket (radio-protocol.ts): several tabs are several phones. What it has on the
 * radio ends with the WebSocket.
 */
export class RadioServer {
  #radioPort: number;
  #phones = new Set<PagePhone>();

  constructor(radioPort: number) {
    this.#radioPort = radioPort;
  }

  get phones(): number {
    return this.#phones.size;
  }

  accept(socket: WebSocket): void {
    const phone = new PagePhone(socket, this.#radioPort);
    this.#phones.add(phone);
    socket.on("close", () => {
      this.#phones.delete(phone);
      void phone.close();
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#phones].map((phone) => phone.close()));
  }
}

class PagePhone {
  #socket: WebSocket;
  #radioPort: number;
  #central: Promise<RadioCentral> | undefined;
  #links = new Map<number, GattLink>();
  #cancels = new Map<number, AbortController>();
  #requests = 0;
  #nextLink = 1;

  constructor(socket: WebSocket, radioPort: number) {
    this.#socket = socket;
    this.#radioPort = radioPort;
    socket.on("error", () => socket.terminate());
    socket.on("message", (data, isBinary) => this.#receive(isBinary ? "" : String(data)));
  }

  async close(): Promise<void> {
    this.#socket.terminate();
    for (const cancel of this.#cancels.values()) cancel.abort();
    const central = await this.#central?.catch(() => undefined);
    this.#central = undefined;
    await central?.close();
  }

  #receive(text: string): void {
    const request = parseRequest(text);
    if (!request) this.#socket.close(Close.unsupportedData, "no request of this protocol");
    else if (request.action === "cancel") this.#cancels.get(request.request)?.abort();
    else if (this.#requests >= bounds.requests) this.#socket.close(Close.policyViolation, "too many requests at once");
    else void this.#answer(request);
  }

  async #answer(request: RadioRequest): Promise<void> {
    const { id } = request;
    this.#requests += 1;
    try {
      this.#send({ id, result: (await this.#perform(request)) ?? null });
    } catch (error) {
      const code = error instanceof PhoneError ? error.code : "GattError";
      this.#send({ id, error: { code, message: (error as Error).message } });
    } finally {
      this.#requests -= 1;
    }
  }

  #perform(request: RadioRequest): Promise<unknown> {
    switch (request.action) {
      case "scan":
      case "connect":
        return this.#performLong(request);
      case "write":
        return this.#link(request.link).write(request.endpoint, fromBase64(request.value));
      case "read":
        return this.#link(request.link).read(request.endpoint).then(toBase64);
      case "subscribe":
        return this.#subscribe(request.link, request.endpoint);
      case "disconnect":
        return this.#link(request.link).close();
      default:
        throw new PhoneError("GattError", "no such action");
    }
  }

  async #performLong(request: RadioRequest & { action: "scan" | "connect" }): Promise<unknown> {
    const { id } = request;
    const cancel = new AbortController();
    this.#cancels.set(id, cancel);
    const options = { timeout: Math.min(request.timeout, bounds.timeout), signal: cancel.signal };
    try {
      const central = await this.#open();
      if (request.action === "connect") return await this.#connect(central, request.camera, options);
      const onFound = (camera: object) => this.#send({ event: "found", id, camera } as RadioEvent);
      return await central.scan({ ...options, name: request.name, onFound });
    } finally {
      this.#cancels.delete(id);
    }
  }

  async #connect(
    central: RadioCentral,
    camera: string,
    options: { timeout: number; signal: AbortSignal },
  ): Promise<RadioLinkDescription> {
    if (this.#links.size >= bounds.links) throw new PhoneError("Busy", "too many connections");
    const link = await central.connect(camera, options);
    const number = this.#nextLink++;
    this.#links.set(number, link);
    void link.closed.then(() => {
      this.#links.delete(number);
      this.#send({ event: "closed", link: number });
    });
    return { link: number, endpoints: [...link.endpoints], maximumWrite: link.maximumWrite };
  }

  async #subscribe(number: number, endpoint: string): Promise<void> {
    await this.#link(number).subscribe(endpoint, (value) =>
      this.#send({ event: "value", link: number, endpoint, value: toBase64(value) }),
    );
  }

  /** One central, also for several requests at once; another one after the radio was started again. */
  #open(): Promise<RadioCentral> {
    this.#central ??= RadioCentral.open({ port: this.#radioPort }).then(
      (central) => {
        central.onGone = () => {
          this.#central = undefined;
        };
        return central;
      },
      (error) => {
        this.#central = undefined;
        throw error;
      },
    );
    return this.#central;
  }

  #link(number: number): GattLink {
    const link = this.#links.get(number);
    if (!link) throw new PhoneError("Disconnected", "the connection to the camera was lost");
    return link;
  }

  #send(message: RadioAnswer | RadioEvent): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    if (this.#socket.bufferedAmount > bounds.bytesWaiting) this.#socket.terminate();
    else this.#socket.send(JSON.stringify(message));
  }
}

const fields: Record<RadioRequest["action"], Record<string, "number" | "string">> = {
  scan: { timeout: "number" },
  connect: { camera: "string", timeout: "number" },
  write: { link: "number", endpoint: "string", value: "string" },
  read: { link: "number", endpoint: "string" },
  subscribe: { link: "number", endpoint: "string" },
  disconnect: { link: "number" },
  cancel: { request: "number" },
};

function parseRequest(text: string): RadioRequest | undefined {
  try {
    const request = JSON.parse(text);
    if (!Object.hasOwn(fields, request.action) || !Number.isSafeInteger(request.id)) return undefined;
    const wanted = Object.entries(fields[request.action as RadioRequest["action"]]);
    return wanted.every(([name, type]) => typeof request[name] === type) ? request : undefined;
  } catch {
    return undefined;
  }
}
