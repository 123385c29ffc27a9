/** The jobs service of sim/cloud, judged by npm mqtt and by the AWS SDK's two clients for it. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import {
  CancelJobCommand,
  CreateJobCommand,
  type CreateJobCommandInput,
  DescribeEndpointCommand,
  DescribeJobCommand,
  DescribeJobExecutionCommand,
  GetJobDocumentCommand,
  IoTClient,
  ListJobExecutionsForThingCommand,
} from "@aws-sdk/client-iot";
import {
  GetPendingJobExecutionsCommand,
  IoTJobsDataPlaneClient,
  DescribeJobExecutionCommand as PendingCommand,
  StartNextPendingJobExecutionCommand,
  UpdateJobExecutionCommand,
} from "@aws-sdk/client-iot-jobs-data-plane";
import { connectAsync, type MqttClient } from "mqtt";
import { type Cloud, startCloud } from "../../sim/cloud/cloud.ts";
import { JobService } from "../../sim/cloud/jobs/job-service.ts";
import { Registry } from "../../sim/cloud/registry.ts";
import { type Identity, makeIdentity, temporaryDirectory } from "./iot-rig.ts";

const thing = "camera-1";
const root = `$aws/things/${thing}/jobs`;
const echo = (message: string) => JSON.stringify({ operation: "echo", message });
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let cloud: Cloud;
let iot: IoTClient;
let plane: IoTJobsDataPlaneClient;
let identity: Identity;
let device: MqttClient;
/** What the device heard: topic behind `jobs/`, message. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into it
let heard: [string, any][] = [];
const markTopic = `device/${thing}/commands`;
/** The last one that was heard, and the last one that was said. */
let mark = 0;
let marks = 0;

async function start(): Promise<void> {
  cloud = await startCloud({
    directory: directory.path,
    out: `${directory.path}/out`,
    limits: { connectsPerSecond: 99 },
  });
  const { region, accessKey: credentials } = cloud;
  const requestHandler = { httpsAgent: { ca: cloud.ca.certPem } };
  iot = new IoTClient({ region, credentials, endpoint: cloud.api.url, requestHandler, maxAttempts: 1 });
  const { endpointAddress } = await iot.send(new DescribeEndpointCommand({ endpointType: "iot:Jobs" }));
  const endpoint = `https://${endpointAddress}`;
  plane = new IoTJobsDataPlaneClient({ region, credentials, endpoint, requestHandler, maxAttempts: 1 });
}

/** Subscribes to the notifications, and to no answer. */
async function connect(): Promise<void> {
  const { certificate: cert, key } = identity;
  const options = { ca: cloud.ca.certPem, cert, key, clientId: thing, reconnectPeriod: 0 };
  device = await connectAsync(`mqtts://localhost:${cloud.iot.port}`, options, false);
  device.on("error", () => {});
  device.on("message", (topic, payload) => {
    if (topic === markTopic) mark = Number(payload.toString());
    else heard.push([topic.slice(root.length + 1), JSON.parse(payload.toString())]);
  });
  await device.subscribeAsync(markTopic, { qos: 1 });
  const [{ qos }] = await device.subscribeAsync(`${root}/notify-next`, { qos: 1 });
  assert.equal(qos, 1);
}

before(async () => {
  directory = await temporaryDirectory();
  await start();
  identity = await makeIdentity(iot, thing);
  await connect();
});

after(async () => {
  await device?.endAsync();
  await cloud?.close();
  await directory?.remove();
});

