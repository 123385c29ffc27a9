/** The other end of the xsbug protocol: as much of a debugger as a test needs. */
import { EventEmitter, once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

const TIMEOUT = 10_000;

/** Where the machine has stopped. */
export interface Break {
  path: string;
  line: number;
  /** Why: "breakpoint", "step", or an exception's message. */
  message: string;
  /** Names of the frames' functions with path and line, the innermost first. */
  frames: { name: string; path: string; line: number }[];
  locals: Record<string, string>;
}

const decodeEntities = (text: string) =>
  text.replaceAll(/&#(\d+);/g, (_entity, code) => String.fromCharCode(Number(code)));
const attribute = (text: string, name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(text)?.[1] ?? "";

export class DebugServer {
  readonly #server: Server;
  readonly #events = new EventEmitter();
  #socket: Socket | undefined;
  #received = "";

  private constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket) => {
      this.#socket = socket;
      socket.on("error", () => {});
      socket.on("close", () => this.#events.emit("logout"));
      socket.setEncoding("utf8").on("data", (text: string) => this.#receive(text));
    });
  }

  static async listen(): Promise<DebugServer> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new DebugServer(server);
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Resolves with the name that a machine logs in with. */
  async login(): Promise<string> {
    return this.#next<string>("login");
  }

  async stopped(): Promise<Break> {
    return this.#next<Break>("break");
  }

  async log(): Promise<string> {
    return this.#next<string>("log");
  }

  async logout(): Promise<void> {
    if (!this.#socket?.closed) await this.#next("logout");
  }

  setBreakpoints(points: { path: string; line: number }[]): void {
    const list = points.map(({ path, line }) => `<breakpoint path="${path}" line="${line}"/>`);
    this.send(`<set-all-breakpoints>${list.join("")}</set-all-breakpoints>`);
  }

  /** go, step, step-inside, step-outside, logout, abort, or any other element. */
  send(command: string): void {
    this.#socket?.write(`\r\n${command.startsWith("<") ? command : `<${command}/>`}\r\n`);
  }

  close(): void {
    this.#socket?.destroy();
    this.#server.close();
  }

  async #next<T>(event: string): Promise<T> {
    const signal = AbortSignal.timeout(TIMEOUT);
    return (await once(this.#events, event, { signal }))[0];
  }

  #receive(text: string): void {
    this.#received += text;
    for (;;) {
      const end = this.#received.indexOf("</xsbug>");
      if (end < 0) return;
      const message = this.#received.slice(0, end);
      this.#received = this.#received.slice(end + "</xsbug>".length);
      this.#handle(message);
    }
  }

  #handle(message: string): void {
    if (message.includes("<login")) this.#events.emit("login", attribute(message, "name"));
    if (message.includes("<log>")) this.#events.emit("log", decodeEntities(/<log>([^<]*)/.exec(message)?.[1] ?? ""));
    if (message.includes("<break")) this.#events.emit("break", parseBreak(message));
  }
}

function section(message: string, name: string): string {
  return new RegExp(`<${name}[ >].*?</${name}>`, "s").exec(message)?.[0] ?? "";
}

function elements(text: string, name: string): string[] {
  return [...text.matchAll(new RegExp(`<${name}\\s[^>]*>`, "g"))].map(([element]) => element);
}

function place(element: string): { path: string; line: number } {
  return { path: attribute(element, "path"), line: Number(attribute(element, "line")) };
}

function parseBreak(message: string): Break {
  const stop = section(message, "break");
  const frames = elements(section(message, "frames"), "frame");
  const locals = elements(section(message, "local"), "property");
  return {
    ...place(stop),
    message: /# Break: (.*)!/.exec(stop)?.[1] ?? "",
    frames: frames.map((frame) => ({ name: attribute(frame, "name"), ...place(frame) })),
    locals: Object.fromEntries(locals.map((local) => [attribute(local, "name"), attribute(local, "value")])),
  };
}
