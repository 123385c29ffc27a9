/** The camera follows its shadow, and takes pictures on the schedule that it finds there: the whole line in real processes. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { JsonBindingTable } from "../../sim/cloud/bindings/json-table.ts";
import { CameraOwner } from "../../sim/phone/camera-owner.ts";
import { callShadow, type DataPlaneAccess } from "./data-plane-client.ts";
import { LineRig } from "./line-rig.ts";

/** A device second is a tenth of a real one. */
const timeScale = 10;
let rig: LineRig;
let thingName = "";
let directory = "";
let trace = "";
/** Events on the camera's console. */
const events: Record<string, unknown>[] = [];

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "devicelink-shadow-"));
  trace = join(directory, "spi.txt");
  rig = await LineRig.open({ traceSPI: trace, timeScale });
  rig.line.onCameraLine = (line) => {
    if (line.startsWith('{"n":')) events.push(JSON.parse(line));
  };
});

after(async () => {
  await rig?.close();
  await rm(directory, { recursive: true, force: true });
});

async function access(): Promise<DataPlaneAccess> {
  const { data, region, rootCA, credentials } = rig.line.cloud;
  const key = JSON.parse(await readFile(credentials, "utf8"));
  return { url: data.url, region, rootCA: await readFile(rootCA, "utf8"), credentials: key };
}

async function desire(desired: object): Promise<void> {
  const { status, body } = await callShadow(await access(), "POST", thingName, JSON.stringify({ state: { desired } }));
  assert.equal(status, 200, JSON.stringify(body));
}

interface Document {
  state: { reported?: Record<string, unknown>; delta?: object };
}

/** The document, as soon as it fits. */
async function document(what: string, fits: (state: Document["state"]) => boolean): Promise<Document["state"]> {
  const to = await access();
  for (const deadline = Date.now() + 20_000; ; await delay(150)) {
    const { body } = await callShadow(to, "GET", thingName);
    if (body.state && fits(body.state)) return body.state;
    if (Date.now() > deadline) throw new Error(`no ${what}: ${JSON.stringify(body)}`);
  }
}

async function until(what: string, isSo: () => boolean | Promise<boolean>, limit = 20_000): Promise<void> {
  for (const deadline = Date.now() + limit; !(await isSo()); await delay(50))
    if (Date.now() > deadline) throw new Error(`no ${what}; ${JSON.stringify(events.slice(-8))}`);
}

const isWritten = async (register: string) => (await readFile(trace, "utf8")).includes(`; W ${register}\n`);

test("what was desired before the camera ever connected is set when it does, and everything is reported", async () => {
  const promises: unknown[] = [];
  const { onCloudEvent } = rig.line;
  rig.line.onCloudEvent = (event) => {
    if (event.event === "connect" && event.clientId === thingName) promises.push(event.keepAlive);
    onCloudEvent(event);
  };
  rig.onStep = async (step) => {
    if (step !== "wifi") return;
    thingName = CameraOwner.thingNameOf(await rig.owner.deviceInfo());
    await desire({ resolution: "QVGA", brightness: -2, telemetryInterval: 60, keepAlive: 90 });
  };
  await rig.provision();
  const { reported } = await document("report", ({ reported, delta }) => reported?.brightness === -2 && !delta);
  assert.deepEqual(reported, {
    captureInterval: 0,
    telemetryInterval: 60,
    keepAlive: 90,
    resolution: "QVGA",
    quality: "default",
    brightness: -2,
    contrast: 0,
    saturation: 0,
    exposureCompensation: 0,
    whiteBalance: "auto",
    effect: "none",
    rotation: 0,
  });
  await rig.line.stopCamera();
  await rig.dropPhone();
  await rig.line.startCamera();
  await rig.provision();
  // A camera that was given an identity connects twice at first: the broker forgets what it kept for the one before.
  assert.deepEqual([...new Set(promises)], [1200, 90], "what CONNECT promised before and after");
});

test("a picture is taken as the shadow says, by the camera's own account", async () => {
  const { width } = await rig.owner.takePhoto({});
  assert.equal(width, 320);
  assert.ok(await isWritten("22 (brightness) = 04"), "brightness -2");
});

test("a delta is fulfilled and reported while the camera is connected", async () => {
  await desire({ effect: "sepia", brightness: 3 });
  await document(
    "report",
    ({ reported, delta }) => reported?.effect === "sepia" && reported.brightness === 3 && !delta,
  );
  await rig.owner.takePhoto({});
  assert.ok(await isWritten("22 (brightness) = 05"), "brightness 3");
  assert.ok(await isWritten("27 (effect) = 04"), "sepia");
});

