/**
 * The engine keeps every name that a property was asked by, for good. So whatever strings come from outside, and however many, the count of names stays what it was:
 * over Bluetooth, in commands over MQTT, in the shadow.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { callShadow } from "./data-plane-client.ts";
import { LineRig } from "./line-rig.ts";
import { Operator } from "./operator.ts";

const count = 100;

let rig: LineRig;
let operator: Operator;
let thingName = "";
let serial = 0;

before(async () => {
  rig = await LineRig.open();
  await rig.provision();
  thingName = (await rig.owner.deviceInfo()).thingName as string;
  operator = await Operator.connect(rig.line.cloud, thingName);
});
after(async () => {
  await operator?.close();
  await rig?.close();
});

/** A text that nobody has said before. */
function fresh(): string {
  serial += 1;
  return `name${serial}`;
}

async function overBluetooth(endpoint: string, message: object): Promise<void> {
  if (!rig.client.hasSession) await rig.client.openSession((await rig.line.label).pop);
  const answered = rig.client.request(endpoint as "camera-command", message).catch(() => {});
  await Promise.race([answered, rig.line.failed]);
}

async function desire(desired: object): Promise<void> {
  const { data, region, rootCA, credentials } = rig.line.cloud;
  const access = { url: data.url, region, rootCA: await readFile(rootCA, "utf8") };
  const key = JSON.parse(await readFile(credentials, "utf8"));
  const body = JSON.stringify({ state: { desired } });
  const update = async () => (await callShadow({ ...access, credentials: key }, "POST", thingName, body)).status;
  let status = await update();
  // Twenty requests in a second are the limit for a shadow.
  for (; status === 429; status = await update()) await delay(200);
  assert.equal(status, 200);
  await overBluetooth("camera-command", { type: "GetDeviceInfo" });
}

const kinds: Record<string, () => Promise<unknown>> = {
  "a type over Bluetooth": () => overBluetooth("camera-command", { type: fresh() }),
  "a type over MQTT": () => operator.ask({ type: fresh() }),
  "members of a command": () => overBluetooth("camera-command", { type: "GetDeviceInfo", [fresh()]: { [fresh()]: 1 } }),
  "a token": () => operator.ask({ type: "GetUpload", clientToken: fresh() }),
  "a resolution": () => overBluetooth("camera-command", { type: "TakePhoto", resolution: fresh() }),
  "a quality": () => overBluetooth("camera-command", { type: "TakePhoto", quality: fresh() }),
  "an image": () => overBluetooth("camera-command", { type: "GetThumbnail", imageId: fresh() }),
  "an upload's image": () =>
    overBluetooth("camera-upload", { type: "UploadPhoto", imageId: fresh(), url: `https://localhost/${fresh()}` }),
  "a thing and its endpoint": () =>
    overBluetooth("camera-cert", { type: "RegisterDevice", thingName: fresh(), endpoint: fresh(), certPem: fresh() }),
  "a template": () => overBluetooth("camera-cert", { type: "ProvisionByClaim", template: fresh(), endpoint: fresh() }),
  "an identity and a nonce": () =>
    overBluetooth("camera-cert", { type: "ProveOwnership", identity: fresh(), nonce: fresh() }),
  "a type for another endpoint": () => overBluetooth("camera-event", { type: fresh() }),
  "wishes of the shadow": () =>
    desire({ [fresh()]: fresh(), whiteBalance: fresh(), effect: fresh(), resolution: fresh() }),
};

/** Names that came to those in flash. */
const names = async () => (await rig.line.statistics()).keys;

for (const [what, send] of Object.entries(kinds))
  test(`${what}: new ones take no name of the machine`, { timeout: 120_000 }, async () => {
    // What the firmware itself asks by for the first time.
    for (let i = 0; i < 3; i += 1) await send();
    const before = await names();
    const times = what.includes("shadow") ? 20 : count;
    for (let i = 0; i < times; i += 1) await send();
    assert.equal(await names(), before);
  });