/** Publishes and waits for the answer to it. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into it
async function ask(operation: string, request: object | string = {}): Promise<[string, any]> {
  const payload = typeof request === "string" ? request : JSON.stringify({ clientToken: operation, ...request });
  const count = heard.length;
  await device.publishAsync(`${root}/${operation}`, payload, { qos: 1 });
  const isAnswer = ([topic]: [string, unknown]) => topic.startsWith(`${operation}/`);
  const find = () => heard.slice(count).find(isAnswer);
  for (const deadline = Date.now() + 5000; !find() && Date.now() < deadline; ) await delay(5);
  const answer = find();
  assert.ok(answer, `no answer to ${operation}`);
  return [answer[0].slice(operation.length + 1), answer[1]];
}

/** The notifications that came since the last call. */
async function notifications(): Promise<unknown[]> {
  // What is said next comes behind them.
  marks += 1;
  await cloud.iot.publish(markTopic, String(marks));
  for (const deadline = Date.now() + 5000; mark < marks && Date.now() < deadline; ) await delay(5);
  assert.equal(mark, marks, "the device is told");
  const jobs = heard
    .filter(([topic]) => topic === "notify-next")
    .map(([, message]) => message.execution?.jobId ?? null);
  heard = [];
  return jobs;
}

function create(jobId: string, input: Partial<CreateJobCommandInput> = {}) {
  const targets = [cloud.registry.arn(`thing/${thing}`)];
  return iot.send(new CreateJobCommand({ jobId, targets, document: echo(jobId), ...input }));
}

test("nothing is pending: empty lists, and no execution", async () => {
  const [result, lists] = await ask("get");
  assert.equal(result, "accepted");
  assert.deepEqual([lists.inProgressJobs, lists.queuedJobs, lists.clientToken], [[], [], "get"]);
  const [, next] = await ask("start-next");
  assert.equal("execution" in next, false);
  assert.equal((await ask("$next/get"))[1].execution, undefined);
  assert.equal((await plane.send(new StartNextPendingJobExecutionCommand({ thingName: thing }))).execution, undefined);
  assert.deepEqual(await notifications(), []);
});

test("a job from CreateJob to SUCCEEDED, over MQTT", async () => {
  const { jobArn, jobId } = await create("job-1", { description: "says back" });
  assert.deepEqual([jobArn, jobId], [cloud.registry.arn("job/job-1"), "job-1"]);
  assert.deepEqual(await notifications(), ["job-1"]);
  const [, lists] = await ask("get");
  assert.deepEqual([lists.inProgressJobs.length, lists.queuedJobs[0].jobId], [0, "job-1"]);
  const [, started] = await ask("start-next", { statusDetails: { step: "begun" } });
  const { status, jobDocument, versionNumber, executionNumber, thingName, statusDetails } = started.execution;
  assert.deepEqual([status, versionNumber, executionNumber, thingName], ["IN_PROGRESS", 2, 1, thing]);
  assert.deepEqual([jobDocument, statusDetails], [{ operation: "echo", message: "job-1" }, { step: "begun" }]);
  assert.equal(typeof started.execution.queuedAt, "number");
  assert.deepEqual(await notifications(), [], "the next one is still the same");
  const [, again] = await ask("start-next", { statusDetails: { step: "rebooted" } });
  assert.deepEqual([again.execution.versionNumber, again.execution.statusDetails], [2, { step: "begun" }]);
  const update = {
    status: "IN_PROGRESS",
    expectedVersion: 2,
    includeJobExecutionState: true,
    includeJobDocument: true,
  };
  const [, progress] = await ask("job-1/update", update);
  assert.deepEqual(progress.executionState, {
    status: "IN_PROGRESS",
    statusDetails: { step: "begun" },
    versionNumber: 3,
  });
  assert.deepEqual(progress.jobDocument, jobDocument);
  const [result, done] = await ask("job-1/update", { status: "SUCCEEDED", statusDetails: { step: "done" } });
  assert.deepEqual([result, Object.keys(done).sort()], ["accepted", ["clientToken", "timestamp"]]);
  assert.deepEqual(await notifications(), [null], "none is left");
  const { execution } = await iot.send(new DescribeJobExecutionCommand({ thingName: thing, jobId }));
  assert.deepEqual([execution?.status, execution?.statusDetails?.detailsMap], ["SUCCEEDED", { step: "done" }]);
  assert.ok(execution?.startedAt && Math.abs(execution.startedAt.getTime() - Date.now()) < 60_000);
  const { job } = await iot.send(new DescribeJobCommand({ jobId }));
  assert.deepEqual(
    [job?.status, job?.description, job?.jobProcessDetails?.numberOfSucceededThings],
    ["COMPLETED", "says back", 1],
  );
  assert.ok(job?.completedAt);
});

