/** Servers that tell a simulated device the time, right or wrong, over real sockets. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import type { SecureContextOptions } from "node:tls";
import { fileURLToPath } from "node:url";
import { startDevice } from "../../sim/host/device-process.ts";
import type { TimeOutcome, TimeTask } from "./firmware/time/task.ts";

export type { TimeOutcome, TimeTask };

/** 1900 to 1970, seconds. */
const unixEpoch = 2_208_988_800;

/** An answer of a time server (RFC 5905, figure 8), without the nonce. */
export function ntpAnswer(time: number): Buffer {
  const packet = Buffer.alloc(48);
  packet[0] = 0x24;
  packet[1] = 2;
  packet.writeUInt32BE((Math.floor(time / 1000) + unixEpoch) % 0x100000000, 40);
  packet.writeUInt32BE(Math.floor(((time % 1000) / 1000) * 0x100000000), 44);
  return packet;
}

/** What it answers: a packet whose bytes 24 to 31 are made the nonce, or nothing. */
export type NTPScript = () => Buffer | undefined;

export class NTPServer {
  answer: NTPScript;
  requests = 0;
  #socket: Socket;

  private constructor(socket: Socket, answer: NTPScript) {
    this.#socket = socket;
    this.answer = answer;
    socket.on("message", (request, { address, port }) => {
      this.requests += 1;
      const packet = this.answer();
      if (!packet) return;
      request.copy(packet, 24, 40, 48);
      socket.send(packet, port, address);
    });
  }

  static async start(answer: NTPScript = () => ntpAnswer(Date.now())): Promise<NTPServer> {
    const socket = createSocket("udp4");
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    return new NTPServer(socket, answer);
  }

  /** As the device is told it. */
  get name(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  close(): void {
    this.#socket.close();
  }
}

/** An HTTPS server that refuses everything, with a Date of its own. */
export class DateServer {
  date: () => string | undefined;
  readonly requests: string[] = [];
  #server: Server;

  private constructor(server: Server, date: () => string | undefined) {
    this.#server = server;
    this.date = date;
    server.on("request", ({ method, url, headers }, response) => {
      this.requests.push(`${method} ${url} ${headers.host}`);
      response.sendDate = false;
      const told = this.date();
      response.writeHead(403, told === undefined ? {} : { Date: told }).end();
    });
    server.on("tlsClientError", () => {});
  }

  static async start(
    secure: SecureContextOptions,
    date: () => string | undefined = () => new Date().toUTCString(),
  ): Promise<DateServer> {
    const server = createServer(secure);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new DateServer(server, date);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

const manifest = join(dirname(fileURLToPath(import.meta.url)), "firmware/time/manifest.json");

/** Has a device with an unset clock ask for the time. */
export async function askForTime(task: TimeTask): Promise<TimeOutcome> {
  const device = await startDevice({
    manifest,
    module: "tests/e2e/firmware/time/time-device",
    environment: { TASK: JSON.stringify(task) },
  });
  const { code, stderr } = await device.exited;
  const line = device.lines.find((each) => each.startsWith("{"));
  if (code !== 0 || !line) throw new Error(`the device ended with ${code}: ${stderr}`);
  return JSON.parse(line) as TimeOutcome;
}
