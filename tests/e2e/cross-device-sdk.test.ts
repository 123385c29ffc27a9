/** aws-iot-device-sdk-v2 as a second device of the same account, while the camera works: its own certificate, shadow, jobs and telemetry. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import {
  AttachPolicyCommand,
  CreateJobCommand,
  CreatePolicyCommand,
  DescribeJobExecutionCommand,
  DescribeThingCommand,
  DetachPolicyCommand,
  type IoTClient,
} from "@aws-sdk/client-iot";
import { JsonBindingTable } from "../../sim/cloud/bindings/json-table.ts";
import type { ProcessEvent } from "../../sim/start/json-process.ts";
import { callShadow, type DataPlaneAccess } from "./data-plane-client.ts";
import { type Identity, makeIdentity } from "./iot-rig.ts";
import { LineRig } from "./line-rig.ts";
import { Operator, until } from "./operator.ts";
import { SDKDevice } from "./sdk-device.ts";

const thingName = "sensor-1";

let rig: LineRig;
let operator: Operator;
let identity: Identity;
let device: SDKDevice;
let camera = "";
const cloudEvents: ProcessEvent[] = [];

before(async () => {
  rig = await LineRig.open({ resolutions: ["VGA"] });
  const { onCloudEvent: keepObjects } = rig.line;
  rig.line.onCloudEvent = (event) => {
    keepObjects(event);
    cloudEvents.push(event);
  };
  await rig.provision();
  camera = (await rig.owner.deviceInfo()).thingName as string;
  await new JsonBindingTable(rig.line.cloud.bindings).put({ thing: camera, user: "alice" });
  operator = await Operator.connect(rig.line.cloud, camera);
  identity = await makeIdentity(operator.iot, thingName);
  await allowAllOfItsOwn(operator.iot);
  const { certificate, key, endpoint } = identity;
  const rootCA = await readFile(rig.line.cloud.rootCA, "utf8");
  device = await SDKDevice.connect({ endpoint, clientId: thingName, rootCA, certificate, key });
});

after(async () => {
  await device?.close();
  operator?.iot.destroy();
  await operator?.close();
  await rig?.close();
});

/** What a device of any make needs for shadow and jobs; the camera's own policy is narrower. */
async function allowAllOfItsOwn(iot: IoTClient): Promise<void> {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a policy variable
  const own = "$aws/things/${iot:Connection.Thing.ThingName}/*";
  const arn = (kind: string) => `arn:aws:iot:*:*:${kind}/${own}`;
  const Statement = [
    { Effect: "Allow", Action: ["iot:Publish", "iot:Receive"], Resource: arn("topic") },
    { Effect: "Allow", Action: "iot:Subscribe", Resource: arn("topicfilter") },
  ];
  const policyName = "shadow-and-jobs";
  const policyDocument = JSON.stringify({ Version: "2012-10-17", Statement });
  await iot.send(new CreatePolicyCommand({ policyName, policyDocument }));
  await iot.send(new AttachPolicyCommand({ policyName, target: identity.certificateArn }));
}

async function access(): Promise<DataPlaneAccess> {
  const { data, region, rootCA, credentials } = rig.line.cloud;
  const key = JSON.parse(await readFile(credentials, "utf8"));
  return { url: data.url, region, rootCA: await readFile(rootCA, "utf8"), credentials: key };
}

const told = (name: string) => cloudEvents.filter(({ event }) => event === name);
const telemetry = () => told("publish").filter(({ topic }) => topic === `device/${thingName}/telemetry`);

const shadow = (method: string, request: object = {}) =>
  device.do({ name: "shadow", method, request: { thingName, ...request } });
const jobs = (method: string, request: object = {}) =>
  device.do({ name: "jobs", method, request: { thingName, ...request } });

