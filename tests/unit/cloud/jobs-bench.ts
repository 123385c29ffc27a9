import type { JobExecution } from "../../../modules/cloud/job-message";
import { type JobResult, Jobs } from "../../../modules/cloud/jobs";
import { feed } from "../json/feed";
import { ManualTimers } from "../upload/manual-timers";

interface Request {
  clientToken: string;
  status?: string;
  statusDetails?: object;
  expectedVersion?: number;
  executionNumber?: number;
  includeJobDocument?: boolean;
}

export const done: JobResult = { status: "SUCCEEDED", statusDetails: { message: "hello" } };

/** A device that does jobs when the test says so, and a cloud that answers when the test says so. */
export class Bench {
  readonly documentNames = ["operation", "message"];
  readonly timers = new ManualTimers();
  readonly sent: { operation: string; request: Request }[] = [];
  readonly begun: JobExecution[] = [];
  readonly ended: string[] = [];
  readonly failures: string[] = [];
  /** What becomes of a job at once; undefined: later. */
  result?: JobResult = done;
  problem?: Error;
  offline = false;
  isBehind = false;
  readonly jobs = new Jobs(this, this.timers);

  now(): number {
    return 1_700_000_000_000;
  }

  sendJobs(operation: string, payload: string): Promise<unknown> {
    if (this.offline) return Promise.reject(new Error("offline"));
    this.sent.push({ operation, request: JSON.parse(payload) });
    return Promise.resolve();
  }

  execute(job: JobExecution): void {
    this.begun.push(job);
    if (this.problem) throw this.problem;
    if (this.result) this.jobs.complete(job.jobId, this.result);
  }

  jobEnded(jobId: string, { status }: JobResult, code?: string): void {
    this.ended.push(`${jobId} ${status}${code ? ` ${code}` : ""}`);
  }

  jobsFailed(code: string, message: string): void {
    this.failures.push(`${code}: ${message}`);
  }

  get last(): { operation: string; request: Request } {
    return this.sent[this.sent.length - 1];
  }

  get operations(): string {
    return this.sent.map(({ operation }) => operation).join();
  }

  say(topic: string, message: object | string): void {
    this.jobs.receive(topic, feed(this.jobs.open(), message));
  }

  /** Answers the last request. */
  answer(result: "accepted" | "rejected", message: object = {}): void {
    const { operation, request } = this.last;
    this.say(`${operation}/${result}`, { clientToken: request.clientToken, timestamp: 1, ...message });
  }

  /** Hands a job out to the last start-next. */
  start(jobId = "job-1", fields: object = {}): void {
    this.answer("accepted", { execution: execution(jobId, fields) });
  }

  open(): this {
    this.jobs.connected();
    this.jobs.grant(true);
    return this;
  }

  notify(jobId = "job-1"): void {
    this.say("notify-next", { timestamp: 1, execution: execution(jobId, { status: "QUEUED", versionNumber: 1 }) });
  }
}

export const execution = (jobId: string, fields: object = {}) => ({
  jobId,
  thingName: "camera",
  status: "IN_PROGRESS",
  queuedAt: 1_700_000_000,
  startedAt: 1_700_000_001_234,
  lastUpdatedAt: 1_700_000_001,
  versionNumber: 2,
  executionNumber: 7,
  jobDocument: { operation: "echo", message: "hello" },
  ...fields,
});