test("two jobs: notify-next tells of the second when the first is done, not when it is queued", async () => {
  await create("first");
  await create("second");
  assert.deepEqual(await notifications(), ["first"]);
  assert.equal((await ask("$next/get", { includeJobDocument: false }))[1].execution.jobDocument, undefined);
  assert.equal((await ask("$next/get"))[1].execution.jobDocument.message, "first");
  assert.equal((await ask("start-next"))[1].execution.jobId, "first");
  await ask("first/update", { status: "REJECTED", statusDetails: { reason: "no" } });
  assert.deepEqual(await notifications(), ["second"]);
  assert.equal((await ask("start-next"))[1].execution.jobId, "second");
  await ask("second/update", { status: "FAILED" });
  await notifications();
  const list = new ListJobExecutionsForThingCommand({ thingName: thing });
  const { executionSummaries = [] } = await iot.send(list);
  assert.deepEqual(
    executionSummaries.map(({ jobId, jobExecutionSummary }) => `${jobId} ${jobExecutionSummary?.status}`),
    ["second FAILED", "first REJECTED", "job-1 SUCCEEDED"],
  );
  const failed = await iot.send(new ListJobExecutionsForThingCommand({ thingName: thing, status: "FAILED" }));
  assert.equal(failed.executionSummaries?.length, 1);
});

test("what is rejected, by AWS's code", async () => {
  await create("open");
  await ask("start-next");
  const state = { status: "IN_PROGRESS", statusDetails: {}, versionNumber: 2 };
  const tooMany = Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`k${i}`, "v"]));
  const cases: [string, object | string, string, object?][] = [
    ["open/update", "{", "InvalidJson"],
    ["open/update", "[]", "InvalidJson"],
    ["open/update", {}, "InvalidRequest"],
    ["open/update", { status: "QUEUED" }, "InvalidRequest"],
    ["open/update", { status: "TIMED_OUT" }, "InvalidRequest"],
    ["open/update", { status: "FAILED", statusDetails: tooMany }, "InvalidRequest"],
    ["open/update", { status: "FAILED", statusDetails: { "a b": "v" } }, "InvalidRequest"],
    ["open/update", { status: "FAILED", statusDetails: { a: "" } }, "InvalidRequest"],
    ["open/update", { status: "FAILED", statusDetails: { a: "x".repeat(129) } }, "InvalidRequest"],
    ["open/update", { status: "FAILED", statusDetails: { a: "x\ny" } }, "InvalidRequest"],
    ["open/update", { status: "FAILED", stepTimeoutInMinutes: 0 }, "InvalidRequest"],
    ["open/update", { status: "FAILED", expectedVersion: 1 }, "VersionMismatch", state],
    ["open/update", { status: "FAILED", executionNumber: 9 }, "ResourceNotFound"],
    ["other/update", { status: "FAILED" }, "ResourceNotFound"],
    ["other/get", {}, "ResourceNotFound"],
    ["job-1/get", {}, "TerminalStateReached"],
    [
      "job-1/update",
      { status: "FAILED" },
      "InvalidStateTransition",
      { status: "SUCCEEDED", statusDetails: { step: "done" }, versionNumber: 4 },
    ],
    ["open/nothing", {}, "InvalidTopic"],
  ];
  for (const [operation, request, code, executionState] of cases) {
    const [result, answer] = await ask(operation, request);
    assert.deepEqual([result, answer.code, answer.executionState], ["rejected", code, executionState], operation);
    if (typeof request === "object") assert.equal(answer.clientToken, operation);
    assert.equal(typeof answer.message, "string");
  }
  await ask("open/update", { status: "SUCCEEDED" });
});

