import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { JsonBindingTable } from "../../sim/cloud/bindings/json-table.ts";
import { type Follower, WorldClock } from "../../sim/host/world-clock.ts";
import { network } from "../../sim/start/processes.ts";
import { callShadow } from "./data-plane-client.ts";
import { LineRig } from "./line-rig.ts";
import type { WeekRequest } from "./week-cloud.ts";
import type { Outage } from "./week-outages.ts";

/** What the cloud has heard on a topic of devices. */
export interface Heard {
  topic: string;
  message: Record<string, unknown>;
  /** Milliseconds since 1970, by the week's clock. */
  at: number;
}

/** The way into the cloud's process (week-cloud.ts), whichever one is running. */
class CloudControl implements Follower {
  onHeard: (topic: string, payload: string) => void = () => {};
  readonly #server: Server;
  readonly #clock: WorldClock;
  #socket?: Socket;
  #waiting = new Map<number, () => void>();
  #last = 0;

  private constructor(server: Server, clock: WorldClock) {
    this.#server = server;
    this.#clock = clock;
    server.on("connection", (socket) => this.#serve(socket));
  }

  static async listen(clock: WorldClock): Promise<CloudControl> {
    const server = createServer({ noDelay: true }).listen(0, "127.0.0.1");
    await once(server, "listening");
    process.env.WEEK_PORT = String((server.address() as AddressInfo).port);
    return new CloudControl(server, clock);
  }

  /** Resolves when it is done, or when that cloud is gone. */
  ask(request: WeekRequest): Promise<void> {
    const socket = this.#socket;
    if (!socket) return Promise.resolve();
    return new Promise((resolve) => {
      this.#last += 1;
      this.#waiting.set(this.#last, resolve);
      socket.write(`${JSON.stringify({ ...request, id: this.#last })}\n`);
    });
  }

  settle(): Promise<void> {
    return this.ask({ do: "settle" });
  }

  follow(time: number): Promise<void> {
    return this.ask({ do: "follow", time });
  }

  async close(): Promise<void> {
    this.#socket?.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #serve(socket: Socket): void {
    this.#socket = socket;
    socket.on("error", () => {});
    socket.on("close", () => this.#gone());
    createInterface({ input: socket })
      .on("line", (line) => {
        const { id, topic, payload } = JSON.parse(line);
        if (topic !== undefined) return this.onHeard(topic, payload);
        this.#waiting.get(id)?.();
        this.#waiting.delete(id);
      })
      .on("error", () => {});
    this.#clock.add(this);
  }

  #gone(): void {
    this.#socket = undefined;
    this.#clock.remove(this);
    for (const resolve of this.#waiting.values()) resolve();
    this.#waiting.clear();
  }
}

/** The whole line with a clock of its own, and somebody who breaks and mends it. */
export class WeekRig {
  readonly heard: Heard[] = [];
  readonly clock: WorldClock;
  readonly rig: LineRig;
  thingName = "";
  /** When the camera had no power, milliseconds since 1970. */
  readonly dark: { from: number; to: number }[] = [];
  #control: CloudControl;
  #tokens = 0;

  private constructor(clock: WorldClock, control: CloudControl, rig: LineRig) {
    this.clock = clock;
    this.rig = rig;
    this.#control = control;
    control.onHeard = (topic, payload) => this.heard.push({ topic, message: JSON.parse(payload), at: clock.now });
  }

  static async open(options: { pictures: number; environment: Record<string, string> }): Promise<WeekRig> {
    const clock = await WorldClock.listen();
    const control = await CloudControl.listen(clock);
    const cloudImports = [fileURLToPath(new URL("week-cloud.ts", import.meta.url))];
    const rig = await LineRig.open({ ...options, clock: clock.port, cloudImports });
    return new WeekRig(clock, control, rig);
  }

  /** A camera that is online and has its settings, as its owner would have it. */
  async prepare(settings: {
    captureInterval: number;
    telemetryInterval: number;
    keepAlive: number;
    resolution: string;
  }): Promise<void> {
    await this.rig.provision();
    this.thingName = (await this.rig.owner.deviceInfo()).thingName as string;
    await this.rig.dropPhone();
    await this.bind(true);
    const { data, region, rootCA, credentials } = this.rig.line.cloud;
    const key = JSON.parse(await readFile(credentials, "utf8"));
    const access = { url: data.url, region, rootCA: await readFile(rootCA, "utf8"), credentials: key };
    const { status } = await callShadow(
      access,
      "POST",
      this.thingName,
      JSON.stringify({ state: { desired: settings } }),
    );
    if (status !== 200) throw new Error(`the shadow answers ${status}`);
  }

  /** Messages of the camera on one of its topics. */
  messages(name: "telemetry" | "photos" | "answers"): Heard[] {
    return this.heard.filter(({ topic }) => topic === `device/${this.thingName}/${name}`);
  }

  async begin({ kind, faults, at }: Outage): Promise<void> {
    const { line } = this.rig;
    switch (kind) {
      case "cloudKilled":
        return line.stopCloud("SIGKILL");
      case "wifiGone":
        return line.setWiFi([]);
      case "radioKilled":
        return line.stopRadio("SIGKILL");
      case "powerCut":
        this.dark.push({ from: at, to: Number.POSITIVE_INFINITY });
        return line.stopCamera("SIGKILL");
      case "grantsRefused":
        return this.bind(false);
      case "sessionDropped":
        return this.#control.ask({ do: "disconnect", clientId: this.thingName });
      case "person":
        return this.takePhoto();
      default:
        return this.#control.ask({ do: "fail", faults });
    }
  }

  async end({ kind }: Outage): Promise<void> {
    const { line } = this.rig;
    switch (kind) {
      case "cloudKilled":
        return line.startCloud();
      case "wifiGone":
        return line.setWiFi([{ SSID: network.ssid, password: network.passphrase }]);
      case "radioKilled":
        return line.startRadio();
      case "powerCut":
        return this.#switchOn();
      case "grantsRefused":
        return this.bind(true);
    }
  }

  async #switchOn(): Promise<void> {
    const joined = once(this.clock, "device", { signal: AbortSignal.timeout(20_000) });
    await this.rig.line.startCamera();
    await joined;
    this.dark[this.dark.length - 1].to = this.clock.now;
  }

  /** Whose camera it is; nobody's gets no URL. */
  async bind(isBound: boolean): Promise<void> {
    const table = new JsonBindingTable(this.rig.line.cloud.bindings);
    await (isBound ? table.put({ thing: this.thingName, user: "alice" }) : table.delete(this.thingName));
  }

  /** Somebody far away wants a picture, twice the same one. */
  async takePhoto(): Promise<void> {
    this.#tokens += 1;
    const payload = JSON.stringify({ type: "TakePhoto", clientToken: `week-${this.#tokens}` });
    for (let i = 0; i < 2; i += 1)
      await this.#control.ask({ do: "publish", topic: `device/${this.thingName}/commands`, payload });
  }

  /** Faults that nobody ran into are over. */
  heal(): Promise<void> {
    return this.#control.ask({ do: "heal" });
  }

  async close(): Promise<void> {
    await this.rig.close();
    await this.#control.close();
    await this.clock.close();
  }
}
