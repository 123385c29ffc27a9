import { encoders } from "./mqtt-wire.ts";
import type { Peer } from "./peer.ts";
import { onPublish, parseRequest, RequestError, tell } from "./shadow-service.ts";

export type JobStatus = "QUEUED" | "IN_PROGRESS" | "SUCCEEDED" | "FAILED" | "REJECTED";

const terminal: JobStatus[] = ["SUCCEEDED", "FAILED", "REJECTED"];
const reportable: JobStatus[] = ["IN_PROGRESS", ...terminal];

interface Request {
  clientToken?: string;
  status?: JobStatus;
  expectedVersion?: number;
  statusDetails?: object;
}

const now = () => Math.floor(Date.now() / 1000);

/** Answers come to who asked even without a subscription (jobs-mqtt-api). */
const say = (peer: Peer, topic: string, document: object) =>
  peer.send(encoders.publish(topic, JSON.stringify(document)));

/** One job for one thing on the reserved topics: notify, notify-next, get, start-next, `<job>/get` and `<job>/update`. */
export class JobService {
  readonly jobId = "advisor-job-1";
  /** What the device reported, in order. */
  readonly reports: JobStatus[] = [];
  /** Of the last report. */
  details: object = {};
  #prefix: string;
  #document: object;
  #status: JobStatus = "QUEUED";
  #version = 1;

  constructor(thingName: string, document: object) {
    this.#prefix = `$aws/things/${thingName}/jobs`;
    this.#document = document;
  }

  get status(): JobStatus {
    return this.#status;
  }

  get isFinished(): boolean {
    return terminal.includes(this.#status);
  }

  serve(peer: Peer): void {
    onPublish(peer, (topic, payload) => this.#take(peer, topic, payload));
  }

  /** Tells the device that there is a job. */
  announce(peer: Peer): void {
    const jobs = this.isFinished ? {} : { [this.#status]: [this.#summary()] };
    tell(peer, `${this.#prefix}/notify`, { timestamp: now(), jobs });
    tell(peer, `${this.#prefix}/notify-next`, { timestamp: now(), execution: this.#execution() });
  }

  #take(peer: Peer, topic: string, payload: Buffer): void {
    if (!topic.startsWith(`${this.#prefix}/`)) return;
    let clientToken: string | undefined;
    try {
      const request = payload.length ? parseRequest<Request>(payload) : {};
      clientToken = request.clientToken;
      const answer = this.#perform(topic.slice(this.#prefix.length + 1), request);
      if (!answer) return;
      say(peer, `${topic}/accepted`, { clientToken, timestamp: now(), ...answer });
      if (topic.endsWith("/update") && this.isFinished) this.announce(peer);
    } catch (error) {
      const { code, message, executionState } = error as RequestError;
      say(peer, `${topic}/rejected`, { code, message, executionState, clientToken, timestamp: now() });
    }
  }

  /** @returns what `accepted` says; undefined for what is no request. @throws RequestError */
  #perform(operation: string, request: Request): object | undefined {
    if (operation === "get") return this.#lists();
    if (operation === "start-next") return this.#start();
    if (operation === "$next/get" || operation === `${this.jobId}/get`) return { execution: this.#execution() };
    if (operation === `${this.jobId}/update`) return this.#update(request);
    if (/^[^/]+\/(get|update)$/.test(operation)) throw new RequestError("ResourceNotFound", "no such job");
    return undefined;
  }

  #start(): object {
    if (this.#status === "QUEUED") this.#report("IN_PROGRESS");
    return { execution: this.#execution() };
  }

  #update({ status, expectedVersion, statusDetails = {} }: Request): object {
    if (!status || !reportable.includes(status)) throw new RequestError("InvalidRequest", `status ${status}`);
    if (expectedVersion !== undefined && expectedVersion !== this.#version)
      throw new RequestError("VersionMismatch", `the version is ${this.#version}`, this.#state());
    if (this.isFinished) throw new RequestError("InvalidStateTransition", `it is ${this.#status}`, this.#state());
    this.details = statusDetails;
    this.#report(status);
    return {};
  }

  #report(status: JobStatus): void {
    this.#status = status;
    this.#version += 1;
    this.reports.push(status);
  }

  #state(): object {
    return { status: this.#status, statusDetails: this.details, versionNumber: this.#version };
  }

  #summary(): object {
    return { jobId: this.jobId, queuedAt: 0, lastUpdatedAt: 0, executionNumber: 1, versionNumber: this.#version };
  }

  /** None when there is nothing left to do. */
  #execution(): object | undefined {
    return this.isFinished ? undefined : { ...this.#summary(), status: this.#status, jobDocument: this.#document };
  }

  #lists(): object {
    return {
      queuedJobs: this.#status === "QUEUED" ? [this.#summary()] : [],
      inProgressJobs: this.#status === "IN_PROGRESS" ? [this.#summary()] : [],
    };
  }
}
