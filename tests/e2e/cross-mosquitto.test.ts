/**
 * The whole line on Mosquitto instead of AWS IoT Core: provisioned over Bluetooth with the broker's address and authority, commands over
 * MQTT, grants by the project's own function as just another client, pictures in S3. The camera's IoT policy is the broker's access list.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { S3Client } from "@aws-sdk/client-s3";
import type { MqttClient } from "mqtt";
import { JsonBindingTable } from "../../sim/cloud/bindings/json-table.ts";
import { CredentialStore } from "../../sim/cloud/credentials.ts";
import { createHandler, type GrantOutcome } from "../../sim/cloud/grants/grant-service.ts";
import { grantRuleSQL } from "../../sim/cloud/grants/rule.ts";
import { S3Server } from "../../sim/cloud/s3/server.ts";
import { TopicRule } from "../../sim/cloud/topic-rule.ts";
import { CameraClient } from "../../sim/phone/camera-client.ts";
import { type CameraEvent, CameraOwner } from "../../sim/phone/camera-owner.ts";
import { RadioCentral } from "../../sim/phone/radio-central.ts";
import { Line, network } from "../../sim/start/processes.ts";
import { temporaryDirectory } from "./iot-rig.ts";
import { prepareFrames } from "./line-rig.ts";
import { Mosquitto, withoutMosquitto as skip } from "./mosquitto.ts";
import { type Message, until } from "./operator.ts";

const bucket = "photos";
const region = "us-east-1";
const user = `${region}:5e0f5b4c-6d2e-4f6a-9a57-3a1c6d3e9f00`;
const sensor = 0x81;
/** The camera's clock runs faster: it asks for its shadow for 40 s before it gives up. */
const timeScale = 10;

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let broker: Mosquitto;
let s3: S3Server;
let line: Line;
let phone: CameraClient;
let owner: CameraOwner;
let thingName = "";
let backEnd: MqttClient;
const outcomes: GrantOutcome[] = [];
const heard: { topic: string; message: Message }[] = [];
const events: CameraEvent[] = [];

