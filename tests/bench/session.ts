import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { AwsRegistrar } from "../../sim/phone/aws.ts";
import { CameraClient } from "../../sim/phone/camera-client.ts";
import { CameraOwner, type Registrar } from "../../sim/phone/camera-owner.ts";
import { RadioCentral } from "../../sim/phone/radio-central.ts";
import type { ProcessEvent } from "../../sim/start/json-process.ts";
import { Line, type LineOptions, network } from "../../sim/start/processes.ts";
import { callShadow } from "../e2e/data-plane-client.ts";
import { prepareFrames } from "../e2e/line-rig.ts";
import type { Figure, Section } from "./figures.ts";
import { Tap, type Traffic } from "./tap.ts";

const manifest = join(dirname(fileURLToPath(import.meta.url)), "firmware/manifest.json");
const roundTrip = 50;
/** Device seconds in a real one while an hour is watched. */
const timeScale = 120;
/** Milliseconds until nothing of the start, or of a change, is under way any more. */
const settling = 1000;
/** Of an IPv4 and a TCP header without options; each segment is taken to be acknowledged by one of its own. */
const segmentHeaders = 40;

/**
 * What the chip asks before the session, which the simulated one gets from its host: the server's address (DNS) and the time (DNS and
 * SNTP), a round trip each; and the TCP handshake, which a relay does not see.
 */
const unseenRoundTrips = 4;

interface Live {
  slots: number;
  chunkBytes: number;
}

/** A line whose camera reaches IoT Core through a tap. */
class TappedLine {
  readonly options: LineOptions;
  readonly line: Line;
  readonly tap: Tap;
  thingName = "";
  live: Live = { slots: 0, chunkBytes: 0 };
  #waiting?: { connected: boolean; resolve(): void };

  private constructor(options: LineOptions, line: Line, tap: Tap) {
    this.options = options;
    this.line = line;
    this.tap = tap;
    line.onCloudEvent = (event) => this.#cloudSays(event);
    line.onCameraLine = (text) => {
      if (text.startsWith('{"probe"')) this.live = JSON.parse(text).probe;
    };
  }

  static async open(directory: string): Promise<TappedLine> {
    const frames = join(directory, "frames");
    await prepareFrames(frames, { resolutions: ["QVGA"], qualities: ["default"], sensor: 0x81 });
    const firmware = { manifest, module: "probe" };
    const timeline = { step() {}, progress() {}, note() {} };
    const options: LineOptions = { directory, frames, out: join(directory, "out"), sensor: 0x81, firmware, timeline };
    const line = await Line.start(options);
    const tap = await Tap.to(line.cloud.mqtt.port);
    const tapped = new TappedLine(options, line, tap);
    const first = tapped.firstTelemetry();
    tapped.thingName = await register(line, `localhost:${tap.port}`);
    await first;
    return tapped;
  }

  /** The camera alone, with nobody on Bluetooth, from power-on to its first telemetry. */
  async restart(scale: number): Promise<Traffic> {
    await this.line.stopCamera();
    this.options.timeScale = scale;
    this.tap.take();
    const first = this.firstTelemetry();
    await this.line.startCamera();
    await first;
    return this.tap.take();
  }

  async hour(): Promise<Traffic> {
    this.tap.take();
    await delay((3600 * 1000) / timeScale);
    return this.tap.take();
  }

  /** Of nothing but keep-alive, at the ends of what may be set and in between. */
  async hoursByKeepAlive(): Promise<Figure[]> {
    const figures: Figure[] = [];
    for (const keepAlive of [30, 150, 1200]) {
      await this.desire({ keepAlive });
      await delay(settling);
      figures.push(...hourFigures(`of nothing but keep-alive at ${keepAlive} s`, await this.hour()));
    }
    return figures;
  }

  async desire(desired: object): Promise<void> {
    const { data, region, rootCA, credentials } = this.line.cloud;
    const access = { url: data.url, region, rootCA: await readFile(rootCA, "utf8") };
    const key = JSON.parse(await readFile(credentials, "utf8"));
    const body = JSON.stringify({ state: { desired } });
    const { status } = await callShadow({ ...access, credentials: key }, "POST", this.thingName, body);
    if (status !== 200) throw new Error(`the shadow was not taken: ${status}`);
  }