test("its shadow client: no shadow yet, a report, a wish from the cloud, fulfilled", async () => {
  await assert.rejects(shadow("getShadow"), ({ modeledError }) => modeledError?.code === 404);
  const first = await shadow("updateShadow", { state: { reported: { interval: 60 } } });
  assert.deepEqual([first.version, first.state.reported], [1, { interval: 60 }]);

  const method = "createShadowDeltaUpdatedStream";
  await device.do({ name: "followShadow", method, request: { thingName } });
  const desired = { state: { desired: { interval: 10 } } };
  assert.equal((await callShadow(await access(), "POST", thingName, JSON.stringify(desired))).status, 200);
  assert.deepEqual((await device.event(method)).state, { interval: 10 });
  await shadow("updateShadow", { state: { reported: { interval: 10 } } });
  const { state, version } = await shadow("getShadow");
  assert.deepEqual([state.reported, state.delta, version], [{ interval: 10 }, undefined, 3]);
});

test("its jobs client: told of a job, does it, and the cloud knows", async () => {
  const { queuedJobs, inProgressJobs } = await jobs("getPendingJobExecutions");
  assert.deepEqual([queuedJobs, inProgressJobs], [[], []]);
  const method = "createNextJobExecutionChangedStream";
  await device.do({ name: "followJobs", method, request: { thingName } });
  const { thingArn = "" } = await operator.iot.send(new DescribeThingCommand({ thingName }));
  const jobId = "calibrate";
  const document = JSON.stringify({ operation: "calibrate" });
  await operator.iot.send(new CreateJobCommand({ jobId, targets: [thingArn], document }));
  assert.equal((await device.event(method)).execution.jobId, jobId);
  const { execution } = await jobs("startNextPendingJobExecution");
  assert.deepEqual([execution.jobId, execution.jobDocument], [jobId, { operation: "calibrate" }]);
  await jobs("updateJobExecution", { jobId, status: "SUCCEEDED", statusDetails: { offset: "3" } });
  const done = await operator.iot.send(new DescribeJobExecutionCommand({ thingName, jobId }));
  assert.deepEqual([done.execution?.status, done.execution?.statusDetails?.detailsMap], ["SUCCEEDED", { offset: "3" }]);
});

test("its telemetry and the camera's pictures do not get into each other's way", async () => {
  let sent = 0;
  let isOver = false;
  const before = telemetry().length;
  const publishing = (async () => {
    for (; !isOver || sent < 10; sent += 1) {
      const payload = JSON.stringify({ n: sent });
      await device.do({ name: "publish", topic: `device/${thingName}/telemetry`, payload, QoS: 1 });
      await delay(20);
    }
  })();
  for (let i = 0; i < 3; i += 1) {
    const { imageId, byteLength } = await operator.ask({ type: "TakePhoto", resolution: "VGA" });
    await operator.ask({ type: "UploadPhoto", imageId });
    const announced = await until("announcement", () => operator.heard.photos.find((it) => it.imageId === imageId));
    assert.equal(announced.bytes, byteLength);
    assert.equal(rig.objectOf(String(imageId)).bytes, byteLength);
  }
  isOver = true;
  await publishing;
  await until("telemetry", () => (telemetry().length - before >= sent ? true : undefined));
  assert.equal(telemetry().length - before, sent);
  assert.ok(!device.events.some(({ event }) => event === "interrupt"), "its connection was never lost");
});

test("what is the camera's is not its own: one PUBLISH ends its connection, and it comes back", async () => {
  // Its policies allow it what is below its own name; the broker ends the connection and the SDK connects again.
  await device.do({ name: "publish", topic: `device/${camera}/commands`, payload: "{}", QoS: 0 });
  await device.event("resume");
  const [forbidden] = told("disconnect").filter(({ clientId }) => clientId === thingName);
  assert.deepEqual([forbidden.reason, forbidden.detail], ["FORBIDDEN_ACCESS", `PUBLISH to device/${camera}/commands`]);
  assert.ok(
    !told("publish").some(({ clientId, topic }) => clientId === thingName && topic === `device/${camera}/commands`),
  );
  assert.equal((await operator.ask({ type: "GetDeviceInfo" })).state, "online");

  const policyName = "shadow-and-jobs";
  await operator.iot.send(new DetachPolicyCommand({ policyName, target: identity.certificateArn }));
  const topic = `$aws/things/${thingName}/jobs/get/+`;
  const { qos } = await device.do({ name: "subscribe", topic });
  assert.equal(qos, 0x80, "a filter that is no longer allowed is refused");
});
