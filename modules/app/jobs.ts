import type { TopicFilter } from "../cloud/client-interface";
import type { CloudError } from "../cloud/cloud-error";
import type { JobExecution, JobReader } from "../cloud/job-message";
import { type JobResult, Jobs, type JobsHost, jobsFilters, jobsRoot } from "../cloud/jobs";
import type { MessageStream } from "../cloud/message-reader";
import { memberOf } from "../json/member-of";
import type { ShadowSession } from "./shadow-settings";

export interface CameraJobsHost {
  readonly events: { add(type: string, fields: Record<string, unknown>): unknown };
  /** Milliseconds since 1970. */
  now(): number;
}

/** AWS: characters of a value in statusDetails. */
const detailLimit = 128;

const rejected = (reason: string): JobResult => ({ status: "REJECTED", statusDetails: { reason } });

/** What `operation` in a job document can be. The table lies in flash; an operation returns what became of it. */
const operations: Record<string, (document: Record<string, unknown>) => JobResult> = {
  /** Says back what it is told: shows that jobs arrive, and that their results do. */
  echo: ({ message }) => {
    if (typeof message !== "string" || !message) return rejected("message is missing, or too long");
    if (message.length > detailLimit) return rejected(`message is longer than ${detailLimit} characters`);
    if (hasControlCharacter(message)) return rejected("message has control characters");
    return { status: "SUCCEEDED", statusDetails: { message } };
  },
};

/** `operation` and what the operations above take. */
const documentNames: readonly string[] = Object.freeze(["operation", "message"]) as string[];

/** The camera does the jobs that AWS IoT has for its thing (modules/cloud/jobs). */
export class CameraJobs implements JobsHost {
  #host: CameraJobsHost;
  #session?: ShadowSession;
  #jobs?: Jobs;

  constructor(host: CameraJobsHost) {
    this.#host = host;
  }

  /** A session that has just been made takes the place of the last one. @returns what it has to subscribe to */
  follow(session: ShadowSession): TopicFilter[] {
    this.#jobs?.close();
    this.#session = session;
    this.#jobs = new Jobs(this);
    return jobsFilters(session.clientId);
  }

  /** The broker has answered. @param refused the topics that it has not granted */
  granted(refused: string): void {
    this.#jobs?.grant(!refused.includes(this.root));
  }

  sessionChanged(isConnected: boolean): void {
    if (isConnected) this.#jobs?.connected();
    else this.#jobs?.disconnected();
  }

  /** A message begins that may be about jobs, or not. */
  open(topic: string): MessageStream | undefined {
    return topic.startsWith(this.root) ? this.#jobs?.open() : undefined;
  }

  /** It is complete. */
  receive(topic: string, stream: MessageStream): void {
    const { root } = this;
    if (topic.startsWith(root)) this.#jobs?.receive(topic.slice(root.length), stream as JobReader);
  }

  sessionFailed({ code, message }: CloudError): void {
    const { root } = this;
    if (code === "SubscriptionRefused" && message.startsWith(root)) this.#jobs?.grant(false);
    const at = code === "MessageTooLarge" ? message.indexOf(root) : -1;
    if (at >= 0) this.#jobs?.dropped(message.slice(at + root.length));
  }

  private get root(): string {
    return jobsRoot(this.#session?.clientId ?? "");
  }

  // Called by the jobs

  /** @internal */
  now(): number {
    return this.#host.now();
  }

  /** @internal */
  get documentNames(): readonly string[] {
    return documentNames;
  }

  /** @internal */
  get isBehind(): boolean {
    return this.#session?.isBehind ?? false;
  }

  /** @internal */
  sendJobs(operation: string, payload: string): Promise<unknown> {
    return (this.#session as ShadowSession).publish(this.root + operation, payload, { QoS: 0 });
  }

  /** @internal */
  execute({ jobId, document }: JobExecution): void {
    this.#jobs?.complete(jobId, document ? perform(document) : rejected("the job document cannot be read"));
  }

  /** @internal */
  jobEnded(jobId: string, { status, statusDetails }: JobResult, code?: string): void {
    const { reason } = statusDetails ?? {};
    this.#host.events.add("JobEnded", { jobId, status, ...(reason && { reason }), ...(code && { code }) });
  }

  /** @internal */
  jobsFailed(code: string, message: string): void {
    this.#host.events.add("Error", { code: `Jobs${code}`, message });
  }
}

function perform(document: Record<string, unknown>): JobResult {
  const { operation } = document;
  if (typeof operation !== "string") return rejected("the job document names no operation");
  const run = memberOf(operations, operation);
  return run ? run(document) : rejected(`unknown operation ${JSON.stringify(operation.slice(0, 32))}`);
}

function hasControlCharacter(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return true;
  }
  return false;
}
