/**
 * Messages of the greatest size that is taken, full of what nobody has asked for, or of all that a command may have, to the whole firmware in a machine with 2 KB of
 * chunks, 256 slots and 64 slots of stack less than the camera's: over MQTT 4 KB, in a Bluetooth session 6 KB. Whatever a command reads while its
 * message waits in memory fits beside it.
 */
import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { exportPrivateKey, generateKeyPair } from "../../certs/certificates.ts";
import { JsonBindingTable } from "../../sim/cloud/bindings/json-table.ts";
import { registerThing } from "../../sim/phone/aws.ts";
import { LineRig } from "./line-rig.ts";
import { type Message, Operator, until } from "./operator.ts";

const here = dirname(fileURLToPath(import.meta.url));
const manifest = join(here, "firmware/burst/manifest.json");
/** Bytes: what the session, the message itself and a text in it may have. */
const overMQTT = 4096;
const overBluetooth = 6144;
const textLimit = 4608;

let rig: LineRig;
let operator: Operator;
let thingName = "";
let starts = 0;

before(async () => {
  rig = await LineRig.open({ firmware: { manifest, module: "main" } });
  rig.line.onCameraLine = (line) => {
    if (line.startsWith("label:")) starts += 1;
  };
  await rig.provision();
  await listen((await rig.owner.deviceInfo()).thingName as string, "operator");
});

after(async () => {
  await operator?.close();
  await rig?.close();
});

/** There is somebody who sends commands to the thing, and it is somebody's. */
async function listen(name: string, clientId: string): Promise<void> {
  await operator?.close();
  thingName = name;
  operator = await Operator.connect(rig.line.cloud, name, clientId);
  const table = new JsonBindingTable(rig.line.cloud.bindings);
  await table.claim({ thing: name, user: "us-east-1:5e0f5b4c", since: Date.now(), policy: "none" });
}

/** Texts with these names, that together make the message as long as it may be. */
function filled(message: object, names: readonly string[], limit: number): Message {
  const padded: Message = { ...message };
  for (const name of names) padded[name] = "";
  let room = limit - JSON.stringify(padded).length;
  for (const [i, name] of names.entries()) {
    const length = Math.min(Math.floor(room / (names.length - i)), textLimit);
    padded[name] = "x".repeat(length);
    room -= length;
  }
  return padded;
}

/** So many short texts in a row. */
const row = (bytes: number) => Array.from({ length: 20 }, () => "r".repeat(Math.floor(bytes / 20) - 3));

const foreign = ["note", "url", "headers", "certPem", "parameters", "imageId", "privKey", "endpoint"];
let tokens = 0;

/** What stands beside a command, and is not for it. @returns the messages, with their type in front and at the end */
function burdens(type: string, fields: object, limit: number): Message[] {
  const names = foreign.filter((name) => !(type === "GetUpload" && name === "imageId"));
  const room = limit - JSON.stringify({ type, clientToken: "token-0000", ...fields }).length;
  const strings = filled({}, names, room);
  const list = { url: {}, list: row(room - 100) };
  const nested = { url: { url: row(room - 100) } };
  const pairs = Object.fromEntries(row(room - 250).map((text, i) => [`x-${i}`, text]));
  const single = { template: { parameters: { x: "u".repeat(Math.min(room - 60, textLimit)) } }, url: 0 };
  const maps = { headers: pairs, parameters: {} };
  return [strings, list, nested, single, maps].flatMap((rest) => [
    { type, ...fields, clientToken: token(), ...rest },
    { ...rest, ...fields, clientToken: token(), type },
  ]);
}

/** A command whose token was just seen is not carried out. */
const token = () => `token-${++tokens}`;

/** @returns its one answer */
async function command(message: object): Promise<Message> {
  const { answers } = operator.heard;
  const count = answers.length;
  const payload = JSON.stringify(message);
  assert.ok(payload.length > overMQTT - 400 && payload.length <= overMQTT, `${payload.length} bytes`);
  await operator.client.publishAsync(`device/${thingName}/commands`, payload, { qos: 1 });
  return (await Promise.race([until("answer", () => answers[count]), rig.line.failed])) as Message;
}

