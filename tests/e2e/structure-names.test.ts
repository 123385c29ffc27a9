/**
 * Names that nobody has used before, thousands of them, wherever a message may have names of its sender's: headers of commands and grants, parameters of a
 * template, types of commands. To the whole firmware in a machine with 2 KB of chunks, 256 slots and 64 slots of stack less than the camera's: a name that
 * became a property, or was looked up as one, would take a slot for good.
 */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { JsonBindingTable } from "../../sim/cloud/bindings/json-table.ts";
import type { CameraEvent } from "../../sim/phone/camera-owner.ts";
import { photoHeaders } from "../../sim/phone/picture-keys.ts";
import { LineRig } from "./line-rig.ts";
import { type Message, Operator } from "./operator.ts";

const here = dirname(fileURLToPath(import.meta.url));
const manifest = join(here, "firmware/burst/manifest.json");
const rounds = 100;
/** Headers of a grant, parameters of a template. */
const most = 16;
/** Milliseconds: the cloud's own grants come after the test's. */
const grantDelay = 600_000;
/** The list of events fills up meanwhile. What were kept of each round would be several hundred. */
const slotsOfChance = 120;
const keysOfChance = 8;
const now = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
const url = `https://localhost:9/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a&X-Amz-Date=${now}&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=s`;

let rig: LineRig;
let operator: Operator;
let thingName = "";
let imageId = "";
/** The picture can be sent. */
let isIntact = false;
let starts = 0;
let names = 0;
let begin: { slots: number; keys: number };

before(async () => {
  // The probe collects what nobody holds before it is counted.
  const firmware = { manifest, module: "probe" };
  rig = await LineRig.open({ firmware, cloudArguments: ["--grant-delay", String(grantDelay)] });
  rig.line.onCameraLine = (line) => {
    if (line.startsWith("label:")) starts += 1;
  };
  await rig.provision();
  thingName = (await rig.owner.deviceInfo()).thingName as string;
  operator = await Operator.connect(rig.line.cloud, thingName);
  await operator.client.subscribeAsync(`device/${thingName}/uploads/request`);
  operator.client.on("message", (topic, payload) => {
    if (topic.endsWith("/uploads/request")) grant(JSON.parse(payload.toString()));
  });
  const table = new JsonBindingTable(rig.line.cloud.bindings);
  await table.claim({ thing: thingName, user: "us-east-1:5e0f5b4c", since: Date.now(), policy: "none" });
  // Whatever is made once is there when the counting begins.
  for (const round of [storedPicture, unsignedHeader, badParameters, unknownCommand]) await round();
  begin = await held();
});

after(async () => {
  await operator?.close();
  await rig?.close();
});

/** So many texts by names that were never there before. */
function fresh(prefix: string, count: number): [string, string][] {
  return Array.from({ length: count }, () => [`${prefix}${(names++).toString(36)}`, "1"]);
}

/** What the machine holds: the least of what is seen, since there may be something to collect each time. */
async function held(): Promise<{ slots: number; keys: number }> {
  let slots = Infinity;
  let keys = 0;
  for (let i = 0; i < 40; i += 1) {
    const now = await rig.line.statistics();
    slots = Math.min(slots, now.slots);
    keys = now.keys;
    await delay(20);
  }
  return { slots, keys };
}

const failed = async <T>(result: Promise<T>): Promise<T> => (await Promise.race([result, rig.line.failed])) as T;
const ask = (message: object): Promise<Message> => failed(operator.ask(message));
const errorOf = ({ error }: Message) => error as { code: string; message: string };

/** One that cannot be used, and then one for a URL that is no https. Another one is asked for, once. */
async function grant({ imageId, requestId }: Message): Promise<void> {
  const topic = `device/${thingName}/uploads/grant`;
  const url = "http://localhost/k";
  const tooLong = [...fresh("x-", most - 1), ["x-last", "1".repeat(1025)]];
  for (const headers of [tooLong, fresh("x-", most)]) {
    const answer = { imageId, requestId, url, headers: Object.fromEntries(headers) };
    await operator.client.publishAsync(topic, JSON.stringify(answer), { qos: 1 });
  }
}

/** A command with a URL and headers, one of which cannot be sent: so the camera asks for a grant. The picture stays as it is. */
async function unsignedHeader(): Promise<void> {
  if (!isIntact) await takePhoto();
  const headers = Object.fromEntries([...fresh("x-", most - 1), ...fresh("x-amz-", 1)]);
  const answer = await ask({ type: "UploadPhoto", imageId, url, headers });
  assert.equal(answer.accepted, true, JSON.stringify(answer));
  const { status, code } = await uploadResult();
  assert.deepEqual([status, code], ["needURL", "InsecureURL"]);
}

async function takePhoto(): Promise<void> {
  imageId = (await failed(rig.owner.takePhoto({ resolution: "QVGA" }))).imageId;
  isIntact = true;
}

async function uploadResult(): Promise<CameraEvent> {
  const isResult = (event: CameraEvent) => event.type === "UploadResult" && event.imageId === imageId;
  return failed(rig.owner.waitFor("upload result", isResult, 60_000));
}

async function badParameters(): Promise<void> {
  const parameters = Object.fromEntries([...fresh("p", most - 1), ["last", "1".repeat(257)]]);
  const answer = await ask({ type: "RotateCertificate", template: "t", parameters });
  assert.equal(errorOf(answer).code, "BadField", JSON.stringify(answer));
}

async function unknownCommand(): Promise<void> {
  const [[type]] = fresh("Command", 1);
  assert.equal(errorOf(await ask({ type })).code, "UnknownCommand");
}

/** All the way into the bucket: headers that nobody has signed may go with a picture. */
async function storedPicture(): Promise<void> {
  await takePhoto();
  isIntact = false;
  const url = await rig.registrar.presignPhoto({ thingName, imageId });
  const headers = { ...photoHeaders, ...Object.fromEntries(fresh("x-", most - 3)) };
  const answer = await ask({ type: "UploadPhoto", imageId, url, headers });
  assert.equal(answer.accepted, true, JSON.stringify(answer));
  const { status, verified, message } = await uploadResult();
  assert.deepEqual([status, verified], ["stored", true], String(message));
}

/** @param round one of `rounds` */
async function repeat(round: () => Promise<void>, count = rounds): Promise<void> {
  for (let i = 0; i < count; i += 1) await round();
}

test("headers of commands and of grants", { timeout: 300_000 }, () => repeat(unsignedHeader));
test("parameters of a template", { timeout: 120_000 }, () => repeat(badParameters));
test("types of commands", { timeout: 120_000 }, () => repeat(unknownCommand, rounds * 2));
test("headers that go with a picture into the bucket", { timeout: 120_000 }, () => repeat(storedPicture, 10));

test("the camera is the same process, and no name has taken a slot of it", async () => {
  assert.ok(starts <= 1, `${starts} starts`);
  const last = await held();
  console.log(JSON.stringify({ names, begin, end: last }));
  assert.ok(names > 8000, `${names} names`);
  assert.ok(last.slots < begin.slots + slotsOfChance, `${last.slots} slots, ${begin.slots} at first`);
  assert.ok(last.keys < begin.keys + keysOfChance, `${last.keys} names are properties, ${begin.keys} at first`);
  assert.equal((await ask({ type: "GetDeviceInfo" })).thingName, thingName);
});