test("the same over HTTPS, for the SDK's data plane client", async () => {
  const thingName = thing;
  await create("https");
  const { queuedJobs = [] } = await plane.send(new GetPendingJobExecutionsCommand({ thingName }));
  assert.deepEqual(
    queuedJobs.map(({ jobId }) => jobId),
    ["https"],
  );
  const { execution } = await plane.send(
    new StartNextPendingJobExecutionCommand({ thingName, stepTimeoutInMinutes: 5 }),
  );
  assert.deepEqual(
    [execution?.jobId, execution?.status, execution?.jobDocument],
    ["https", "IN_PROGRESS", echo("https")],
  );
  assert.equal(execution?.approximateSecondsBeforeTimedOut, 300);
  const described = await plane.send(new PendingCommand({ thingName, jobId: "$next", includeJobDocument: false }));
  assert.deepEqual([described.execution?.jobId, described.execution?.jobDocument], ["https", undefined]);
  const update = { thingName, jobId: "https", status: "SUCCEEDED" as const };
  const wrong = new UpdateJobExecutionCommand({ ...update, expectedVersion: 9 });
  await assert.rejects(plane.send(wrong), { name: "InvalidStateTransitionException" });
  const { executionState } = await plane.send(
    new UpdateJobExecutionCommand({ ...update, statusDetails: { a: "b" }, includeJobExecutionState: true }),
  );
  assert.deepEqual(executionState, { status: "SUCCEEDED", statusDetails: { a: "b" }, versionNumber: 3 });
  await assert.rejects(plane.send(new UpdateJobExecutionCommand(update)), { name: "InvalidStateTransitionException" });
  await assert.rejects(plane.send(new PendingCommand({ thingName, jobId: "https" })), {
    name: "TerminalStateException",
  });
  await assert.rejects(plane.send(new PendingCommand({ thingName, jobId: "none" })), {
    name: "ResourceNotFoundException",
  });
  await assert.rejects(plane.send(new GetPendingJobExecutionsCommand({ thingName: "nobody" })), {
    name: "ResourceNotFoundException",
  });
  const { status } = await fetchPlain(`${cloud.jobsPlane.url}/things/${thing}/jobs`);
  assert.equal(status, 403, "unsigned");
});

async function fetchPlain(url: string): Promise<{ status?: number }> {
  const { get } = await import("node:https");
  return new Promise((resolve, reject) => {
    get(url, { ca: cloud.ca.certPem, agent: false }, (response) => {
      response.resume();
      resolve({ status: response.statusCode });
    }).on("error", reject);
  });
}

test("a cancelled job: queued ones end, those in progress only by force", async () => {
  await create("begun");
  await create("waiting");
  await ask("start-next");
  await notifications();
  await iot.send(new CancelJobCommand({ jobId: "waiting", reasonCode: "WRONG", comment: "a mistake" }));
  const { job } = await iot.send(new DescribeJobCommand({ jobId: "waiting" }));
  assert.deepEqual([job?.status, job?.reasonCode, job?.forceCanceled], ["CANCELED", "WRONG", false]);
  await iot.send(new CancelJobCommand({ jobId: "begun" }));
  const statusOf = async (jobId: string) =>
    (await iot.send(new DescribeJobExecutionCommand({ thingName: thing, jobId }))).execution?.status;
  assert.deepEqual([await statusOf("waiting"), await statusOf("begun")], ["CANCELED", "IN_PROGRESS"]);
  assert.deepEqual(await notifications(), []);
  await iot.send(new CancelJobCommand({ jobId: "begun", force: true }));
  assert.equal(await statusOf("begun"), "CANCELED");
  assert.deepEqual(await notifications(), [null]);
  const [, { code, executionState }] = await ask("begun/update", { status: "SUCCEEDED" });
  assert.deepEqual([code, executionState.status], ["InvalidStateTransition", "CANCELED"]);
});

