import { EventEmitter } from "node:events";
import { JsonFile } from "../json-file.ts";
import type { Registry } from "../registry.ts";
import { RegistryError } from "../registry-error.ts";
import {
  checkDetails,
  checkDocument,
  checkJobId,
  checkStatus,
  checkTimeout,
  deadline,
  type Execution,
  type ExecutionStatus,
  isPending,
  type Job,
  stateOf,
} from "./job.ts";
import { JobError } from "./job-error.ts";

interface State {
  jobs: Record<string, Job>;
  /** In the order of their queueing. */
  executions: Execution[];
}

export interface JobEvents {
  /** A thing's list of pending executions is another one; `isNext` when its first element is. */
  pending: [event: { thingName: string; isNext: boolean }];
  /** An execution has another status. */
  status: [
    event: { thingName: string; jobId: string; status: ExecutionStatus; statusDetails?: Record<string, string> },
  ];
}

export interface JobServiceOptions {
  /** File that keeps it. */
  path: string;
  registry: Registry;
  /** Milliseconds since 1970; for tests. */
  now?(): number;
}

/** What a device says with an update. */
export interface Update {
  status?: unknown;
  statusDetails?: unknown;
  expectedVersion?: unknown;
  executionNumber?: unknown;
  stepTimeoutInMinutes?: unknown;
}

export interface NewJob {
  targets?: unknown;
  document?: unknown;
  description?: unknown;
  timeoutConfig?: { inProgressTimeoutInMinutes?: unknown };
}

/** setTimeout cannot wait longer, milliseconds. */
const longestTimer = 2 ** 31 - 1;

/**
 * AWS IoT Jobs of one account: jobs for things, with a document each, and what becomes of them. Executions are queued as soon as the
 * job is made; thing groups, documents in S3, templates, schedules, rollout rates and retries are not served.
 */
export class JobService extends EventEmitter<JobEvents> {
  readonly registry: Registry;
  readonly now: () => number;
  #file: JsonFile<State>;
  #jobs: Record<string, Job>;
  #executions: Execution[];
  #timer?: NodeJS.Timeout;

