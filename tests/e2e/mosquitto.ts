/** Debian's mosquitto with mutual TLS: a broker that nobody here wrote. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { connectAsync, type MqttClient } from "mqtt";
import { LocalCA } from "../../certs/local-ca.ts";
import { makeRequest, temporaryDirectory } from "./iot-rig.ts";

const program = ["mosquitto", "/usr/sbin/mosquitto"].find((path) => !spawnSync(path, ["-h"]).error);

/** Why tests with it are left out, if they are. */
export const withoutMosquitto = program ? false : "mosquitto is not installed (Debian: apt install mosquitto)";

/** Milliseconds. */
const startTime = 10_000;

export class Mosquitto {
  readonly ca: LocalCA;
  readonly port: number;
  /** What it writes: with an `acl`, refusals among it. */
  log = "";
  #directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  #process?: ChildProcess;

  private constructor(ca: LocalCA, port: number, directory: Awaited<ReturnType<typeof temporaryDirectory>>) {
    this.ca = ca;
    this.port = port;
    this.#directory = directory;
  }

  /** @param acl lines of its `acl_file`, in which `%u` is the common name of the client's certificate; default: everybody may everything */
  static async start({ acl }: { acl?: string[] } = {}): Promise<Mosquitto> {
    const ca = await LocalCA.create();
    const broker = new Mosquitto(ca, await freePort(), await temporaryDirectory());
    await broker.#configure(acl);
    await broker.open();
    return broker;
  }

  /** `host:port` */
  get endpoint(): string {
    return `localhost:${this.port}`;
  }

  /** Starts it again, with what it has kept. */
  async open(): Promise<void> {
    const child = spawn(program!, ["-v", "-c", this.#path("mosquitto.conf")], { stdio: ["ignore", "pipe", "pipe"] });
    const note = (data: Buffer) => {
      this.log += data;
    };
    child.stdout.on("data", note);
    child.stderr.on("data", note);
    this.#process = child;
    for (const deadline = Date.now() + startTime; Date.now() < deadline; await delay(50))
      if (await isListening(this.port)) return;
    throw new Error(`mosquitto does not listen: ${this.log}`);
  }

  async shut(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode) return;
    const exited = once(child, "exit");
    child.kill("SIGTERM");
    await exited;
  }

  async close(): Promise<void> {
    await this.shut();
    await this.#directory.remove();
  }

  /** npm mqtt with a certificate of that name. */
  async client(commonName: string): Promise<MqttClient> {
    const { key, csr } = await makeRequest(commonName);
    const { certPem: cert } = await this.ca.issueFromCsr(csr);
    const options = { ca: this.ca.certPem, cert, key, clientId: commonName, reconnectPeriod: 200 };
    return connectAsync(`mqtts://${this.endpoint}`, options, false);
  }

  #path(name: string): string {
    return `${this.#directory.path}/${name}`;
  }

  async #configure(acl?: string[]): Promise<void> {
    const { keyPem, chainPem } = await this.ca.issueServer({ names: ["localhost"] });
    await writeFile(this.#path("ca.pem"), this.ca.certPem);
    await writeFile(this.#path("server.pem"), chainPem);
    await writeFile(this.#path("server.key"), keyPem);
    if (acl) await writeFile(this.#path("acl"), `${acl.join("\n")}\n`, { mode: 0o600 });
    const settings = [
      `listener ${this.port} 127.0.0.1`,
      `cafile ${this.#path("ca.pem")}`,
      `certfile ${this.#path("server.pem")}`,
      `keyfile ${this.#path("server.key")}`,
      "require_certificate true",
      "use_identity_as_username true",
      "allow_anonymous false",
      "persistence true",
      `persistence_location ${this.#directory.path}/`,
      "user root",
      ...(acl ? [`acl_file ${this.#path("acl")}`] : []),
    ];
    await writeFile(this.#path("mosquitto.conf"), `${settings.join("\n")}\n`);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  const open = await new Promise<boolean>((resolve) =>
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false)),
  );
  socket.destroy();
  return open;
}
