import Timer from "timer";
import { type OwnedTimer, setTimer, type TimerModule } from "../network/owned-timer";
import type { TopicFilter } from "./client-interface";
import { type JobExecution, type JobMessage, JobReader } from "./job-message";

/** What became of a job. */
export interface JobResult {
  status: "SUCCEEDED" | "FAILED" | "REJECTED";
  /** Up to ten pairs; values have 1 to 128 characters, none of them a control character. */
  statusDetails?: Record<string, string>;
}

export interface JobsHost {
  /** Messages wait that cannot be taken yet: an answer may be among them. */
  readonly isBehind?: boolean;
  /** Milliseconds since 1970. */
  now(): number;
  /** What a job document's members are called. */
  readonly documentNames: readonly string[];
  /** Publishes on `$aws/things/<thing>/jobs/<operation>`, without a queue (QoS 0). It may reject: the time-out sees to it. */
  sendJobs(operation: string, payload: string): Promise<unknown>;
  /**
   * Begins with a job and calls `complete` when it is done, at once or later. Called again for the same job when the device was
   * restarted in the middle of it. Without `document` the job could not be read. What is thrown makes the job FAILED.
   */
  execute(job: JobExecution): void;
  /** The cloud knows. `code`: it would not hear of it, because the job was cancelled perhaps. */
  jobEnded(jobId: string, result: JobResult, code?: string): void;
  /** An exchange was given up: "NoAnswer", "Malformed", or "Rejected" with AWS's code in the text. */
  jobsFailed(code: string, message: string): void;
}

type Activity = "idle" | "asking" | "describing" | "working" | "reporting";

/** Milliseconds. */
const answerTime = 10_000;
const firstPause = 2000;
const attemptLimit = 4;
/** A job that is not done after this is FAILED. */
const workTime = 600_000;

const terminal = ["SUCCEEDED", "FAILED", "REJECTED", "TIMED_OUT", "REMOVED", "CANCELED"];
/** Rejections after which the same request can go well later. */
const passing = ["InternalError", "RequestThrottled"];
/** Rejections of an update that mean that there is nothing more to be said about the job. */
const final = ["TerminalStateReached", "InvalidStateTransition", "ResourceNotFound"];

export function jobsRoot(thingName: string): string {
  return `$aws/things/${thingName}/jobs/`;
}

/** One is enough: the answers to its own requests come to a device without a subscription (IoT guide, "Jobs device MQTT API operations"). */
export function jobsFilters(thingName: string): TopicFilter[] {
  return [{ topic: `${jobsRoot(thingName)}notify-next`, QoS: 1 }];
}

/**
 * The device's side of AWS IoT Jobs. After each connect, each notification of a next job and each job that is done it asks to start
 * the next one, and does it; one job at a time, one request at a time. What became of a job is kept until the cloud knows, through
 * losses of the connection. After a restart the cloud hands the same execution out again. No I/O but the host's.
 *
 * Each request has a token, so answers may come twice or late. Notifications only say that there is something to ask for.
 */