  constructor({ path, registry, now = Date.now }: JobServiceOptions) {
    super();
    this.registry = registry;
    this.now = now;
    this.#file = new JsonFile(path);
    const state = this.#file.read();
    this.#jobs = Object.assign(Object.create(null), state?.jobs);
    this.#executions = state?.executions ?? [];
    this.sweep();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  // The account's side

  /** @throws JobError, RegistryError ResourceAlreadyExistsException, ResourceNotFoundException */
  create(jobId: string, { targets, document, description, timeoutConfig }: NewJob): Job {
    checkJobId(jobId);
    if (this.#jobs[jobId]) throw new RegistryError("ResourceAlreadyExistsException", `Job ${jobId} already exists.`);
    if (!Array.isArray(targets) || !targets.length) throw new JobError("InvalidRequest", "targets are missing");
    const things = [...new Set(targets.map((target) => this.#thingOf(String(target))))];
    const minutes = timeoutConfig?.inProgressTimeoutInMinutes;
    checkTimeout("inProgressTimeoutInMinutes", minutes);
    const now = this.now();
    this.#jobs[jobId] = {
      jobId,
      targets: targets.map(String),
      document: checkDocument(document),
      description: typeof description === "string" ? description : undefined,
      status: "IN_PROGRESS",
      inProgressTimeoutInMinutes: minutes as number | undefined,
      createdAt: now,
      lastUpdatedAt: now,
    };
    for (const thingName of things)
      this.#changing(thingName, () => {
        const times = { queuedAt: now, lastUpdatedAt: now };
        const numbers = { versionNumber: 1, executionNumber: 1 };
        this.#executions.push({ jobId, thingName, status: "QUEUED", ...times, ...numbers });
      });
    return this.#jobs[jobId];
  }

  /** @throws JobError ResourceNotFound */
  job(jobId: string): Job {
    this.sweep();
    const job = this.#jobs[jobId];
    if (!job) throw new JobError("ResourceNotFound", `Job ${jobId} cannot be found.`);
    return job;
  }

  /** Queued executions end; those in progress only with `force`. @throws JobError */
  cancel(jobId: string, { force = false, reasonCode, comment }: Partial<Record<string, unknown>>): Job {
    const job = this.job(jobId);
    if (job.status === "COMPLETED") throw new JobError("InvalidRequest", `Job ${jobId} is completed already.`);
    job.status = "CANCELED";
    job.forceCanceled = force === true;
    job.reasonCode = typeof reasonCode === "string" ? reasonCode : undefined;
    job.comment = typeof comment === "string" ? comment : undefined;
    job.lastUpdatedAt = this.now();
    for (const execution of this.executionsOf(jobId))
      if (execution.status === "QUEUED" || (force && execution.status === "IN_PROGRESS")) {
        execution.forceCanceled = execution.status === "IN_PROGRESS";
        this.#changing(execution.thingName, () => this.#enter(execution, "CANCELED"));
      }
    this.#save();
    return job;
  }

  executionsOf(jobId: string): Execution[] {
    return this.#executions.filter((execution) => execution.jobId === jobId);
  }

  /** All executions of a thing, the newest first. @throws RegistryError ResourceNotFoundException */
  executionsFor(thingName: string): Execution[] {
    this.registry.thing(thingName);
    this.sweep();
    return this.#executions.filter((execution) => execution.thingName === thingName).reverse();
  }

  /** @throws JobError ResourceNotFound */
  execution(thingName: string, jobId: string, executionNumber?: unknown): Execution {
    this.sweep();
    const found = this.#executions.find((one) => one.thingName === thingName && one.jobId === jobId);
    if (!found || (executionNumber !== undefined && executionNumber !== found.executionNumber))
      throw new JobError("ResourceNotFound", `Job ${jobId} cannot be found for thing ${thingName}.`);
    return found;
  }

  // The device's side

  /** Those in progress first, each in the order of their queueing. */
  pending(thingName: string): Execution[] {
    this.sweep();
    return this.#pending(thingName);
  }

  /** Details and timer are set only when it was queued. @throws JobError */
  startNext(thingName: string, { statusDetails, stepTimeoutInMinutes }: Update): Execution | undefined {
    const details = checkDetails(statusDetails);
    const timeout = checkTimeout("stepTimeoutInMinutes", stepTimeoutInMinutes);
    const [next] = this.pending(thingName);
    if (next?.status !== "QUEUED") return next;
    if (details) next.statusDetails = details;
    if (timeout) next.stepTimesOutAt = this.now() + timeout;
    this.#changing(thingName, () => this.#enter(next, "IN_PROGRESS"));
    this.sweep();
    return next;
  }

  /** @param jobId or `$next` @throws JobError ResourceNotFound, TerminalStateReached */
  describe(thingName: string, jobId: string, executionNumber?: unknown): Execution | undefined {
    if (jobId === "$next") return this.pending(thingName)[0];
    const execution = this.execution(thingName, jobId, executionNumber);
    if (!isPending(execution)) throw new JobError("TerminalStateReached", `Job ${jobId} is ${execution.status}.`);
    return execution;
  }

  /** @throws JobError */
  update(thingName: string, jobId: string, update: Update): Execution {
    const status = checkStatus(update.status);
    const details = checkDetails(update.statusDetails);
    const timeout = checkTimeout("stepTimeoutInMinutes", update.stepTimeoutInMinutes, true);
    const execution = this.execution(thingName, jobId, update.executionNumber);
    const { expectedVersion } = update;
    if (!isPending(execution))
      throw new JobError("InvalidStateTransition", `Job ${jobId} is ${execution.status}.`, stateOf(execution));
    if (expectedVersion !== undefined && Number(expectedVersion) !== execution.versionNumber)
      throw new JobError("VersionMismatch", `The version is ${execution.versionNumber}.`, stateOf(execution));
    if (details) execution.statusDetails = details;
    if (timeout) execution.stepTimesOutAt = timeout < 0 ? undefined : this.now() + timeout;
    this.#changing(thingName, () => this.#enter(execution, status));
    this.sweep();
    return execution;
  }

  /** How long until the execution is TIMED_OUT; undefined when no timer runs. */
  secondsLeft(execution: Execution): number | undefined {
    const end = execution.status === "IN_PROGRESS" ? deadline(execution) : Infinity;
    return end === Infinity ? undefined : Math.max(Math.round((end - this.now()) / 1000), 0);
  }

  documentOf(jobId: string): unknown {
    return JSON.parse(this.#jobs[jobId].document);
  }

  /** Ends what has run out of time, and comes back when the next one will have. */
  sweep(): void {
    const now = this.now();
    const isRunning = ({ status }: Execution) => status === "IN_PROGRESS";
    for (const execution of this.#executions.filter(isRunning))
      if (deadline(execution) <= now) this.#changing(execution.thingName, () => this.#enter(execution, "TIMED_OUT"));
    clearTimeout(this.#timer);
    const next = Math.min(...this.#executions.filter(isRunning).map(deadline));
    if (next === Infinity) return;
    this.#timer = setTimeout(() => this.sweep(), Math.min(next - now, longestTimer)).unref();
  }

  #pending(thingName: string): Execution[] {
    const own = this.#executions.filter((execution) => execution.thingName === thingName);
    const inState = (wanted: ExecutionStatus) => own.filter(({ status }) => status === wanted);
    return [...inState("IN_PROGRESS"), ...inState("QUEUED")];
  }

  #thingOf(arn: string): string {
    const prefix = this.registry.arn("thing/");
    if (!arn.startsWith(prefix))
      throw new JobError("InvalidRequest", `${arn} is no thing of this account (groups are not served here)`);
    return this.registry.thing(arn.slice(prefix.length)).thingName;
  }

  #enter(execution: Execution, status: ExecutionStatus): void {
    const now = this.now();
    const { jobId, thingName } = execution;
    const minutes = this.#jobs[jobId].inProgressTimeoutInMinutes;
    if (status === "IN_PROGRESS" && !execution.startedAt) {
      execution.startedAt = now;
      if (minutes) execution.timesOutAt = now + minutes * 60_000;
    }
    execution.status = status;
    execution.versionNumber += 1;
    execution.lastUpdatedAt = now;
    if (!this.executionsOf(jobId).some(isPending)) this.#finish(this.#jobs[jobId]);
    this.emit("status", { thingName, jobId, status, statusDetails: execution.statusDetails });
  }

  #finish(job: Job): void {
    if (job.status === "IN_PROGRESS") job.status = "COMPLETED";
    job.lastUpdatedAt = job.completedAt = this.now();
  }

  /** Writes down what changes, and tells when it makes the thing's list of pending executions another one. */
  #changing(thingName: string, change: () => void): void {
    const before = this.#pending(thingName);
    change();
    this.#save();
    const after = this.#pending(thingName);
    if (after.length !== before.length) this.emit("pending", { thingName, isNext: after[0] !== before[0] });
  }

  #save(): void {
    this.#file.write({ jobs: this.#jobs, executions: this.#executions });
  }
}
