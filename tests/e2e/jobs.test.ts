/** Jobs for a camera of the whole line, made and followed with the AWS SDK. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import {
  CreateJobCommand,
  DescribeEndpointCommand,
  DescribeJobExecutionCommand,
  DescribeThingCommand,
  IoTClient,
  type JobExecution,
} from "@aws-sdk/client-iot";
import { IoTJobsDataPlaneClient, StartNextPendingJobExecutionCommand } from "@aws-sdk/client-iot-jobs-data-plane";
import { CameraOwner } from "../../sim/phone/camera-owner.ts";
import { LineRig } from "./line-rig.ts";
import { until } from "./operator.ts";

let rig: LineRig;
let thingName = "";
let iot: IoTClient;
/** Events on the camera's console. */
const events: Record<string, unknown>[] = [];

before(async () => {
  rig = await LineRig.open({ timeScale: 5 });
  rig.line.onCameraLine = (line) => {
    if (line.startsWith('{"n":')) events.push(JSON.parse(line));
  };
  await rig.provision();
  thingName = CameraOwner.thingNameOf(await rig.owner.deviceInfo());
  iot = new IoTClient(await access(rig.line.cloud.api.url));
});

after(async () => {
  iot?.destroy();
  await rig?.close();
});

async function access(endpoint: string) {
  const { region, rootCA, credentials } = rig.line.cloud;
  const { accessKeyId, secretAccessKey } = JSON.parse(await readFile(credentials, "utf8"));
  const requestHandler = { httpsAgent: { ca: await readFile(rootCA, "utf8") } };
  return { endpoint, region, credentials: { accessKeyId, secretAccessKey }, requestHandler };
}

async function create(jobId: string, document: object): Promise<void> {
  const { thingArn = "" } = await iot.send(new DescribeThingCommand({ thingName }));
  await iot.send(new CreateJobCommand({ jobId, targets: [thingArn], document: JSON.stringify(document) }));
}

/** The execution, when the camera has ended it. */
async function ended(jobId: string): Promise<JobExecution> {
  for (const deadline = Date.now() + 20_000; ; await delay(100)) {
    const { execution } = await iot.send(new DescribeJobExecutionCommand({ thingName, jobId }));
    const { status = "" } = execution ?? {};
    if (execution && status !== "QUEUED" && status !== "IN_PROGRESS") return execution;
    if (Date.now() > deadline) throw new Error(`${jobId} is ${status}; ${JSON.stringify(events.slice(-5))}`);
  }
}

/** What the camera says of its jobs, from event number `from` on: it learns of the end of a job later than the cloud does. */
function toldOf(count: number, from = 0): Promise<Record<string, unknown>[]> {
  return until("event of each job", () => {
    const told = events.slice(from).filter(({ type }) => type === "JobEnded");
    return told.length >= count ? told : undefined;
  });
}

const outcome = ({ status, statusDetails }: JobExecution) => [status, statusDetails?.detailsMap];

test("a job for a camera that is online: done, with what it says", async () => {
  await create("echo-1", { operation: "echo", message: "Grüße an die Kamera" });
  assert.deepEqual(outcome(await ended("echo-1")), ["SUCCEEDED", { message: "Grüße an die Kamera" }]);
  const [told] = await toldOf(1);
  assert.deepEqual([told.jobId, told.status], ["echo-1", "SUCCEEDED"]);
});

test("a document as large as AWS takes them, most of it for others: done", async () => {
  const steps = Array.from({ length: 500 }, (_, i) => ({ [`step${i}`]: { operation: "fly", message: [i] } }));
  const document = { steps, padding: "", operation: "echo", message: "late" };
  document.padding = "x".repeat(32_700 - JSON.stringify(document).length);
  const told = events.filter(({ type }) => type === "JobEnded").length;
  await create("largest", document);
  assert.deepEqual(outcome(await ended("largest")), ["SUCCEEDED", { message: "late" }]);
  await toldOf(told + 1);
});

test("five at once: all of them, once each, in their order", async () => {
  const from = events.length;
  const ids = Array.from({ length: 5 }, (_, i) => `many-${i}`);
  for (const jobId of ids) await create(jobId, { operation: "echo", message: jobId });
  for (const jobId of ids) assert.deepEqual(outcome(await ended(jobId)), ["SUCCEEDED", { message: jobId }]);
  const told = await toldOf(ids.length, from);
  assert.deepEqual(
    told.map(({ jobId }) => jobId),
    ids,
  );
});

/** What cannot be done, and the camera's reason. */
for (const [jobId, document, reason] of [
  ["fly", { operation: "fly", height: 3 }, 'unknown operation "fly"'],
  ["aws-steps", { version: "1.0", steps: [{ action: { name: "Reboot" } }] }, "the job document names no operation"],
  ["large", { padding: "x".repeat(32_000), operation: "echo" }, "message is missing, or too long"],
  ["many", { list: Array(6000).fill([1]), operation: "fly" }, 'unknown operation "fly"'],
] as const)
  test(`${jobId}: REJECTED, and the next one is done`, async () => {
    await create(jobId, document);
    await create(`after-${jobId}`, { operation: "echo", message: "next" });
    assert.deepEqual(outcome(await ended(jobId)), ["REJECTED", { reason }]);
    assert.deepEqual(outcome(await ended(`after-${jobId}`)), ["SUCCEEDED", { message: "next" }]);
  });

test("the camera is off, and was in the middle of a job: it does what it finds", async () => {
  await rig.line.stopCamera("SIGKILL");
  await create("begun", { operation: "echo", message: "again" });
  await create("waiting", { operation: "echo", message: "then" });
  const { endpointAddress } = await iot.send(new DescribeEndpointCommand({ endpointType: "iot:Jobs" }));
  const plane = new IoTJobsDataPlaneClient(await access(`https://${endpointAddress}`));
  const { execution } = await plane.send(new StartNextPendingJobExecutionCommand({ thingName }));
  assert.deepEqual([execution?.jobId, execution?.status], ["begun", "IN_PROGRESS"]);
  plane.destroy();
  await rig.line.startCamera();
  assert.deepEqual(outcome(await ended("begun")), ["SUCCEEDED", { message: "again" }]);
  assert.deepEqual(outcome(await ended("waiting")), ["SUCCEEDED", { message: "then" }]);
});

test("the cloud was off: jobs go on when it is back", async () => {
  await rig.line.stopCloud("SIGKILL");
  await rig.line.startCloud();
  await create("back", { operation: "echo", message: "back" });
  assert.deepEqual(outcome(await ended("back")), ["SUCCEEDED", { message: "back" }]);
});
