import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { createServer } from "node:tls";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { LocalCA } from "../../certs/local-ca.ts";
import { JsonBindingTable } from "../../sim/cloud/bindings/json-table.ts";
import { startDevice } from "../../sim/host/device-process.ts";
import type { CameraEvent, PhotoInfo } from "../../sim/phone/camera-owner.ts";
import { LineRig } from "../e2e/line-rig.ts";
import type { Section } from "./figures.ts";
import { sendWindow } from "./model.ts";

const here = dirname(fileURLToPath(import.meta.url));
const manifest = join(here, "firmware/manifest.json");

interface Live {
  slots: number;
  chunkBytes: number;
  stack: number;
}

interface Run extends Live {
  bytes: number;
  /** XS compute count for each KB of the picture, all that happens meanwhile included. */
  compute: number;
}

/** A JPEG that is no smaller than `bytes`: noise cannot be compressed. */
async function largeJPEG(bytes: number): Promise<Buffer> {
  const [width, height] = [2592, 1944];
  for (let quality = 70; ; quality += 5) {
    const noise = { type: "gaussian" as const, mean: 128, sigma: 40 };
    const picture = sharp({ create: { width, height, channels: 3, background: "black", noise } });
    const jpeg = await picture.jpeg({ quality }).toBuffer();
    if (jpeg.length >= bytes || quality >= 100) return jpeg;
  }
}

/** An identity's id is part of each key, and a URL with it. */
const user = "us-east-1:5e0f5b4c-6d2e-4f6a-9a57-3a1c6d3e9f00";

/** A URL that the cloud grants has a session token of a kilobyte in it, and comes over MQTT. */
async function pictureByGrant(rig: LineRig, resolution: string): Promise<PhotoInfo> {
  const photo = await rig.owner.takePhoto({ resolution });
  await rig.client.request("camera-upload", { type: "UploadPhoto", imageId: photo.imageId });
  const isResult = (event: CameraEvent) => event.type === "UploadResult" && event.imageId === photo.imageId;
  const { status, message } = await rig.owner.waitFor("upload result", isResult, 60_000);
  if (status !== "stored") throw new Error(`${status}: ${message}`);
  await rig.owner.waitFor("announcement", (event) => event.type === "PhotoAnnounced", 60_000);
  return photo;
}

async function bind(rig: LineRig): Promise<void> {
  const { thingName } = await rig.owner.deviceInfo();
  const table = new JsonBindingTable(rig.line.cloud.bindings);
  await table.claim({ thing: thingName as string, user, since: Date.now(), policy: "none" });
}

/** Live memory of the whole line, from power-on to the announcement of one picture. */
async function measureLine(
  resolution: string,
  { frame, granted }: { frame?: Buffer; granted?: boolean } = {},
): Promise<Run> {
  const firmware = { manifest, module: "probe" };
  const rig = await LineRig.open({ resolutions: [resolution], firmware });
  const live: Live = { slots: 0, chunkBytes: 0, stack: 0 };
  rig.line.onCameraLine = (line) => {
    if (line.startsWith('{"probe"')) Object.assign(live, JSON.parse(line).probe);
  };
  try {
    if (frame) await writeFile(join(rig.directory, "frames", "2592x1944-default", "0.jpg"), frame);
    await rig.provision();
    if (granted) await bind(rig);
    const before = await rig.line.statistics();
    const { byteLength } = granted ? await pictureByGrant(rig, resolution) : await rig.picture({ resolution });
    const after = await rig.line.statistics();
    return { ...live, bytes: byteLength, compute: ((after.compute - before.compute) * 1024) / byteLength };
  } finally {
    await rig.close();
  }
}

async function measureSession(): Promise<{ bytes: number; peakBytes: number; version: string }> {
  const ca = await LocalCA.create();
  const { keyPem: key, chainPem: cert } = await ca.issueServer({ names: ["localhost"], intermediate: true });
  const server = createServer({ key, cert, maxVersion: "TLSv1.2" }).on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const environment = { PROBE_PORT: String(port), PROBE_ROOT: ca.certPem };
  const device = await startDevice({ manifest, module: "session-probe", environment });
  const { code, stderr } = await device.exited;
  server.close();
  const line = device.lines.find((text) => text.startsWith('{"session"'));
  if (code || !line) throw new Error(`session probe: ${stderr}`);
  return JSON.parse(line).session;
}

/** The other buffers of the chip while a picture goes up, from the files that size them. */
async function otherBuffers(): Promise<Section> {
  const figures = [
    { name: "SPI, two DMA buffers", value: 2 * 2048, unit: "bytes" },
    { name: "Bluetooth, one attribute value each way", value: 2 * 512, unit: "bytes" },
    { name: "TCP send window of the upload (lwIP, on demand)", value: await sendWindow(), unit: "bytes" },
  ];
  const value = figures.reduce((sum, figure) => sum + figure.value, 0);
  const note = "a smaller window would make the upload slower than the link";
  return {
    title: "Other buffers",
    figures: [...figures, { name: "together", value, unit: "bytes", goal: 12288, note }],
  };
}

export async function memorySections(): Promise<Section[]> {
  const { creation } = JSON.parse(await readFile(join(here, "../../manifest.json"), "utf8"));
  const [chunk, slots, stack] = [creation.chunk.initial, creation.heap.initial * 16, creation.stack * 16];
  const small = await measureLine("VGA");
  const large = await measureLine("5MP", { frame: await largeJPEG(3_000_000) });
  const granted = await measureLine("VGA", { granted: true });
  const session = await measureSession();
  const kilobytes = (run: Run) => {
    const how = run === granted ? ", URL granted over MQTT" : "";
    return `${Math.round(run.bytes / 1000).toLocaleString("en-US")} KB picture${how}`;
  };
  const live = (run: Run) => [
    { name: `slots, ${kilobytes(run)}`, value: run.slots * 16, unit: "bytes", note: `${run.slots} slots` },
    { name: `chunks, ${kilobytes(run)}`, value: run.chunkBytes, unit: "bytes" },
    {
      name: `slots and chunks, ${kilobytes(run)}`,
      value: run.slots * 16 + run.chunkBytes,
      unit: "bytes",
      budget: 32768,
    },
    { name: `stack, ${kilobytes(run)}`, value: run.stack * 16, unit: "bytes", note: `${run.stack} slots` },
    { name: `compute count, ${kilobytes(run)}`, value: Math.round(run.compute), unit: "per KB" },
  ];
  return [
    {
      title: "XS machine, as manifest.json creates it (slots of 16 bytes as on the chip)",
      figures: [
        { name: "chunks", value: chunk, unit: "bytes" },
        { name: "slots", value: slots, unit: "bytes" },
        { name: "stack", value: stack, unit: "bytes" },
        { name: "together", value: chunk + slots + stack, unit: "bytes", budget: 65536 },
      ],
    },
    {
      title:
        "Live peak with phone linked, MQTT connected and the picture going up (after collection, 200 times a second)",
      figures: [
        ...live(small),
        ...live(large),
        ...live(granted),
        {
          name: "slots of the larger beyond the smaller",
          value: Math.max(0, large.slots - small.slots),
          unit: "slots",
        },
      ],
    },
    {
      title: `TLS engine, one session (${session.version}, ${process.arch} libmbedtls: 16 + 16 KB of buffers; the chip's sdkconfig has 16 + 4, dynamic)`,
      figures: [
        { name: "peak of the handshake", value: session.peakBytes, unit: "bytes" },
        { name: "idle", value: session.bytes, unit: "bytes" },
      ],
    },
    await otherBuffers(),
  ];
}
