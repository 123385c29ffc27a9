import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import "reflect-metadata";
import { AttachPolicyCommand, CreatePolicyCommand, IoTClient } from "@aws-sdk/client-iot";
import { Pkcs10CertificateRequestGenerator } from "@peculiar/x509";
import { connect, type MqttClient } from "mqtt";
import { exportPrivateKey, generateKeyPair } from "../../certs/certificates.ts";
import { AwsRegistrar } from "../../sim/phone/aws.ts";
import { LineRig } from "./line-rig.ts";

let rig: LineRig;
let operator: MqttClient;
let thingName = "";
/** Messages of the camera, by the last part of their topic. */
const heard: Record<string, Record<string, unknown>[]> = { answers: [], telemetry: [], photos: [] };

before(async () => {
  rig = await LineRig.open({ resolutions: ["QVGA", "VGA"] });
  await rig.provision();
  thingName = (await rig.owner.deviceInfo()).thingName as string;
  operator = await connectOperator();
  operator.on("message", (topic, payload) => heard[topic.split("/").at(-1)!]?.push(JSON.parse(payload.toString())));
  await operator.subscribeAsync(Object.keys(heard).map((name) => `device/${thingName}/${name}`));
});

after(async () => {
  await operator?.endAsync();
  await rig?.close();
});

/** Somebody who may talk to all cameras: a thing of its own with a policy of its own, made with the AWS SDK. */
async function connectOperator(): Promise<MqttClient> {
  const { cloud } = rig.line;
  const rootCA = await readFile(cloud.rootCA, "utf8");
  const registrar = new AwsRegistrar({ cloud, rootCA });
  const keys = await generateKeyPair();
  const signingAlgorithm = { name: "ECDSA", hash: "SHA-256" };
  const request = await Pkcs10CertificateRequestGenerator.create({ name: "CN=operator", keys, signingAlgorithm });
  const csrPem = request.toString("pem");
  const { certPem, certificateArn } = await registrar.registerThing({ thingName: "operator", csrPem });
  const credentials = JSON.parse(await readFile(cloud.credentials, "utf8"));
  const settings = { region: cloud.region, credentials, requestHandler: { httpsAgent: { ca: rootCA } } };
  const iot = new IoTClient({ ...settings, endpoint: cloud.api.url });
  const allow = (Action: string, kind: string) => ({
    Effect: "Allow",
    Action,
    Resource: `arn:aws:iot:*:*:${kind}/device/*`,
  });
  const Statement = [
    allow("iot:Publish", "topic"),
    allow("iot:Receive", "topic"),
    allow("iot:Subscribe", "topicfilter"),
  ];
  const policyDocument = JSON.stringify({ Version: "2012-10-17", Statement });
  await iot.send(new CreatePolicyCommand({ policyName: "operator", policyDocument }));
  await iot.send(new AttachPolicyCommand({ policyName: "operator", target: certificateArn }));
  const client = connect({
    host: "localhost",
    port: cloud.mqtt.port,
    protocol: "mqtts",
    ca: rootCA,
    cert: certPem,
    key: await exportPrivateKey(keys.privateKey),
    clientId: "operator",
    reconnectPeriod: 0,
  });
  await new Promise((resolve, reject) => client.once("connect", resolve).once("error", reject));
  return client;
}

async function until<T>(what: string, look: () => T | undefined, limit = 20_000): Promise<T> {
  for (const deadline = Date.now() + limit; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
    const found = look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`no ${what} within ${limit} ms`);
  }
}

let tokens = 0;
async function ask(message: object): Promise<Record<string, unknown>> {
  const clientToken = `t${++tokens}`;
  await operator.publishAsync(`device/${thingName}/commands`, JSON.stringify({ ...message, clientToken }), { qos: 1 });
  return until("answer", () => heard.answers.find((answer) => answer.clientToken === clientToken));
}

test("the same commands over MQTT: a picture from the shutter to its announcement, with no phone in the room", async () => {
  await rig.dropPhone();
  const info = await ask({ type: "GetDeviceInfo" });
  assert.equal(info.thingName, thingName);
  assert.equal(info.state, "online");
  const photo = await ask({ type: "TakePhoto", resolution: "VGA" });
  assert.equal(photo.width, 640);
  const { imageId } = photo as { imageId: string };
  const rootCA = await readFile(rig.line.cloud.rootCA, "utf8");
  const url = await new AwsRegistrar({ cloud: rig.line.cloud, rootCA }).presignPhoto({ thingName, imageId });
  const accepted = await ask({ type: "UploadPhoto", imageId, url });
  assert.equal(accepted.accepted, true);
  const announced = await until("announcement", () => heard.photos.find((it) => it.imageId === imageId));
  assert.equal(announced.bytes, photo.byteLength);
  assert.equal(announced.url, url.split("?")[0], "without its query");
  const { path, etag } = rig.objectOf(imageId);
  assert.equal((await readFile(path)).length, photo.byteLength);
  assert.equal(announced.etag, etag.replaceAll('"', ""));
});

test("what is refused over MQTT is answered, and identity stays a matter of the room", async () => {
  for (const type of ["CreateCsr", "RegisterDevice", "ProvisionByClaim", "GetEvents"]) {
    const { error } = (await ask({ type, thingName: "evil" })) as { error: { code: string } };
    assert.equal(error.code, "NotAllowed", type);
  }
  const cases: [object, string][] = [
    [{ type: "Explode" }, "UnknownCommand"],
    [{ type: "TakePhoto", resolution: "8K" }, "BadResolution"],
    [{ type: "TakePhoto", quality: "best" }, "BadQuality"],
    [{ type: "UploadPhoto", imageId: "nothing", url: "https://localhost/x" }, "NoSuchPhoto"],
    [{ type: "GetThumbnail", imageId: "nothing" }, "NoSuchPhoto"],
  ];
  for (const [message, code] of cases) {
    const { error } = (await ask(message)) as { error: { code: string } };
    assert.equal(error.code, code, JSON.stringify(message));
  }
});

test("a message delivered twice is carried out once", async () => {
  const command = JSON.stringify({ type: "TakePhoto", resolution: "QVGA", clientToken: "twice" });
  await operator.publishAsync(`device/${thingName}/commands`, command, { qos: 1 });
  await operator.publishAsync(`device/${thingName}/commands`, command, { qos: 1 });
  await ask({ type: "GetDeviceInfo" });
  await until("answer", () => heard.answers.find((answer) => answer.clientToken === "twice"));
  await ask({ type: "GetDeviceInfo" });
  assert.equal(heard.answers.filter((answer) => answer.clientToken === "twice").length, 1);
});

test("what is no command does no harm", async () => {
  for (const payload of ["", "{", "null", "[]", '"x"', "\u0000", "x".repeat(5000)])
    await operator.publishAsync(`device/${thingName}/commands`, payload, { qos: 1 });
  assert.equal((await ask({ type: "GetDeviceInfo" })).state, "online");
});

test("telemetry says how the camera is, and the broker says when it is gone", async () => {
  const report = heard.telemetry[0] ?? (await ask({ type: "GetDeviceInfo" }));
  assert.ok(report);
  await rig.line.stopCamera("SIGKILL");
  await until("last will", () => heard.telemetry.find((message) => message.state === "offline"), 30_000);
  await rig.line.startCamera();
  const back = await until("telemetry", () => heard.telemetry.find((message) => typeof message.uptime === "number"));
  assert.equal(back.firmware, "0.1.0");
  assert.equal(typeof back.RSSI, "number");
});
