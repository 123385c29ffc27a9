import { CameraJobs } from "../../../modules/app/jobs";
import { CloudError } from "../../../modules/cloud/cloud-error";
import { assert, equal, test } from "../harness";
import { feed } from "../json/feed";

const root = "$aws/things/camera/jobs/";

interface Sent {
  topic: string;
  message: { status?: string; statusDetails?: Record<string, string>; clientToken: string };
}

/** A camera that has asked for a job. */
class Bench {
  readonly clientId = "camera";
  readonly sent: Sent[] = [];
  readonly told: unknown[] = [];
  readonly events = { add: (type: string, fields: object) => this.told.push({ type, ...fields }) };
  readonly jobs = new CameraJobs(this);

  constructor() {
    equal(this.jobs.follow(this), [{ topic: `${root}notify-next`, QoS: 1 }]);
    this.jobs.sessionChanged(true);
    this.jobs.granted("");
  }

  now(): number {
    return 1_700_000_000_000;
  }

  publish(topic: string, payload: string): Promise<void> {
    this.sent.push({ topic, message: JSON.parse(payload) });
    return Promise.resolve();
  }

  answer(message: object): void {
    const { topic, message: request } = this.sent[this.sent.length - 1];
    const { clientToken } = request;
    this.receive(`${topic}/accepted`, { clientToken, ...message });
  }

  /** As the session does it. */
  receive(topic: string, message: object | string): void {
    const stream = this.jobs.open(topic);
    if (stream) this.jobs.receive(topic, feed(stream, message));
  }

  /** @returns what was reported of a job with this document */
  perform(jobDocument: unknown): Sent["message"] {
    const execution = { jobId: "job-1", status: "IN_PROGRESS", versionNumber: 2, executionNumber: 1, jobDocument };
    this.answer({ execution });
    const { topic, message } = this.sent[this.sent.length - 1];
    equal(topic, `${root}job-1/update`);
    return message;
  }
}

/** No timer of a camera outlives its test. */
function testCamera(name: string, run: (bench: Bench) => void): void {
  test(name, () => {
    const bench = new Bench();
    try {
      run(bench);
    } finally {
      bench.jobs.sessionChanged(false);
    }
  });
}

testCamera("echo: the message comes back, and the camera tells of it", (bench) => {
  const { status, statusDetails } = bench.perform({ operation: "echo", message: "Grüße 📷" });
  equal(status, "SUCCEEDED");
  equal(statusDetails, { message: "Grüße 📷" });
  bench.answer({});
  equal(bench.told, [{ type: "JobEnded", jobId: "job-1", status: "SUCCEEDED" }]);
});

testCamera("128 characters are the most that AWS takes back", (bench) => {
  const message = "x".repeat(128);
  equal(bench.perform({ operation: "echo", message }).statusDetails, { message });
});

for (const [document, reason] of [
  [{ operation: "echo" }, "message is missing, or too long"],
  [{ operation: "echo", message: "" }, "message is missing, or too long"],
  [{ operation: "echo", message: 7 }, "message is missing, or too long"],
  [{ operation: "echo", message: "x".repeat(129) }, "message is longer than 128 characters"],
  [{ operation: "echo", message: "x".repeat(2000) }, "message is missing, or too long"],
  [{ operation: "echo", message: "a\nb" }, "message has control characters"],
  [{ operation: "fly" }, 'unknown operation "fly"'],
  [{ operation: "x\n".repeat(100) }, `unknown operation ${JSON.stringify("x\n".repeat(16))}`],
  [{ operation: "constructor" }, 'unknown operation "constructor"'],
  [{ operation: 7 }, "the job document names no operation"],
  [{ version: "1.0", steps: [{ action: { name: "Reboot" } }] }, "the job document names no operation"],
  ["no object", "the job document cannot be read"],
] as const)
  testCamera(`REJECTED: ${JSON.stringify(document).slice(0, 60)}`, (bench) => {
    const { status, statusDetails } = bench.perform(document);
    equal(status, "REJECTED");
    equal(statusDetails, { reason });
    assert(reason.length <= 128 && ![...reason].some((character) => character < " "), reason);
    bench.answer({});
    equal(bench.told, [{ type: "JobEnded", jobId: "job-1", status: "REJECTED", reason }]);
  });

testCamera("a document that is larger than the session takes", (bench) => {
  bench.jobs.sessionFailed(new CloudError("AckTimeout", `nothing on ${root}start-next/accepted`));
  equal([bench.sent.length, bench.told], [1, []]);
  bench.jobs.sessionFailed(new CloudError("MessageTooLarge", `9000 bytes on ${root}start-next/accepted`));
  equal(bench.sent[1].topic, `${root}$next/get`);
  equal(bench.perform(undefined).statusDetails, { reason: "the job document cannot be read" });
});

testCamera("a policy that does not allow jobs: nothing is sent, and the next session begins anew", (bench) => {
  bench.jobs.sessionFailed(new CloudError("SubscriptionRefused", `${root}notify-next`));
  bench.jobs.sessionChanged(false);
  bench.jobs.sessionChanged(true);
  equal(bench.sent.length, 1);
  bench.jobs.granted(`refused: $aws/things/camera/shadow/get/accepted, ${root}notify-next`);
  equal(bench.sent.length, 1);
  bench.jobs.follow(bench);
  bench.jobs.granted("refused: $aws/things/camera/shadow/get/accepted");
  bench.jobs.sessionChanged(true);
  equal(bench.sent.length, 2);
});

testCamera("what is not about this camera's jobs is for others", (bench) => {
  for (const topic of [
    "$aws/things/camera/shadow/update/delta",
    "$aws/things/other/jobs/notify-next",
    "device/camera/commands",
  ])
    equal(bench.jobs.open(topic), undefined);
  equal(bench.told, []);
  bench.receive(`${root}start-next/rejected`, "{");
  equal(bench.told.length, 1);
});

testCamera("a new session takes the place of the last one, with what was under way in it", (bench) => {
  const [{ topic, message }] = bench.sent;
  bench.jobs.follow(bench);
  bench.receive(`${topic}/accepted`, { clientToken: message.clientToken, execution: { jobId: "job-1" } });
  // And nothing of the last one is left behind: its timer would be found.
  equal([bench.sent.length, bench.told], [1, []]);
});
