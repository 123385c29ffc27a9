import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type DeviceProcess, type HostProcess, type Statistics, startDevice } from "../host/device-process.ts";
import { startSimulator } from "../host/simulator-process.ts";
import { JsonProcess, type ProcessEvent } from "./json-process.ts";
import type { Timeline } from "./timeline.ts";

/** The Wi-Fi that the simulated camera finds around it. */
export const network = { ssid: "Workshop", passphrase: "correct horse battery" };

export interface CloudAddresses extends ProcessEvent {
  s3: { port: number; url: string };
  mqtt: { port: number; endpoint: string };
  api: { url: string };
  data: { url: string };
  /** The same services for browsers, on one port, by names such as s3.localhost. */
  gateway: { port: number };
  cognito: { userPoolId: string; clientId: string; identityPoolId: string; idpUrl: string; identityUrl: string };
  region: string;
  /** File with the root certificate, PEM. */
  rootCA: string;
  /** File with the access key that the phone signs with. */
  credentials: string;
  /** File that says which camera belongs to whom. */
  bindings: string;
}

/** What is printed on a camera. */
export interface Label {
  name: string;
  pop: string;
}

export interface LineOptions {
  /** Where cloud and camera keep what they have to remember. */
  directory: string;
  /** Pictures for the virtual camera (sim/camera/photos). */
  frames: string;
  /** Where the bucket keeps its objects. */
  out: string;
  /** 0x81 to 0x87 */
  sensor: number;
  device?: "xs-host" | "mcsim";
  /** false: the camera talks to a cloud elsewhere. */
  cloud?: boolean;
  traceSPI?: string;
  btsnoop?: string;
  /** Number of a real Bluetooth adapter, for the camera instead of the virtual air. */
  hci?: string;
  xsbug?: string;
  timeScale?: number;
  /** Port of whoever keeps the camera's time, instead of a scale. */
  clock?: number;
  /** Another firmware than the project's: manifest and module for the XS host. */
  firmware?: { manifest: string; module: string };
  /** Added to the arguments of sim/cloud/main.ts. */
  cloudArguments?: string[];
  /** Modules that are loaded into the cloud's process before it. */
  cloudImports?: string[];
  /** Added to the camera's environment. */
  environment?: Record<string, string>;
  timeline: Timeline;
  /** The camera ended by itself. Without this it is a failure of the line. */
  onCameraDied?: (reason: string) => void;
}

const sim = join(dirname(fileURLToPath(import.meta.url)), "..");

/** Cloud, radio and camera, each in a process of its own. Any of them can be killed and started again, as the same one. */
export class Line {
  /** Steps of the cloud, as they happen. */
  onCloudEvent: (event: ProcessEvent) => void = () => {};
  /** Each line on the camera's console. */
  onCameraLine: (line: string) => void = () => {};
  /** Rejects when a part ends by itself. */
  readonly failed: Promise<never>;
  #options: LineOptions;
  #fail: (error: Error) => void = () => {};
  #addresses?: CloudAddresses;
  #radioPort = 0;
  #cloud?: JsonProcess;
  #radio?: JsonProcess;
  #camera?: DeviceProcess;
  #stoppingCamera = false;
  #label: Promise<Label>;
  #tellLabel: (label: Label) => void = () => {};