test("what CreateJob does not take", async () => {
  const rejected: [string, Partial<CreateJobCommandInput>, string][] = [
    ["job-1", {}, "ResourceAlreadyExistsException"],
    ["new", { targets: [cloud.registry.arn("thing/nobody")] }, "ResourceNotFoundException"],
    ["new", { targets: [cloud.registry.arn("thinggroup/all")] }, "InvalidRequestException"],
    ["new", { document: "{" }, "InvalidRequestException"],
    ["new", { document: undefined }, "InvalidRequestException"],
    ["new", { document: echo("x".repeat(33_000)) }, "InvalidRequestException"],
    ["new", { targetSelection: "CONTINUOUS" }, "InvalidRequestException"],
    ["a b", {}, "InvalidRequestException"],
  ];
  for (const [jobId, input, name] of rejected) await assert.rejects(create(jobId, input), { name }, name);
  await assert.rejects(iot.send(new DescribeJobCommand({ jobId: "new" })), { name: "ResourceNotFoundException" });
  await assert.rejects(iot.send(new CancelJobCommand({ jobId: "job-1" })), { name: "InvalidRequestException" });
  assert.equal((await iot.send(new GetJobDocumentCommand({ jobId: "job-1" }))).document, echo("job-1"));
});

test("a camera's policy lets it see its own jobs only", async () => {
  for (const filter of ["$aws/things/camera-2/jobs/notify-next", `${root}/#`, `${root}/+/update/accepted`]) {
    const [{ qos }] = await device.subscribeAsync(filter).catch((error) => [{ qos: error.code ?? 128 }]);
    assert.equal(qos, 128, filter);
  }
});

test("jobs outlive a restart of the cloud", async () => {
  await create("later");
  await ask("start-next");
  await device.endAsync();
  await cloud.close();
  await start();
  heard = [];
  await connect();
  const [, { execution }] = await ask("start-next");
  assert.deepEqual([execution.jobId, execution.versionNumber], ["later", 2]);
  await ask("later/update", { status: "SUCCEEDED" });
});

test("timers: TIMED_OUT, after the job's time or the step's, whichever is shorter", async () => {
  const path = await mkdtemp(join(tmpdir(), "devicelink-jobs-"));
  try {
    let now = 1_700_000_000_000;
    const registry = new Registry({
      path: join(path, "registry.json"),
      region: "us-east-1",
      accountId: "123456789012",
    });
    registry.createThing("a", {});
    const jobs = new JobService({ path: join(path, "jobs.json"), registry, now: () => now });
    const targets = [registry.arn("thing/a")];
    const timeoutConfig = { inProgressTimeoutInMinutes: 10 };
    const minutes = (count: number) => {
      now += count * 60_000;
    };
    for (const jobId of ["one", "two", "three"]) jobs.create(jobId, { targets, document: "{}", timeoutConfig });
    minutes(60);
    const one = jobs.startNext("a", {});
    minutes(9.9);
    assert.equal(jobs.execution("a", "one").status, "IN_PROGRESS");
    minutes(0.2);
    assert.equal(jobs.execution("a", "one").status, "TIMED_OUT");
    assert.equal(one?.versionNumber, 3);
    jobs.startNext("a", { stepTimeoutInMinutes: 2 });
    minutes(1.9);
    jobs.update("a", "two", { status: "IN_PROGRESS", stepTimeoutInMinutes: 2 });
    minutes(1.9);
    assert.equal(jobs.secondsLeft(jobs.execution("a", "two")), 6);
    minutes(0.2);
    assert.equal(jobs.execution("a", "two").status, "TIMED_OUT");
    jobs.startNext("a", { stepTimeoutInMinutes: 2 });
    jobs.update("a", "three", { status: "IN_PROGRESS", stepTimeoutInMinutes: -1 });
    minutes(9);
    assert.equal(jobs.execution("a", "three").status, "IN_PROGRESS");
    assert.equal(jobs.job("two").status, "COMPLETED");
    jobs.close();
  } finally {
    await rm(path, { recursive: true });
  }
});