/** @returns its answer, or its refusal as one */
async function request(endpoint: string, message: object): Promise<Message> {
  const { length } = JSON.stringify(message);
  assert.ok(length > overBluetooth - 1700 && length <= overBluetooth, `${length} bytes`);
  const refused = (error: Error & { code?: string }) => ({ error: { code: error.code ?? error.message } });
  return (await Promise.race([rig.client.request(endpoint, message).catch(refused), rig.line.failed])) as Message;
}

async function makeRSARequest(commonName: string): Promise<{ key: string; csr: string }> {
  const keys = await generateKeyPair("RSA");
  const signingAlgorithm = keys.privateKey.algorithm;
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: `CN=${commonName}`,
    keys,
    signingAlgorithm,
  });
  const key = createPrivateKey(await exportPrivateKey(keys.privateKey)).export({ type: "pkcs1", format: "pem" });
  return { key: String(key), csr: request.toString("pem") };
}

/** Roots as PEM, the broker's among them, so that the message is as long as it may be. */
async function rootsFor(message: object, limit: number): Promise<string> {
  let roots = rig.rootCA;
  for (const name of [1, 3, 4, 3, 4, 3]) {
    const more = await readFile(join(here, `../../certs/roots/amazon-root-ca-${name}.pem`), "utf8");
    if (JSON.stringify({ ...message, rootCA: roots + more }).length <= limit) roots += more;
  }
  return roots;
}

test("an identity of 6 KB is taken, and the camera goes online with it", async () => {
  const name = "camera-with-rsa-key";
  const { key, csr } = await makeRSARequest(name);
  const { iot } = operator;
  const { certPem } = await registerThing(iot, { thingName: name, csrPem: csr });
  const message = {
    type: "RegisterDevice",
    thingName: name,
    endpoint: rig.line.cloud.mqtt.endpoint,
    certPem,
    privKey: key,
  };
  const rootCA = await rootsFor(message, overBluetooth);
  const answer = await request("camera-cert", { ...message, rootCA });
  assert.deepEqual([answer.type, answer.error], ["RegisterDevice", undefined]);
  await rig.untilOnline(name, 60_000);
  await listen(name, "another-operator");
});

for (const type of ["GetDeviceInfo", "GetTelemetry", "GetUpload", "TakePhoto"])
  test(`${type} over MQTT with 4 KB of what it does not read is carried out`, async () => {
    for (const message of burdens(type, {}, overMQTT)) {
      const answer = await command(message);
      assert.deepEqual([answer.type, answer.clientToken, answer.error], [type, message.clientToken, undefined]);
    }
  });

for (const [endpoint, type, fields] of [
  ["camera-command", "GetDeviceInfo", {}],
  ["camera-command", "GetTelemetry", {}],
  ["camera-command", "TakePhoto", { resolution: "QVGA" }],
  ["camera-upload", "GetUpload", {}],
  ["camera-event", "GetEvents", { since: 0 }],
  ["camera-cert", "CreateCsr", { thingName: "n".repeat(128) }],
  ["camera-cert", "ProveOwnership", { identity: "i".repeat(64), nonce: "n".repeat(64), csr: true }],
] as const)
  test(`${type} over Bluetooth with 6 KB of what it does not read is carried out`, async () => {
    for (const message of burdens(type, fields, overBluetooth)) {
      const answer = await request(endpoint, message);
      assert.deepEqual([answer.type, answer.error], [type, undefined]);
    }
  });

test("the camera has not started again in all that time", async () => {
  assert.ok(starts <= 1, `${starts} starts`);
  assert.equal((await rig.owner.deviceInfo()).thingName, thingName);
  const { chunkBytesPeak, slotsPeak, stackPeak } = await rig.line.statistics();
  console.log(JSON.stringify({ chunkBytesPeak, slotsPeak, stackPeak }));
});