export class Jobs {
  static #onTimer({ owner }: OwnedTimer<Jobs>): void {
    owner.onTime();
  }

  #host: JobsHost;
  #timers: TimerModule;
  #timer?: Timer;
  #connected = false;
  #granted = false;
  #activity: Activity = "idle";
  /** A request is under way; otherwise its next attempt waits for its time. */
  #isAsked = false;
  #token = 0;
  #attempts = 0;
  /** A notification came while it was asked. */
  #askAgain = false;
  #job?: JobExecution;
  #result?: JobResult;

  constructor(host: JobsHost, timers: TimerModule = Timer) {
    this.#host = host;
    this.#timers = timers;
  }

  /** The job that is being done, or reported. */
  get current(): string | undefined {
    return this.#job?.jobId;
  }

  /** The broker has granted the topic (or not any more). Without that nothing is sent: a forbidden PUBLISH ends the connection. */
  grant(granted: boolean): void {
    this.#granted = granted;
    this.start();
  }

  connected(): void {
    this.#connected = true;
    this.start();
  }

  disconnected(): void {
    this.#connected = false;
    if (this.#activity === "working") return;
    this.rest();
    if (this.#activity !== "reporting") this.#activity = "idle";
  }

  /** Ends for good: no timer is left. */
  close(): void {
    this.#connected = false;
    this.#activity = "idle";
    this.rest();
  }

  /** What reads a message while it comes. */
  open(): JobReader {
    return new JobReader(this.#host.documentNames);
  }

  /** The message is complete. @param topic what stands behind `jobs/`. Never throws. */
  receive(topic: string, reader: JobReader): void {
    if (!this.#connected || !this.#granted) return;
    let message: JobMessage;
    try {
      message = reader.message();
    } catch (error) {
      this.unreadable(topic, (error as Error).message);
      return;
    }
    if (topic === "notify-next") this.notified(message);
    else if (this.#isAsked && message.clientToken === String(this.#token)) this.receiveAnswer(topic, message);
  }

  /** The session dropped a message on this topic because of its size. */
  dropped(topic: string): void {
    this.unreadable(topic, "too large");
  }

  /** The job is done. Later calls for it, and those for another one, are ignored. */
  complete(jobId: string, result: JobResult): void {
    if (this.#activity !== "working" || this.#job?.jobId !== jobId) return;
    this.#result = result;
    this.begin("reporting");
  }

  private start(): void {
    if (!this.#connected || !this.#granted) return;
    if (!this.#token) this.#token = this.#host.now();
    if (this.#activity === "reporting") this.begin("reporting");
    else if (this.#activity !== "working") this.begin("asking");
  }

  private notified({ execution }: JobMessage): void {
    if (!execution) return;
    if (this.#activity === "idle") this.begin("asking");
    else this.#askAgain = true;
  }

  /** What stands in the way is the document: without it the execution can be had, and be rejected. */
  private unreadable(topic: string, reason: string): void {
    if (topic === "start-next/accepted" && this.#activity === "asking") this.begin("describing");
    else if (topic === "notify-next") this.notified({ clientToken: "", code: "", execution: unknown });
    else this.#host.jobsFailed("Malformed", `${topic}: ${reason}`);
  }

  private begin(activity: Activity): void {
    this.#activity = activity;
    this.#attempts = 0;
    if (activity === "asking") this.#askAgain = false;
    this.send();
  }

  private send(): void {
    this.rest();
    if (!this.#connected || !this.#granted) return;
    this.#token += 1;
    this.#isAsked = true;
    this.wait(answerTime);
    const clientToken = String(this.#token);
    let operation = "start-next";
    let request: object = { clientToken };
    if (this.#activity === "describing") {
      operation = "$next/get";
      request = { includeJobDocument: false, clientToken };
    } else if (this.#activity === "reporting") {
      const { jobId, versionNumber: expectedVersion, executionNumber } = this.#job!;
      operation = `${jobId}/update`;
      request = { ...this.#result, expectedVersion, executionNumber, clientToken };
    }
    this.#host.sendJobs(operation, JSON.stringify(request)).catch(ignore);
  }

  private onTime(): void {
    this.#timer = undefined;
    if (this.#activity === "working") this.complete(this.#job!.jobId, failure("it took too long"));
    else if (this.#isAsked && this.#host.isBehind) this.wait(answerTime);
    else if (this.#isAsked) this.failed("NoAnswer", `${this.#activity} was not answered`, 0);
    else this.send();
  }

  private receiveAnswer(topic: string, message: JobMessage): void {
    const isAccepted = topic.endsWith("/accepted");
    this.rest();
    if (!isAccepted) this.rejected(message);
    else if (this.#activity === "reporting") this.finish();
    else this.receiveExecution(message.execution);
  }

  private receiveExecution(execution: JobExecution | undefined): void {
    // One that is still queued is not the one that could not be read: that one is gone.
    if (execution && (this.#activity === "asking" || execution.status !== "QUEUED")) this.work(execution);
    else if (this.#askAgain) this.begin("asking");
    else this.#activity = "idle";
  }

  private work(job: JobExecution): void {
    this.#job = job;
    this.#activity = "working";
    this.wait(workTime);
    try {
      this.#host.execute(job);
    } catch (error) {
      this.complete(job.jobId, failure((error as Error).message));
    }
  }

  private rejected(message: JobMessage): void {
    const { code } = message;
    const reason = `${this.#activity} was rejected with ${code}`;
    if (passing.includes(code)) this.failed("Rejected", reason, firstPause << this.#attempts);
    else if (this.#activity !== "reporting") this.giveUp("Rejected", reason);
    else if (code === "VersionMismatch") this.overtaken(message);
    else if (final.includes(code)) this.finish(code);
    else if (this.#result?.statusDetails) {
      // Details that AWS does not take must not keep it from hearing the status.
      this.#result = { status: this.#result.status };
      this.failed("Rejected", reason, 0);
    } else this.giveUp("Rejected", reason);
  }

  /** Somebody else has updated the execution. */
  private overtaken({ status = "", versionNumber }: JobMessage): void {
    if (terminal.includes(status)) this.finish(status);
    else {
      if (versionNumber) this.#job!.versionNumber = versionNumber;
      this.failed("Rejected", "the execution's version changes again and again", 0);
    }
  }

  /** Tries again after the pause, in milliseconds, if that was not often enough. */
  private failed(code: string, reason: string, pause: number): void {
    this.#attempts += 1;
    if (this.#attempts >= attemptLimit) this.giveUp(code, `${reason}, ${this.#attempts} times`);
    else if (!pause) this.send();
    else this.wait(pause);
  }

  /** Until the next notification or connect. A result that the cloud has not heard is forgotten: it will hand the job out again. */
  private giveUp(code: string, reason: string): void {
    this.rest();
    this.forget();
    this.#host.jobsFailed(code, reason);
  }

  private finish(code?: string): void {
    const job = this.#job!;
    const result = this.#result!;
    this.forget();
    this.#host.jobEnded(job.jobId, result, code);
    if (this.#connected && this.#activity === "idle") this.begin("asking");
  }

  private forget(): void {
    this.#activity = "idle";
    this.#job = this.#result = undefined;
  }

  private wait(milliseconds: number): void {
    this.rest(this.#isAsked);
    this.#timer = setTimer(this, Jobs.#onTimer, milliseconds, this.#timers) as Timer;
  }

  private rest(isAsked = false): void {
    this.#isAsked = isAsked;
    if (this.#timer) this.#timers.clear(this.#timer as never);
    this.#timer = undefined;
  }
}

const unknown: JobExecution = { jobId: "", status: "", executionNumber: 0, versionNumber: 0 };

function failure(reason: string): JobResult {
  return { status: "FAILED", statusDetails: { reason: reason.slice(0, 128) || "unknown" } };
}

function ignore(): void {}