/** Names and values of other applications, as many as AWS takes (8 KB of state; numbers have the most metadata). */
function foreignSettings(): Record<string, unknown> {
  const settings: Record<string, unknown> = {};
  for (let i = 0; i < 60; i += 1) settings[`otherAppSetting${i}`] = "x".repeat(40);
  for (let i = 0; i < 180; i += 1) settings[`o${i}`] = { n: i };
  return settings;
}

test("what others keep in the same shadow, as much as AWS takes, hides none of the camera's own", async () => {
  const from = events.length;
  await desire({ ...foreignSettings(), brightness: 1 });
  await document("report of a delta", ({ reported }) => reported?.brightness === 1);
  await rig.line.stopCamera("SIGKILL");
  await desire({ saturation: 2 });
  const { body } = await callShadow(await access(), "GET", thingName);
  const { length } = JSON.stringify(body);
  assert.ok(length > 20_000, `a document of ${length} bytes`);
  rig.line.startCamera();
  const { reported } = await document("report of the document", ({ reported }) => reported?.saturation === 2);
  assert.equal(reported?.brightness, 1);
  const codes = events.slice(from).map(({ code }) => code);
  assert.deepEqual(
    codes.filter((code) => code !== undefined),
    [],
    "no NoAnswer, no MessageTooLarge",
  );
  const nothing = Object.fromEntries(Object.keys(foreignSettings()).map((name) => [name, null]));
  await desire({ ...nothing, brightness: 3 });
  await document("report without errors", ({ reported }) => !reported?.errors && reported?.brightness === 3);
});

test("what this camera cannot do is named, keeps its old value, and does not make cloud and camera talk for ever", async () => {
  await desire({ brightness: 9, sharpness: 2, effect: "yellow", zoom: 4, contrast: 1 });
  const { reported, delta } = await document("errors", ({ reported }) => Array.isArray(reported?.errors));
  const errors = (reported?.errors ?? []) as { setting: string; code: string }[];
  assert.deepEqual(
    new Set(errors.map(({ setting, code }) => `${setting} ${code}`)),
    new Set(["brightness NotSupported", "sharpness NotSupported", "effect NotSupported", "zoom UnknownSetting"]),
  );
  assert.deepEqual([reported?.contrast, reported?.brightness, reported?.effect], [1, 3, "sepia"]);
  assert.deepEqual(delta, { brightness: 9, sharpness: 2, effect: "yellow", zoom: 4 });
  const version = async () => (await callShadow(await access(), "GET", thingName)).body.version;
  const before = await version();
  await delay(1500);
  assert.equal(await version(), before, "both are quiet");
  await desire({ brightness: 0, sharpness: null, effect: "none", zoom: null });
  await document("no errors", ({ reported, delta }) => reported?.errors === undefined && !delta);
});

test("what is desired while the camera is off is set when it comes back, with all that was set before", async () => {
  await rig.line.stopCamera("SIGKILL");
  await desire({ saturation: -3 });
  await rig.line.startCamera();
  const { reported } = await document("report", ({ reported }) => reported?.saturation === -3);
  assert.deepEqual([reported?.contrast, reported?.resolution, reported?.telemetryInterval], [1, "QVGA", 60]);
});

test("so it is when the cloud was off", async () => {
  await rig.line.stopCloud("SIGKILL");
  await rig.line.startCloud();
  await desire({ saturation: 2 });
  await document("report", ({ reported }) => reported?.saturation === 2);
});

test("the schedule: pictures in the bucket, one after the other, and a reason for each that is not", async () => {
  await desire({ captureInterval: 10 });
  await document("report", ({ reported }) => reported?.captureInterval === 10);
  await until("a picture without a URL", () => events.some(({ code }) => code === "GrantRefused"));
  await new JsonBindingTable(rig.line.cloud.bindings).put({ thing: thingName, user: "alice" });
  const before = rig.objects.length;
  await until("three pictures", () => rig.objects.length >= before + 3, 30_000);
  await rig.line.stopCloud();
  await until("a skipped picture", () =>
    events.some(({ type, code }) => type === "PhotoSkipped" && code === "Offline"),
  );
  await rig.line.startCloud();
  const stored = rig.objects.length;
  await until("pictures again", () => rig.objects.length > stored, 40_000);
});

test("the schedule outlives a restart, and ends when it is told to", async () => {
  await rig.line.stopCamera("SIGKILL");
  await rig.line.startCamera();
  const before = rig.objects.length;
  await until("two pictures", () => rig.objects.length >= before + 2, 30_000);
  await desire({ captureInterval: 0 });
  await document("report", ({ reported }) => reported?.captureInterval === 0);
  const after = rig.objects.length;
  // Four intervals; one picture may have been on its way.
  await delay(4000);
  assert.ok(rig.objects.length <= after + 1, `${rig.objects.length - after} pictures after the end`);
});
