import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type DeviceProcess, startDevice } from "../host/device-process.ts";
import { startSimulator } from "../host/simulator-process.ts";
import { JsonProcess, type ProcessEvent } from "./json-process.ts";
import { fromHere, type Options } from "./line.ts";
import type { Timeline } from "./timeline.ts";

/** The Wi-Fi that the simulated camera finds around it. */
export const network = { ssid: "Workshop", passphrase: "correct horse battery" };

export interface CloudAddresses extends ProcessEvent {
  s3: { port: number; url: string };
  mqtt: { port: number; endpoint: string };
  api: { url: string };
  /** File with the root certificate, PEM. */
  rootCA: string;
  /** File with the access key that the phone signs with. */
  credentials: string;
}

export interface Label {
  name: string;
  pop: string;
}

export interface Line {
  cloud: CloudAddresses;
  radioPort: number;
  /** What is printed on the camera. */
  label: Promise<Label>;
  /** Steps of the cloud, as they happen. */
  onCloudEvent: (event: ProcessEvent) => void;
  /** Rejects when a part ends that should not. */
  failed: Promise<never>;
  stop(): Promise<void>;
}

interface Parts {
  options: Options;
  directory: string;
  frames: string;
  timeline: Timeline;
}

const sim = join(dirname(fileURLToPath(import.meta.url)), "..");

/** Starts cloud, radio and camera, each in a process of its own. */
export async function startLine({ options, directory, frames, timeline }: Parts): Promise<Line> {
  const stops: (() => Promise<unknown>)[] = [];
  let fail: (error: Error) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => {}); // whoever races against it hears of it; before that there is nobody
  const onDied = (reason: string) => fail(new Error(reason));
  const line = { failed, onCloudEvent: () => {} } as unknown as Line;
  line.stop = async () => {
    for (const stop of stops.reverse()) await stop();
  };
  try {
    const cloud = await JsonProcess.start<CloudAddresses>({
      name: "the cloud",
      script: join(sim, "cloud", "main.ts"),
      args: ["--directory", join(directory, "cloud"), "--out", fromHere(options.out)],
      onEvent: (event) => line.onCloudEvent(event),
      onDied,
    });
    stops.push(() => cloud.process.stop());
    line.cloud = cloud.first;
    const { s3, mqtt } = cloud.first;
    timeline.step({ event: "cloud", who: "cloud", text: `S3 at ${s3.url}, IoT Core at ${mqtt.endpoint}` });

    const radio = await JsonProcess.start<ProcessEvent & { port: number }>({
      name: "the radio",
      script: join(sim, "radio", "main.ts"),
      args: options.btsnoop ? ["--btsnoop", fromHere(options.btsnoop)] : [],
      onDied,
    });
    stops.push(() => radio.process.stop());
    line.radioPort = radio.first.port;
    timeline.step({ event: "radio", who: "radio", text: "Bluetooth air is up" });

    const device = await startCamera({ options, directory, frames, timeline }, line, onDied);
    stops.push(() => device.stop());
    return line;
  } catch (error) {
    await line.stop();
    throw error;
  }
}

async function startCamera(parts: Parts, line: Line, onDied: (reason: string) => void) {
  const { options, directory, frames, timeline } = parts;
  let tell: (label: Label) => void = () => {};
  line.label = new Promise((resolve) => {
    tell = resolve;
  });
  const environment: Record<string, string> = {
    RADIO_PORT: String(line.radioPort),
    STORAGE_DIRECTORY: join(directory, "storage"),
    WIFI_NETWORKS: JSON.stringify([{ SSID: network.ssid, password: network.passphrase, RSSI: -52, channel: 6 }]),
    CAMERA_SENSOR: `0x${options.sensor.toString(16)}`,
    CAMERA_FRAMES: frames,
    ...(options["trace-spi"] ? { CAMERA_TRACE: fromHere(options["trace-spi"]) } : {}),
  };
  let stopping = false;
  const start = options.device === "mcsim" ? startSimulator : startDevice;
  const device: DeviceProcess = await start({
    environment,
    xsbug: options.xsbug,
    onTrace: (text: string) => {
      const label = parseLabel(text);
      if (label) tell(label);
    },
    onExit: ({ code, signal, stderr }: { code: number | null; signal: string | null; stderr: string }) => {
      if (!stopping) onDied(`the camera ended (${signal ?? `exit code ${code}`}):\n${stderr.trim()}`);
    },
  });
  const who = options.device === "mcsim" ? "Moddable simulator, XS 17" : "XS 13";
  timeline.step({ event: "device", who: "camera", text: `${who}, process ${device.pid}`, fields: { pid: device.pid } });
  return {
    stop: async () => {
      stopping = true;
      device.kill("SIGTERM");
      await device.exited;
    },
  };
}

/** The line that a camera without an owner writes to its console: what is printed on its label, as a QR payload. */
function parseLabel(text: string): Label | undefined {
  const found = /label: (\{.*\})/.exec(text);
  if (!found) return undefined;
  const { name, pop } = JSON.parse(found[1]);
  return { name, pop };
}
