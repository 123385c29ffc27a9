import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { AttachPolicyCommand, UpdateCertificateCommand } from "@aws-sdk/client-iot";
import { hookArn } from "../../sim/cloud/provisioning-hook/local.ts";
import { AwsRegistrar } from "../../sim/phone/aws.ts";
import { setUpFleet } from "../../sim/phone/fleet.ts";
import { LineRig } from "./line-rig.ts";
import { type Message, Operator, until } from "./operator.ts";

let rig: LineRig;
let operator: Operator;
let thingName = "";
let heard: Operator["heard"];

before(async () => {
  rig = await LineRig.open({ resolutions: ["QVGA", "VGA"] });
  await rig.provision();
  thingName = (await rig.owner.deviceInfo()).thingName as string;
  operator = await Operator.connect(rig.line.cloud, thingName);
  heard = operator.heard;
});

after(async () => {
  await operator?.close();
  await rig?.close();
});

const ask = (message: object): Promise<Message> => operator.ask(message);

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
  for (const type of ["CreateCsr", "RegisterDevice", "ProveOwnership", "ProvisionByClaim", "GetEvents"]) {
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
  await operator.client.publishAsync(`device/${thingName}/commands`, command, { qos: 1 });
  await operator.client.publishAsync(`device/${thingName}/commands`, command, { qos: 1 });
  await ask({ type: "GetDeviceInfo" });
  await until("answer", () => heard.answers.find((answer) => answer.clientToken === "twice"));
  await ask({ type: "GetDeviceInfo" });
  assert.equal(heard.answers.filter((answer) => answer.clientToken === "twice").length, 1);
});

test("what is no command does no harm", async () => {
  for (const payload of ["", "{", "null", "[]", '"x"', "\u0000", "x".repeat(5000)])
    await operator.client.publishAsync(`device/${thingName}/commands`, payload, { qos: 1 });
  assert.equal((await ask({ type: "GetDeviceInfo" })).state, "online");
});

test("the certificate is replaced by a command over MQTT, and pictures go on", { timeout: 120_000 }, async () => {
  const region = rig.line.cloud.region;
  const [account, templateName] = ["123456789012", "devicelink"];
  const roleArn = `arn:aws:iam::${account}:role/provisioning`;
  await setUpFleet(operator.iot, { templateName, region, roleArn, hookArn: hookArn(region) });
  const { certificateId } = await ask({ type: "GetDeviceInfo" });
  const target = `arn:aws:iot:${region}:${account}:cert/${certificateId}`;
  await operator.iot.send(new AttachPolicyCommand({ policyName: "devicelink-rotation", target }));
  const { applyState } = await ask({ type: "RotateCertificate", template: templateName });
  assert.equal(applyState, "enrolling");
  const { certificateId: fresh } = await operator.persist({ type: "GetDeviceInfo" }, (info) =>
    Boolean(info.certificateId && info.certificateId !== certificateId && info.applyState === "applied"),
  );
  assert.match(String(fresh), /^[0-9a-f]{64}$/);
  await operator.iot.send(
    new UpdateCertificateCommand({ certificateId: String(certificateId), newStatus: "INACTIVE" }),
  );
  assert.equal((await ask({ type: "TakePhoto", resolution: "VGA" })).width, 640);
});

test("the report of telemetry on demand", async () => {
  const { uptime, firmware, freeMemory, error } = await ask({ type: "GetTelemetry" });
  assert.equal(error, undefined);
  assert.ok(Number(uptime) >= 0);
  assert.equal(firmware, "0.1.0");
  // Of the machine that manifest.json creates: 24,576 bytes of chunks and 2,048 slots of 16 bytes.
  assert.ok(Number(freeMemory) > 0 && Number(freeMemory) < 24_576 + 2048 * 16, `${freeMemory}`);
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
