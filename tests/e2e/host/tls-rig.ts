/** One simulated device that makes TLS connections as it is told, Node's TLS servers for it, and a wire that can be cut. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import tls from "node:tls";
import { fileURLToPath } from "node:url";
import { startDevice } from "../../../sim/host/device-process.ts";
import type { Outcome, Task } from "../firmware/tls/task.ts";

export type { Outcome, Task };

/** `outcomes` counts what became of each repetition; memory is the machine's after a collection. */
export type Answer = Outcome & {
  outcomes: Record<string, number>;
  slots: number;
  chunkBytes: number;
  failed?: string;
};

const manifest = join(dirname(fileURLToPath(import.meta.url)), "../firmware/tls/manifest.json");

type Device = Awaited<ReturnType<typeof startDevice>>;

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

const described = ({ code, signal, stderr }: Awaited<Device["exited"]>) =>
  `the device ended with ${signal ?? code}: ${stderr}`;

export class Rig {
  #control: Socket;
  #lines: AsyncIterator<string>;
  #device: Device;

  private constructor(device: Device, control: Socket) {
    this.#device = device;
    this.#control = control;
    this.#lines = createInterface({ input: control })[Symbol.asyncIterator]();
    device.exited.then(() => control.destroy());
  }

  static async start(): Promise<Rig> {
    const server = createServer();
    const port = await listen(server);
    const device = await startDevice({
      manifest,
      module: "tests/e2e/firmware/tls/tls-device",
      environment: { CONTROL_PORT: String(port) },
    });
    const ended = device.exited.then((exit) => Promise.reject(new Error(described(exit))));
    try {
      const [control] = (await Promise.race([once(server, "connection"), ended])) as [Socket];
      return new Rig(device, control);
    } finally {
      server.close();
    }
  }

  async run(task: Task): Promise<Answer> {
    this.#control.write(`${JSON.stringify(task)}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(described(await this.#device.exited));
    const answer = JSON.parse(value) as Answer;
    if (answer.failed) throw new Error(answer.failed);
    return answer;
  }

  async stop(): Promise<void> {
    this.#control.destroy();
    this.#device.kill();
    await this.#device.exited;
  }
}

/** A TLS server that remembers what it saw. */
export class TLSPeer {
  readonly port: number;
  /** OpenSSL's codes of failed handshakes: what the device's alert said, among others. */
  readonly errors: string[] = [];
  readonly sockets: tls.TLSSocket[] = [];
  #server: tls.Server;
  #waiting: (() => void)[] = [];

  private constructor(server: tls.Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async start(options: tls.TlsOptions, onConnection?: (socket: tls.TLSSocket) => void): Promise<TLSPeer> {
    const server = tls.createServer(options);
    const peer = new TLSPeer(server, await listen(server));
    server.on("secureConnection", (socket) => {
      peer.sockets.push(socket);
      socket.on("error", (error: NodeJS.ErrnoException) => peer.#note(error));
      if (onConnection) onConnection(socket);
      else socket.resume();
    });
    server.on("tlsClientError", (error: NodeJS.ErrnoException) => peer.#note(error));
    return peer;
  }

  #note(error: NodeJS.ErrnoException): void {
    this.errors.push(error.code ?? error.message);
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** The first error, which may arrive after the device has reported. */
  async error(): Promise<string> {
    if (!this.errors.length)
      await Promise.race([
        new Promise<void>((resolve) => this.#waiting.push(resolve)),
        new Promise((resolve) => setTimeout(resolve, 2000)),
      ]);
    return this.errors[0] ?? "none";
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.#server.close();
  }
}

export interface Cuts {
  /** How many bytes may pass to the device and from it on the nth connection, before both ends are closed. */
  toDevice?: (connection: number) => number;
  fromDevice?: (connection: number) => number;
}

/** A TCP proxy that can cut a connection after any byte, and counts what passes. */
export class Wire {
  readonly port: number;
  /** Bytes to and from the device on each connection. */
  readonly counts: { down: number; up: number }[] = [];
  #server: Server;
  #ends = new Set<() => void>();

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async start(target: number, cuts: Cuts = {}): Promise<Wire> {
    const server = createServer({ noDelay: true });
    const wire = new Wire(server, await listen(server));
    server.on("connection", (device) => wire.#join(device, target, cuts));
    return wire;
  }

  #join(device: Socket, target: number, cuts: Cuts): void {
    const index = this.counts.length;
    const count = { down: 0, up: 0 };
    this.counts.push(count);
    const limits = { down: cuts.toDevice?.(index) ?? Infinity, up: cuts.fromDevice?.(index) ?? Infinity };
    const server = connect(target, "127.0.0.1");
    const end = () => {
      server.destroy();
      device.end();
    };
    this.#ends.add(end);
    const pass = (from: Socket, to: Socket, way: "down" | "up") => {
      from.on("data", (data) => {
        const room = limits[way] - count[way];
        count[way] += Math.min(room, data.length);
        if (data.length < room) to.write(data);
        else to.write(data.subarray(0, room), end);
      });
      from.on("end", () => to.end());
      from.on("error", () => to.destroy());
      if (limits[way] === 0) end();
    };
    pass(server, device, "down");
    pass(device, server, "up");
  }

  /** Ends all connections in good order, as far as TCP goes. */
  cut(): void {
    for (const end of this.#ends) end();
  }

  close(): void {
    this.#server.close();
  }
}

/** What the device sends, and the servers send to it. */
export function pattern(length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 255));
}