  /** Of the next connection; the will of the last one is telemetry too. */
  firstTelemetry(): Promise<void> {
    const arrived = new Promise<void>((resolve) => {
      this.#waiting = { connected: false, resolve };
    });
    const late = delay(30_000, undefined, { ref: false }).then(() => Promise.reject(new Error("no telemetry in 30 s")));
    return Promise.race([arrived, late, this.line.failed]);
  }

  #cloudSays({ event, clientId, topic }: ProcessEvent & { clientId?: string; topic?: string }): void {
    const waiting = this.#waiting;
    if (!waiting) return;
    if (event === "connect" && clientId?.startsWith("camera-")) waiting.connected = true;
    if (event === "publish" && waiting.connected && topic?.endsWith("/telemetry")) waiting.resolve();
  }

  async close(): Promise<void> {
    await this.line.stop();
    this.tap.close();
  }
}

/** Sets the camera up as an app does, with the endpoint that it is given here. */
async function register(line: Line, endpoint: string): Promise<string> {
  const rootCA = await readFile(line.cloud.rootCA, "utf8");
  const aws = new AwsRegistrar({ cloud: line.cloud, rootCA });
  const registrar: Registrar = {
    registerThing: async (request) => ({ ...(await aws.registerThing(request)), endpoint }),
    presignPhoto: (request) => aws.presignPhoto(request),
  };
  const { name, pop } = await line.label;
  const client = await new CameraClient(await RadioCentral.open({ port: line.radioPort }));
  try {
    await client.connect(name);
    await client.openSession(pop);
    await client.configureWiFi(network);
    await client.waitForWiFi();
    const owner = new CameraOwner({ client, registrar, rootCA });
    const { thingName } = await owner.register(CameraOwner.thingNameOf(await owner.deviceInfo()));
    return thingName;
  } finally {
    await client.close();
  }
}

function hourFigures(what: string, traffic: Traffic): Figure[] {
  const note = `${traffic.pieces} records or groups of them`;
  const onTheAir = traffic.bytes + traffic.pieces * 2 * segmentHeaders;
  return [
    { name: `an hour ${what}: TLS records`, value: traffic.bytes, unit: "bytes", note },
    { name: `an hour ${what}: with TCP/IP headers (modelled)`, value: onTheAir, unit: "bytes" },
  ];
}

/** How a camera comes online and what it costs to stay there. */
export async function sessionSection(): Promise<Section> {
  const directory = await mkdtemp(join(tmpdir(), "devicelink-session-"));
  const tapped = await TappedLine.open(directory);
  try {
    const powerOn = await tapped.restart(1);
    const trips = powerOn.roundTrips + unseenRoundTrips;
    await tapped.restart(timeScale);
    await delay(settling);
    const usual = await tapped.hour();
    await tapped.desire({ telemetryInterval: 86_400 });
    await delay(settling);
    const quiet = await tapped.hour();
    const byKeepAlive = await tapped.hoursByKeepAlive();
    const { slots, chunkBytes } = tapped.live;
    const note = "DNS twice, SNTP and TCP included; Wi-Fi and the chip's arithmetic not";
    return {
      title: `MQTT session: power-on to first telemetry, and an idle hour at keep-alive 300 s (${timeScale} times as fast)`,
      figures: [
        { name: "round trips, power-on to first telemetry", value: trips, unit: "", note },
        { name: `the same at ${roundTrip} ms a round trip (modelled)`, value: trips * roundTrip, unit: "ms" },
        { name: "bytes, power-on to first telemetry", value: powerOn.bytes, unit: "bytes" },
        ...hourFigures("of nothing but keep-alive", quiet),
        ...byKeepAlive,
        ...hourFigures("with telemetry every 300 s", usual),
        { name: "live slots, connected and idle, at the peak", value: slots, unit: "slots" },
        { name: "live chunks, connected and idle, at the peak", value: chunkBytes, unit: "bytes" },
        { name: "slots and chunks", value: slots * 16 + chunkBytes, unit: "bytes", budget: 32768 },
      ],
    };
  } finally {
    await tapped.close();
    await rm(directory, { recursive: true, force: true });
  }
}
