import type { IotCore } from "../iot-core.ts";
import { seconds, stateOf, summaryOf } from "./job.ts";
import { JobError } from "./job-error.ts";
import type { JobService, Update } from "./job-service.ts";

interface Request extends Update {
  clientToken?: unknown;
  includeJobDocument?: unknown;
  includeJobExecutionState?: unknown;
}

const topicPattern = /^\$aws\/things\/([^/]+)\/jobs\/(.+)$/;
const operationPattern = /^(?:(get|start-next)|([^/]+)\/(get|update))$/;
/** What the service itself says; devices have no business publishing there, but nothing is said to it either. */
const ownTopics = /(^|\/)(notify|notify-next|accepted|rejected)$/;

/**
 * The device's MQTT API of AWS IoT Jobs, on `$aws/things/<thing>/jobs/...`. An answer goes to the client that asked and to nobody
 * else, whether or not it has subscribed; the notifications are for whoever has.
 */
export class JobsOverMqtt {
  #iot: IotCore;
  #jobs: JobService;

  constructor(iot: IotCore, jobs: JobService) {
    this.#iot = iot;
    this.#jobs = jobs;
    iot.on("publish", ({ clientId, topic, payload }) => {
      const [, thingName, operation] = topicPattern.exec(topic) ?? [];
      if (clientId === undefined || !thingName || ownTopics.test(operation)) return;
      this.#answer(clientId, topic, () => this.#perform(thingName, operation, payload), payload);
    });
    jobs.on("pending", ({ thingName, isNext }) => this.#notify(thingName, isNext));
  }

  #answer(clientId: string, topic: string, perform: () => object, payload: Buffer): void {
    const { clientToken } = readToken(payload);
    const timestamp = seconds(this.#jobs.now());
    const say = (result: string, answer: object) =>
      this.#iot.answer(clientId, `${topic}/${result}`, JSON.stringify({ ...answer, timestamp, clientToken }), {
        unasked: true,
      });
    try {
      say("accepted", perform());
    } catch (error) {
      say("rejected", rejection(error));
    }
  }

  #perform(thingName: string, operation: string, payload: Buffer): object {
    const [, simple, jobId, ofJob] = operationPattern.exec(operation) ?? [];
    if (!simple && !ofJob) throw new JobError("InvalidTopic", `${operation} is no operation`);
    const request = parse(payload);
    if (simple === "get") return this.#lists(thingName);
    if (simple === "start-next")
      return { execution: this.#execution(thingName, this.#jobs.startNext(thingName, request)) };
    if (ofJob === "update") return this.#update(thingName, jobId, request);
    const execution = this.#jobs.describe(thingName, jobId, request.executionNumber);
    return { execution: this.#execution(thingName, execution, request.includeJobDocument !== false) };
  }

  #lists(thingName: string): object {
    const pending = this.#jobs.pending(thingName);
    const inState = (wanted: string) => pending.filter(({ status }) => status === wanted).map(summaryOf);
    return { inProgressJobs: inState("IN_PROGRESS"), queuedJobs: inState("QUEUED") };
  }

  #update(thingName: string, jobId: string, request: Request): object {
    const execution = this.#jobs.update(thingName, jobId, request);
    const { includeJobExecutionState, includeJobDocument } = request;
    return {
      ...(includeJobExecutionState === true ? { executionState: stateOf(execution) } : {}),
      ...(includeJobDocument === true ? { jobDocument: this.#jobs.documentOf(jobId) } : {}),
    };
  }

  /** Undefined when nothing is pending: the member is left out then. */
  #execution(thingName: string, execution = this.#jobs.pending(thingName)[0], withDocument = true): object | undefined {
    if (!execution) return undefined;
    const { status, statusDetails, jobId } = execution;
    const document = withDocument ? { jobDocument: this.#jobs.documentOf(jobId) } : {};
    return { ...summaryOf(execution), thingName, status, statusDetails, ...document };
  }

  #notify(thingName: string, isNext: boolean): void {
    const root = `$aws/things/${thingName}/jobs`;
    const timestamp = seconds(this.#jobs.now());
    const jobs: Record<string, object[]> = {};
    for (const execution of this.#jobs.pending(thingName)) {
      jobs[execution.status] ??= [];
      jobs[execution.status].push(summaryOf(execution));
    }
    this.#publish(`${root}/notify`, { timestamp, jobs });
    if (isNext) this.#publish(`${root}/notify-next`, { timestamp, execution: this.#execution(thingName) });
  }

  #publish(topic: string, message: object): void {
    this.#iot.publish(topic, JSON.stringify(message)).catch(() => {}); // the broker is closing: nobody is there to hear it
  }
}

/** @throws JobError InvalidJson */
function parse(payload: Buffer): Request {
  if (!payload.length) return {};
  try {
    const value = JSON.parse(payload.toString());
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Said below.
  }
  throw new JobError("InvalidJson", "the payload is no JSON object");
}

/** Of a request that may be wrong in other ways, for its rejection. */
function readToken(payload: Buffer): { clientToken?: string } {
  try {
    const { clientToken } = parse(payload);
    return typeof clientToken === "string" ? { clientToken } : {};
  } catch {
    return {};
  }
}

function rejection(error: unknown): object {
  if (!(error instanceof JobError)) {
    console.error(error);
    return { code: "InternalError", message: "Internal failure" };
  }
  const { code, message, executionState } = error;
  return { code, message, executionState };
}