/** What certs/iot-policy.json allows, in Mosquitto's words. Its subscriptions are not limited: nothing else is delivered. */
async function accessList(): Promise<string[]> {
  const { Statement } = JSON.parse(await readFile(new URL("../../certs/iot-policy.json", import.meta.url), "utf8"));
  const kinds: Record<string, string> = { "iot:Publish": "write", "iot:Receive": "read" };
  const patterns: string[] = [];
  for (const { Action, Resource } of Statement)
    for (const kind of [Action].flat().flatMap((action: string) => kinds[action] ?? []))
      for (const resource of [Resource].flat() as string[]) {
        // biome-ignore lint/suspicious/noTemplateCurlyInString: a policy variable
        const topic = resource.replace(/^.*:topic\//, "").replaceAll("${iot:Connection.Thing.ThingName}", "%u");
        patterns.push(...filtersFor(topic).map((filter) => `pattern ${kind} ${filter}`));
      }
  return ["user back-end", "topic readwrite device/#", "topic read $aws/#", "", ...patterns];
}

/** The policy's star stands for the end of a topic: `get*` is `get` and all that is below it. */
function filtersFor(topic: string): string[] {
  if (!topic.endsWith("*")) return [topic];
  const start = topic.slice(0, -1);
  return start.endsWith("/") ? [`${start}#`] : [start, `${start}/#`];
}

before(async () => {
  if (skip) return;
  directory = await temporaryDirectory();
  broker = await Mosquitto.start({ acl: await accessList() });
  const credentials = new CredentialStore();
  const key = credentials.issue({ principal: { type: "role", roleName: "grants" }, seconds: 3600 });
  s3 = await S3Server.listen({
    ca: broker.ca,
    directory: `${directory.path}/s3`,
    credentials,
    region,
    buckets: [bucket],
  });
  backEnd = await broker.client("back-end");
  const checksums = { requestChecksumCalculation: "WHEN_REQUIRED" } as const;
  await serveGrants(new S3Client({ region, credentials: key, endpoint: s3.url, forcePathStyle: true, ...checksums }));
  await backEnd.subscribeAsync(["device/+/answers", "device/+/telemetry", "device/+/photos"], { qos: 1 });
  backEnd.on("message", (topic, payload) => heard.push({ topic, message: JSON.parse(String(payload)) }));
  const frames = `${directory.path}/frames`;
  await prepareFrames(frames, { resolutions: ["VGA"], qualities: ["default"], sensor });
  const timeline = { step() {}, progress() {}, note() {} };
  const out = `${directory.path}/out`;
  line = new Line({ directory: directory.path, frames, out, sensor, timeScale, timeline });
  await line.startRadio();
  await line.startCamera();
});

after(async () => {
  await phone?.close().catch(() => {});
  await line?.stop();
  await backEnd?.endAsync(true);
  await s3?.close();
  await broker?.close();
  await directory?.remove();
});

/** Rule and function of sim/cloud/grants, for any broker. */
async function serveGrants(client: S3Client): Promise<void> {
  const rule = new TopicRule(grantRuleSQL);
  const publish = async (topic: string, payload: string) => {
    await backEnd.publishAsync(topic, payload, { qos: 1 });
  };
  const handler = createHandler({ table: bindings(), s3: client, bucket, publish });
  backEnd.on("message", async (topic, payload) => {
    const event = rule.select(topic, payload);
    if (event) outcomes.push(await handler(event));
  });
  await backEnd.subscribeAsync("device/+/uploads/request", { qos: 1 });
}

const bindings = () => new JsonBindingTable(`${directory.path}/bindings.json`);

async function meet(): Promise<void> {
  const { name, pop } = await line.label;
  phone = await new CameraClient(await RadioCentral.open({ port: line.radioPort }));
  await phone.connect(name);
  await phone.openSession(pop);
  const registrar = {
    /** As an owner of a Mosquitto does it by hand: any authority that the broker trusts may sign. */
    registerThing: async (request: { thingName: string; csrPem: string }) => {
      const { certPem } = await broker.ca.issueFromCsr(request.csrPem, { commonName: request.thingName });
      return { thingName: request.thingName, endpoint: broker.endpoint, certPem, certificateArn: "" };
    },
    presignPhoto: () => Promise.reject(new Error("the phone has no bucket")),
  };
  owner = new CameraOwner({
    client: phone,
    registrar,
    rootCA: broker.ca.certPem,
    onEvent: (event) => events.push(event),
  });
}

/** A command over MQTT. */
async function ask(message: object, limit?: number): Promise<Message> {
  const clientToken = `back-end-${heard.length}-${Math.random()}`;
  const command = JSON.stringify({ ...message, clientToken });
  await backEnd.publishAsync(`device/${thingName}/commands`, command, { qos: 1 });
  return until("answer", () => heardOn("answers").find((answer) => answer.clientToken === clientToken), limit);
}

const heardOn = (name: string) =>
  heard.filter(({ topic }) => topic === `device/${thingName}/${name}`).map(({ message }) => message);

async function photograph(): Promise<void> {
  const photo = await ask({ type: "TakePhoto", resolution: "VGA" });
  assert.equal(photo.width, 640, JSON.stringify(photo));
  const { imageId } = photo;
  assert.equal((await ask({ type: "UploadPhoto", imageId })).accepted, true);
  const isOver = (event: CameraEvent) => event.type === "UploadResult" && event.imageId === imageId;
  const { status, code, message } = await owner.waitFor("upload result", isOver, 60_000);
  assert.equal(status, "stored", `${code}: ${message}`);
  const announced = await until("announcement", () => heardOn("photos").find((it) => it.imageId === imageId));
  const key = `users/${user}/${thingName}/${imageId}.jpg`;
  assert.equal(announced.bytes, photo.byteLength);
  assert.equal(decodeURIComponent(String(announced.url)), `${s3.url}/${bucket}/${key}`);
  const object = await s3.store.find(bucket, key);
  assert.equal(object?.size, photo.byteLength);
  assert.equal(announced.etag, object?.etag);
}

test("provisioned over Bluetooth with the broker's address and authority, it connects", { skip }, async () => {
  await meet();
  const info = await owner.deviceInfo();
  await phone.configureWiFi(network);
  await phone.waitForWiFi();
  thingName = CameraOwner.thingNameOf(info);
  await owner.register(thingName);
  await owner.waitFor("connection", (event) => event.type === "CloudState" && event.state === "online", 60_000);
  assert.equal((await ask({ type: "GetDeviceInfo" })).thingName, thingName);
});

test("pictures on command, with URLs that the function grants over MQTT", { skip }, async () => {
  const photo = await ask({ type: "TakePhoto", resolution: "VGA" });
  await ask({ type: "UploadPhoto", imageId: photo.imageId });
  const isResult = (event: CameraEvent) => event.type === "UploadResult" && event.imageId === photo.imageId;
  const refused = await owner.waitFor("upload result", isResult, 60_000);
  assert.equal(refused.code, "GrantRefused", "nobody's camera");
  await bindings().claim({ thing: thingName, user, since: Date.now() });
  await photograph();
  assert.deepEqual(
    outcomes.map(({ status, code }) => code ?? status),
    ["NotBound", "granted"],
  );
});

test("the broker is restarted, and the camera's power is cut: what was said meanwhile is done", { skip }, async () => {
  await broker.shut();
  await owner.waitFor("loss", (event) => event.type === "CloudState" && event.state !== "online", 60_000);
  await broker.open();
  await owner.waitFor("connection", (event) => event.type === "CloudState" && event.state === "online", 60_000);
  await photograph();

  await line.stopCamera("SIGKILL");
  const told = ask({ type: "GetDeviceInfo" }, 60_000);
  await line.startCamera();
  assert.equal((await told).thingName, thingName, "the broker has kept the command");
});

test("that there is no shadow is told once for each connection, and nothing is sent that the policy would not allow", {
  skip,
}, async () => {
  // A new start, and so a new connection: the events are those of it.
  await phone.close();
  events.length = 0;
  await meet();
  await photograph();
  const isMissing = (event: CameraEvent) => event.type === "Error" && event.code === "ShadowNoAnswer";
  await owner.waitFor("end of the wait for the shadow", isMissing, 60_000);
  // Twenty of the camera's seconds: by then the report, which comes after the request, has been given up as well.
  await delay(20_000 / timeScale);
  await ask({ type: "GetDeviceInfo" });
  await owner.waitFor("nothing more", () => false, 500).catch(() => {});
  const failures = events.filter(({ type }) => type === "Error").map(({ code }) => code);
  assert.equal(new Set(failures).size, failures.length, String(failures));

  const stranger = await broker.client("camera-stranger");
  await stranger.publishAsync(`device/${thingName}/commands`, "{}", { qos: 1 });
  await stranger.endAsync(true);
  const deniedTo = () => [...broker.log.matchAll(/^.*Denied PUBLISH (?:from|to) (\S+)/gm)].map(([, client]) => client);
  await until("refusal of somebody else", () => (deniedTo().includes("camera-stranger") ? true : undefined));
  assert.ok(!deniedTo().includes(thingName), "the camera keeps to its own topics");
});