  constructor(options: LineOptions) {
    this.#options = options;
    this.failed = new Promise<never>((_, reject) => {
      this.#fail = reject;
    });
    this.failed.catch(() => {}); // whoever races against it hears of it; before that there is nobody
    this.#label = new Promise((resolve) => {
      this.#tellLabel = resolve;
    });
  }

  static async start(options: LineOptions): Promise<Line> {
    const line = new Line(options);
    try {
      if (line.hasCloud) await line.startCloud();
      await line.startRadio();
      await line.startCamera();
      return line;
    } catch (error) {
      await line.stop();
      throw error;
    }
  }

  /** Whether the local cloud is a part of it. */
  get hasCloud(): boolean {
    return this.#options.cloud !== false;
  }

  get cloud(): CloudAddresses {
    if (!this.#addresses) throw new Error("the cloud has not been started");
    return this.#addresses;
  }

  get radioPort(): number {
    return this.#radioPort;
  }

  /** What the camera wrote on its console as long as it had no owner. */
  get label(): Promise<Label> {
    return this.#label;
  }

  get camera(): DeviceProcess {
    if (!this.#camera) throw new Error("the camera has not been started");
    return this.#camera;
  }

  async startCloud(): Promise<void> {
    const { directory, out, cloudArguments = [], cloudImports, timeline } = this.#options;
    const { process, first } = await JsonProcess.start<CloudAddresses>({
      name: "the cloud",
      script: join(sim, "cloud", "main.ts"),
      args: ["--directory", join(directory, "cloud"), "--out", out, ...cloudArguments],
      imports: cloudImports,
      onEvent: (event) => this.onCloudEvent(event),
      onDied: (reason) => this.#fail(new Error(reason)),
    });
    this.#cloud = process;
    this.#addresses = first;
    const text = `S3 at ${first.s3.url}, IoT Core at ${first.mqtt.endpoint}`;
    timeline.step({ event: "cloud", who: "cloud", text });
  }

  async startRadio(): Promise<void> {
    const { btsnoop, hci, timeline } = this.#options;
    const { process, first } = await JsonProcess.start<ProcessEvent & { port: number }>({
      name: "the radio",
      script: join(sim, "radio", "main.ts"),
      args: [
        ...["--port", String(this.#radioPort)],
        ...(btsnoop ? ["--btsnoop", btsnoop] : []),
        ...(hci === undefined ? [] : ["--hci", hci]),
      ],
      onDied: (reason) => this.#fail(new Error(reason)),
    });
    this.#radio = process;
    this.#radioPort = first.port;
    timeline.step({
      event: "radio",
      who: "radio",
      text: hci === undefined ? "Bluetooth air is up" : `Bluetooth adapter hci${hci}`,
    });
  }

  async startCamera(): Promise<void> {
    const { device = "xs-host", xsbug, timeScale, clock, firmware, timeline } = this.#options;
    this.#stoppingCamera = false;
    const common = {
      environment: this.#environment(),
      onTrace: (text: string) => this.#hearCamera(text),
      onExit: ({ code, signal, stderr }: { code: number | null; signal: string | null; stderr: string }) => {
        const reason = `the camera ended (${signal ?? `exit code ${code}`}):\n${stderr.trim()}`;
        if (!this.#stoppingCamera) this.#cameraDied(reason);
      },
    };
    this.#camera =
      device === "mcsim"
        ? await startSimulator(common)
        : await startDevice({ ...common, ...firmware, xsbug, timeScale, clock });
    const engine = device === "mcsim" ? "XS 17 in the Moddable simulator" : "XS 13";
    const { pid } = this.#camera;
    timeline.step({ event: "device", who: "camera", text: `switched on: ${engine}, process ${pid}`, fields: { pid } });
  }

  #cameraDied(reason: string): void {
    const { onCameraDied = () => this.#fail(new Error(reason)) } = this.#options;
    onCameraDied(reason);
  }

  #environment(): Record<string, string> {
    const { directory, frames, sensor, traceSPI, environment } = this.#options;
    return {
      RADIO_PORT: String(this.#radioPort),
      STORAGE_DIRECTORY: join(directory, "storage"),
      WIFI_NETWORKS: JSON.stringify([{ SSID: network.ssid, password: network.passphrase, RSSI: -52, channel: 6 }]),
      CAMERA_SENSOR: `0x${sensor.toString(16)}`,
      CAMERA_FRAMES: frames,
      ...(traceSPI ? { CAMERA_TRACE: traceSPI } : {}),
      ...environment,
    };
  }

  #hearCamera(text: string): void {
    const label = parseLabel(text);
    if (label) this.#tellLabel(label);
    this.onCameraLine(text);
  }

  /** The camera's memory and compute figures (XS host only). */
  statistics(): Promise<Statistics> {
    return (this.camera as HostProcess).statistics();
  }

  /** Which Wi-Fi networks there are from now on; those that the camera was started with are forgotten. */
  setWiFi(networks: object[]): void {
    this.#radio?.send({ wifi: networks });
  }

  stopCloud(signal?: NodeJS.Signals): Promise<void> {
    return this.#cloud?.stop(signal) ?? Promise.resolve();
  }

  stopRadio(signal?: NodeJS.Signals): Promise<void> {
    return this.#radio?.stop(signal) ?? Promise.resolve();
  }

  async stopCamera(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    this.#stoppingCamera = true;
    this.#camera?.kill(signal);
    await this.#camera?.exited;
  }

  async stop(): Promise<void> {
    await this.stopCamera();
    await this.stopRadio();
    await this.stopCloud();
  }
}

/** The line that a camera without an owner writes to its console: what is printed on its label, as a QR payload. */
function parseLabel(text: string): Label | undefined {
  const found = /label: (\{.*\})/.exec(text);
  if (!found) return undefined;
  const { name, pop } = JSON.parse(found[1]);
  return { name, pop };
}
