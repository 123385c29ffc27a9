/** A camera that may use several regions: it takes the quickest, remembers it, and moves on when it goes dark. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, readFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { IoTClient } from "@aws-sdk/client-iot";
import { type Cloud, startCloud } from "../../sim/cloud/cloud.ts";
import { AwsRegistrar, registerInRegions } from "../../sim/phone/aws.ts";
import { CameraClient } from "../../sim/phone/camera-client.ts";
import { CameraOwner } from "../../sim/phone/camera-owner.ts";
import { RadioCentral } from "../../sim/phone/radio-central.ts";
import { network } from "../../sim/start/processes.ts";
import { LineRig } from "./line-rig.ts";

/** A region that takes TCP connections at once, and never says a word. */
class DarkRegion {
  connections = 0;
  bytes = 0;
  #sockets = new Set<Socket>();
  #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.on("data", ({ length }) => {
        this.bytes += length;
      });
      socket.on("error", () => {});
    });
  }

  static async open(): Promise<DarkRegion> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new DarkRegion(server);
  }

  get endpoint(): string {
    return `localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

const listener = `
  const server = require("node:net").createServer((socket) => { console.log("connection"); socket.on("error", () => {}); });
  server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => console.log(server.address().port));
`;

/** A region so far away that no connection to it comes about in time: nobody accepts them, and the queue is full. */
class SlowRegion {
  readonly endpoint: string;
  #process: ChildProcess;
  #sockets: Socket[];

  private constructor(port: number, process: ChildProcess) {
    this.endpoint = `localhost:${port}`;
    this.#process = process;
    this.#sockets = Array.from({ length: 4 }, () => connect(port, "127.0.0.1").on("error", () => {}));
  }

  static async open(): Promise<SlowRegion> {
    const child = spawn(process.execPath, ["-e", listener], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = await once(child.stdout, "data");
    child.kill("SIGSTOP");
    const region = new SlowRegion(Number(String(line)), child);
    await delay(100);
    return region;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    const exit = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await exit;
  }
}

let rig: LineRig;
let phone: CameraClient;
let owner: CameraOwner;
let dark: DarkRegion;
let slow: SlowRegion;
let far: Cloud;
let thingName = "";
let home = "";

const openFar = () =>
  startCloud({
    directory: join(rig.directory, "far"),
    out: join(rig.directory, "far-out"),
    region: "eu-west-1",
    limits: { connectsPerSecond: 99 },
  });

async function client(url: string, region: string, credentials: { accessKeyId: string; secretAccessKey: string }) {
  const requestHandler = { httpsAgent: { ca: await readFile(rig.line.cloud.rootCA, "utf8") } };
  return new IoTClient({ region, endpoint: url, credentials, requestHandler });
}

before(async () => {
  rig = await LineRig.open({ timeScale: 10 });
  const { rootCA } = rig.line.cloud;
  // Both regions' brokers have certificates of one authority, as Amazon's have.
  await cp(dirname(rootCA), join(rig.directory, "far", "ca"), { recursive: true });
  [dark, slow, far] = await Promise.all([DarkRegion.open(), SlowRegion.open(), openFar()]);
});

after(async () => {
  await phone?.close().catch(() => {});
  await far?.close();
  await rig?.close();
  await slow?.close();
  dark?.close();
});

async function connectPhone(): Promise<void> {
  const { name, pop } = await rig.line.label;
  await phone?.close().catch(() => {});
  phone = new CameraClient(await RadioCentral.open({ port: rig.line.radioPort }));
  await phone.connect(name);
  await phone.openSession(pop);
  const rootCA = await readFile(rig.line.cloud.rootCA, "utf8");
  owner = new CameraOwner({ client: phone, rootCA, registrar: new AwsRegistrar({ cloud: rig.line.cloud, rootCA }) });
}

/** The endpoint that the camera is online at. */
async function online(fits: (endpoint: string) => boolean = () => true): Promise<string> {
  for (const deadline = Date.now() + 60_000; ; await delay(100)) {
    const { state, endpoint } = await owner.deviceInfo();
    if (state === "online" && typeof endpoint === "string" && fits(endpoint)) return endpoint;
    if (Date.now() > deadline) throw new Error(`not online, but ${state} at ${endpoint}`);
  }
}

test("a camera with four regions: the dark one is left, the slow one never wins, the identity is good in both others", async () => {
  await connectPhone();
  const { rootCA, api, region, credentials } = rig.line.cloud;
  const here = await client(api.url, region, JSON.parse(await readFile(credentials, "utf8")));
  const there = await client(far.api.url, far.region, far.accessKey);
  await phone.configureWiFi(network);
  await phone.waitForWiFi();
  thingName = CameraOwner.thingNameOf(await owner.deviceInfo());
  const ask = (message: object) => phone.request("camera-cert", message) as Promise<{ csr: string }>;
  const { csr: csrPem } = await ask({ type: "CreateCsr", thingName });
  const registration = await registerInRegions([here, there], { thingName, csrPem });
  const endpoint = [dark.endpoint, slow.endpoint, ...registration.endpoint];
  const { certPem } = registration;
  const root = await readFile(rootCA, "utf8");
  await ask({ type: "RegisterDevice", thingName, endpoint, certPem, rootCA: root });
  home = await online();
  assert.ok(registration.endpoint.includes(home), home);
  const isOnline = (event: Record<string, unknown>) => event.type === "CloudState" && event.state === "online";
  assert.equal((await owner.waitFor("event", isOnline, 10_000)).endpoint, home);
  assert.ok(dark.connections <= 8, `${dark.connections} connections to the dark region`);
});

test("after a restart the camera goes straight to the one that was good", async () => {
  const before = dark.connections;
  await rig.line.stopCamera("SIGKILL");
  await rig.line.startCamera();
  await connectPhone();
  assert.equal(await online(), home);
  assert.equal(dark.connections, before, "there was no race");
});

async function kill(endpoint: string): Promise<void> {
  if (endpoint === far.iot.endpoint) await far.close();
  else await rig.line.stopCloud("SIGKILL");
}

async function revive(endpoint: string): Promise<void> {
  if (endpoint === rig.line.cloud.mqtt.endpoint) await rig.line.startCloud();
  else far = await openFar();
}

test("its region is killed: it moves on to the other one, and back when that is killed", async () => {
  await kill(home);
  const other = await online((endpoint) => endpoint !== home);
  assert.notEqual(other, dark.endpoint);
  assert.notEqual(other, slow.endpoint);
  await revive(home);
  await kill(other);
  assert.equal(await online((endpoint) => endpoint === home), home, "and back");
  await revive(other);
});

test("what is no list of endpoints is refused, and the identity stays", async () => {
  for (const endpoint of [[], ["http://x"], Array.from({ length: 9 }, () => "a.example")]) {
    const message = { type: "RegisterDevice", thingName, endpoint, certPem: "x" };
    await assert.rejects(phone.request("camera-cert", message), { code: "BadField" });
  }
  assert.equal((await owner.deviceInfo()).thingName, thingName);
});
