/** A message that ends the machine is delivered again after each restart, until the camera does not take what the broker has kept. */
import assert from "node:assert/strict";
import { type FSWatcher, watch } from "node:fs";
import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { callShadow } from "./data-plane-client.ts";
import { LineRig } from "./line-rig.ts";
import { type Message, Operator, until } from "./operator.ts";

let rig: LineRig;
let operator: Operator;
let watcher: FSWatcher;
let thingName = "";
/** Events of the camera in this start. */
let events: Message[] = [];
/** How often what it writes down of messages was changed in this start; those of the first one are not counted. */
let marks = 1;

before(async () => {
  rig = await LineRig.open({ cloudImports: [fileURLToPath(new URL("poison-cloud.ts", import.meta.url))] });
  rig.line.onCameraLine = (line) => {
    if (line.startsWith('{"n":')) events.push(JSON.parse(line));
  };
  await rig.provision();
  thingName = (await rig.owner.deviceInfo()).thingName as string;
  operator = await Operator.connect(rig.line.cloud, thingName);
  watcher = watch(join(rig.directory, "storage", "devicelink"), (_event, name) => {
    if (name === "delivery") marks += 1;
  });
});

after(async () => {
  watcher?.close();
  await operator?.close();
  await rig?.close();
});

const happened = (type: string, fits: (event: Message) => boolean = () => true) =>
  Promise.race([
    until(`event ${type}`, () => events.find((event) => event.type === type && fits(event)), 60_000),
    rig.line.failed,
  ]);
const isOnline = () => happened("CloudState", ({ state }) => state === "online");
const publish = (message: object, options: object = {}) =>
  operator.client.publishAsync(`device/${thingName}/commands`, JSON.stringify(message), { qos: 1, ...options });

/** It dies as it would of a message that ends the machine. */
async function die(): Promise<void> {
  await rig.line.stopCamera("SIGKILL");
  events = [];
  marks = 0;
}

async function start(): Promise<void> {
  await rig.line.startCamera();
}

/** What the camera writes down when something comes was there, and is gone: nothing that came is new any more. */
async function digested(): Promise<void> {
  const record = join(rig.directory, "storage", "devicelink", "delivery");
  const isThere = () =>
    access(record).then(
      () => true,
      () => false,
    );
  for (const deadline = Date.now() + 60_000; !marks || (await isThere()); await delay(20))
    assert.ok(Date.now() < deadline, marks ? "the record is still there" : "nothing came");
}

async function desire(desired: object): Promise<void> {
  const { data, region, rootCA, credentials } = rig.line.cloud;
  const key = JSON.parse(await readFile(credentials, "utf8"));
  const access = { url: data.url, region, rootCA: await readFile(rootCA, "utf8"), credentials: key };
  const { status } = await callShadow(access, "POST", thingName, JSON.stringify({ state: { desired } }));
  assert.equal(status, 200);
}

test("power cuts while nothing comes but what the camera asked for itself drop no session", {
  timeout: 180_000,
}, async () => {
  for (let cut = 0; cut < 3; cut += 1) {
    await isOnline();
    await digested();
    await die();
    if (cut === 2) await publish({ type: "GetUpload", clientToken: "waiting" });
    await start();
  }
  await until("answer", () => operator.heard.answers.find(({ clientToken }) => clientToken === "waiting"), 60_000);
  assert.ok(!events.some(({ type }) => type === "SessionDropped"));
});

test("after two starts that ended right after a message the third one does not take it again", {
  timeout: 180_000,
}, async () => {
  const { answers } = operator.heard;
  await isOnline();
  answers.length = 0;
  await publish({ type: "GetUpload", why: "poison" });
  await until("answer", () => answers[0]);
  await die();

  answers.length = 0;
  await start();
  await until("answer", () => answers[0], 60_000);
  await die();
  await desire({ brightness: 3 });
  answers.length = 0;

  await start();
  const { badStarts } = await happened("SessionDropped");
  assert.equal(badStarts, 2);
  await isOnline();
  await happened("SettingsChanged", ({ names }) => (names as string[]).includes("brightness"));
  const { sessionsDropped } = await operator.ask({ type: "GetTelemetry" });
  assert.equal(sessionsDropped, 1, "telemetry says it, and commands come in again");
  assert.ok(!answers.some(({ clientToken }) => clientToken === undefined), "the message is gone");
  await until("report", () => operator.heard.telemetry.find((report) => report.sessionsDropped === 1));
  const taken = await operator.persist({ type: "TakePhoto", resolution: "QVGA" }, ({ imageId }) => Boolean(imageId));
  assert.equal(taken.width, 320);
});

test("the session lasts again: what comes while the camera is away is there when it is back", {
  timeout: 120_000,
}, async () => {
  await die();
  await publish({ type: "GetUpload", clientToken: "kept" });
  await start();
  await until("answer", () => operator.heard.answers.find(({ clientToken }) => clientToken === "kept"), 60_000);
  const { sessionsDropped } = await operator.ask({ type: "GetTelemetry" });
  assert.equal(sessionsDropped, 0);
  assert.ok(!events.some(({ type }) => type === "SessionDropped"));
});
