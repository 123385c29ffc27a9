import { fromBase64, toBase64 } from "./bytes.ts";
import { PhoneError } from "./errors.ts";
import type { ConnectOptions, FoundCamera, GattCentral, GattLink, ScanOptions } from "./gatt.ts";
import type { RadioAction, RadioAnswer, RadioEvent, RadioLinkDescription } from "./radio-protocol.ts";
import { checkNotCancelled, within } from "./waiting.ts";

const openTimeout = 5000;
/** Milliseconds for an answer of the server beyond what the radio itself may take. */
const grace = 20_000;

/** As much of WebSocket as is used here; npm ws has the same, for Node. */
interface Socket {
  readonly readyState: number;
  send(text: string): void;
  close(): void;
  addEventListener(type: "open" | "close" | "error", listener: () => void): void;
  addEventListener(type: "message", listener: (event: { data: unknown }) => void): void;
}

export type SocketClass = new (url: string) => Socket;

interface Pending {
  resolve(result: unknown): void;
  reject(error: Error): void;
  onFound?(camera: FoundCamera): void;
}

/**
 * The simulator's radio, from a browser: the page's server (radio-server.ts) holds a phone's Bluetooth for each WebSocket. It is opened
 * when it is needed first, and again after it was lost; a link ends with its WebSocket.
 */
export class RadioWebSocket implements GattCentral {
  readonly hasChooser = false;
  #url: string;
  #socketClass: SocketClass;
  #socket: Promise<Socket> | undefined;
  #pending = new Map<number, Pending>();
  #links = new Map<number, WebSocketLink>();
  #nextId = 1;

  constructor(url: string, socketClass: SocketClass = (globalThis as unknown as { WebSocket: SocketClass }).WebSocket) {
    this.#url = url;
    this.#socketClass = socketClass;
  }

  async scan({ timeout, name, onFound, signal }: ScanOptions): Promise<FoundCamera[]> {
    return (await this.ask({ action: "scan", timeout, name }, { timeout, signal, onFound })) as FoundCamera[];
  }

  async connect(id: string, { timeout, signal }: ConnectOptions): Promise<GattLink> {
    const action = { action: "connect", camera: id, timeout } as const;
    const description = (await this.ask(action, { timeout: 2 * timeout, signal })) as RadioLinkDescription;
    const link = new WebSocketLink(this, description);
    this.#links.set(description.link, link);
    return link;
  }

  async close(): Promise<void> {
    const socket = await this.#socket?.catch(() => undefined);
    socket?.close();
    this.#lost();
  }

  /** For the links: asks the server. @throws PhoneError */
  async ask(
    action: RadioAction,
    options: { timeout?: number; signal?: AbortSignal; onFound?(camera: FoundCamera): void } = {},
  ): Promise<unknown> {
    const { timeout = 0, signal, onFound } = options;
    checkNotCancelled(signal);
    const socket = await this.#open();
    const id = this.#nextId++;
    const cancel = () => this.#send(socket, { id: this.#nextId++, action: "cancel", request: id });
    const answered = new Promise<unknown>((resolve, reject) => {
      this.#pending.set(id, { resolve, reject, onFound });
      this.#send(socket, { id, ...action });
      if (signal?.aborted) cancel();
      signal?.addEventListener("abort", cancel);
    });
    const late = () => new PhoneError("Timeout", "the server of the page does not answer");
    try {
      return await within(timeout + grace, answered, late);
    } finally {
      signal?.removeEventListener("abort", cancel);
      this.#pending.delete(id);
    }
  }

  #send(socket: Socket, request: RadioAction & { id: number }): void {
    if (socket.readyState === 1) socket.send(JSON.stringify(request));
    else this.#pending.get(request.id)?.reject(gone());
  }

  #open(): Promise<Socket> {
    this.#socket ??= this.#connect().catch((error) => {
      this.#socket = undefined;
      throw error;
    });
    return this.#socket;
  }

  async #connect(): Promise<Socket> {
    const socket = new this.#socketClass(this.#url);
    socket.addEventListener("message", ({ data }) => this.#receive(JSON.parse(String(data))));
    const opened = new Promise<void>((resolve, reject) => {
      socket.addEventListener("open", resolve);
      socket.addEventListener("error", () => reject(gone()));
      socket.addEventListener("close", () => {
        reject(gone());
        this.#lost();
      });
    });
    try {
      await within(openTimeout, opened, gone);
      return socket;
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  #receive(message: RadioAnswer | RadioEvent): void {
    if ("event" in message) {
      if (message.event === "found") this.#pending.get(message.id)?.onFound?.(message.camera);
      else if (message.event === "value") this.#links.get(message.link)?.changed(message.endpoint, message.value);
      else this.#end(message.link);
      return;
    }
    const pending = this.#pending.get(message.id);
    if ("result" in message) pending?.resolve(message.result);
    else pending?.reject(errorFrom(message.error));
  }

  #end(number: number): void {
    this.#links.get(number)?.ended();
    this.#links.delete(number);
  }

  #lost(): void {
    this.#socket = undefined;
    for (const { reject } of this.#pending.values()) reject(gone());
    for (const number of [...this.#links.keys()]) this.#end(number);
  }
}

class WebSocketLink implements GattLink {
  readonly endpoints: readonly string[];
  readonly maximumWrite: number;
  readonly closed: Promise<void>;
  #central: RadioWebSocket;
  #link: number;
  #listeners = new Map<string, (value: Uint8Array) => void>();
  #open = true;
  #end!: () => void;

  constructor(central: RadioWebSocket, { link, endpoints, maximumWrite }: RadioLinkDescription) {
    this.#central = central;
    this.#link = link;
    this.endpoints = endpoints;
    this.maximumWrite = maximumWrite;
    this.closed = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  async write(endpoint: string, value: Uint8Array): Promise<void> {
    await this.#ask({ action: "write", link: this.#link, endpoint, value: toBase64(value) });
  }

  async read(endpoint: string): Promise<Uint8Array> {
    return fromBase64((await this.#ask({ action: "read", link: this.#link, endpoint })) as string);
  }

  async subscribe(endpoint: string, onValue: (value: Uint8Array) => void): Promise<void> {
    this.#listeners.set(endpoint, onValue);
    await this.#ask({ action: "subscribe", link: this.#link, endpoint });
  }

  async close(): Promise<void> {
    if (this.#open) await this.#ask({ action: "disconnect", link: this.#link }).catch(() => {});
    this.ended();
  }

  changed(endpoint: string, value: string): void {
    this.#listeners.get(endpoint)?.(fromBase64(value));
  }

  ended(): void {
    this.#open = false;
    this.#end();
  }

  async #ask(action: RadioAction): Promise<unknown> {
    try {
      if (this.#open) return await this.#central.ask(action);
    } catch (error) {
      // The end of the WebSocket is the end of the link.
      if (this.#open) throw error;
    }
    throw new PhoneError("Disconnected", "the connection to the camera was lost");
  }
}

function gone(): PhoneError {
  return new PhoneError("RadioUnavailable", "the server of the page is gone");
}

function errorFrom({ code, message }: { code: string; message: string }): PhoneError {
  return new PhoneError(PhoneError.isCode(code) ? code : "GattError", message);
}
