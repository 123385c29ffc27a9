/** A simulated device with a CloudSession, and identities for it. */
import "reflect-metadata";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { IoTClient } from "@aws-sdk/client-iot";
import * as x509 from "@peculiar/x509";
import { type DeviceProcess, startDevice } from "../../sim/host/device-process.ts";
import { registerThing } from "../../sim/phone/aws.ts";
import type { SessionCommand, SessionSettings } from "./host/session-task.ts";

const manifest = join(dirname(fileURLToPath(import.meta.url)), "firmware/cloud/manifest.json");

export interface SessionEvent {
  event: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it
  [field: string]: any;
}

const limit = 20_000;

export class SessionDevice {
  readonly events: SessionEvent[] = [];
  readonly console: string[] = [];
  #device: DeviceProcess;
  #control: Socket;
  #exit?: string;
  #count = 0;
  #listeners = new Set<() => void>();

  private constructor(device: DeviceProcess, control: Socket) {
    this.#device = device;
    this.#control = control;
    control.on("error", () => {});
    device.exited.then(({ code, signal, stderr }) => {
      this.#exit = `the device ended with ${signal ?? code}: ${stderr}`;
      for (const listener of this.#listeners) listener();
    });
  }

  /** A device that is connecting. */
  static async start(
    settings: SessionSettings,
    options: { timeScale?: number; manifest?: string } = {},
  ): Promise<SessionDevice> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    let session: SessionDevice | undefined;
    const early: string[] = [];
    const device = await startDevice({
      manifest: options.manifest ?? manifest,
      module: "tests/e2e/firmware/cloud/session-device",
      environment: { SESSION: JSON.stringify(settings), CONTROL_PORT: String((server.address() as AddressInfo).port) },
      timeScale: options.timeScale,
      onTrace: (line) => (session ? session.#take(line) : early.push(line)),
    });
    const ended = device.exited.then(({ code, signal, stderr }) => {
      throw new Error(`the device ended with ${signal ?? code}: ${stderr}`);
    });
    // A server that is left open would keep the test's process for ever.
    const connection = Promise.race([once(server, "connection"), ended]).finally(() => server.close());
    const [control] = (await connection) as [Socket];
    session = new SessionDevice(device, control);
    for (const line of early) session.#take(line);
    await session.do("connect");
    return session;
  }

  get pid(): number {
    return this.#device.pid;
  }

  get states(): string[] {
    return this.events
      .filter(({ event }) => event === "state")
      .map(({ state, code }) => (code ? `${state} ${code}` : state));
  }

  #take(line: string): void {
    if (!line.startsWith('{"event":')) {
      this.console.push(line);
      return;
    }
    this.events.push(JSON.parse(line));
    for (const listener of this.#listeners) listener();
  }

  /** The first event that fits, from `from` on. */
  async event(what: string, fits: (event: SessionEvent) => boolean, from = 0): Promise<SessionEvent> {
    const find = () => this.events.slice(from).find(fits);
    const deadline = Date.now() + limit;
    for (let found = find(); ; found = find()) {
      if (found) return found;
      const rest = deadline - Date.now();
      if (this.#exit || rest <= 0) {
        const reason = this.#exit ?? `no ${what} in ${limit / 1000} s`;
        throw new Error(
          `${reason}; events: ${JSON.stringify(this.events.slice(-12))}; console: ${this.console.slice(-5)}`,
        );
      }
      await this.#change(rest);
    }
  }

  state(state: string, from = 0): Promise<SessionEvent> {
    return this.event(`state ${state}`, (event) => event.event === "state" && event.state === state, from);
  }

  message(text: string, from = 0): Promise<SessionEvent> {
    return this.event(`message ${text}`, (event) => event.event === "message" && event.text === text, from);
  }

  /** Resolves with the answer, rejects with the session's error. */
  async do(name: SessionCommand["name"], fields: Omit<SessionCommand, "n" | "name"> = {}): Promise<SessionEvent> {
    this.#count += 1;
    const n = this.#count;
    const from = this.events.length;
    this.#control.write(`${JSON.stringify({ n, name, ...fields })}\n`);
    const answer = await this.event(`answer to ${name}`, (event) => event.n === n, from);
    if (answer.event === "failed") throw Object.assign(new Error(answer.message), { code: answer.code });
    return answer;
  }

  async stop(): Promise<void> {
    this.#control.destroy();
    this.#device.kill("SIGKILL");
    await this.#device.exited;
  }

  #change(timeout: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#listeners.delete(done);
        resolve();
      };
      const timer = setTimeout(done, timeout);
      this.#listeners.add(done);
    });
  }
}

/** A key of the device's own and a request for it, as PEM. */
export async function makeRequest(commonName: string): Promise<{ key: string; csr: string }> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: `CN=${commonName}`,
    keys,
    signingAlgorithm: algorithm,
  });
  const der = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return { key: x509.PemConverter.encode(der, "PRIVATE KEY"), csr: request.toString("pem") };
}

export interface Identity {
  thingName: string;
  endpoint: string;
  certificate: string;
  certificateArn: string;
  certificateId: string;
  key: string;
}

/** A thing, registered as the phone does it. */
export async function makeIdentity(client: IoTClient, thingName: string): Promise<Identity> {
  const { key, csr } = await makeRequest(thingName);
  const { endpoint, certPem, certificateArn } = await registerThing(client, { thingName, csrPem: csr });
  const certificateId = certificateArn.replace(/^.*\//, "");
  return { thingName, endpoint, certificate: certPem, certificateArn, certificateId, key };
}

export async function temporaryDirectory(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "devicelink-iot-"));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
