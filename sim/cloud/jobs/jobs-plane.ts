import type { IncomingMessage } from "node:http";
import { ApiPlane, type ApiPlaneOptions, parseObject } from "../api-plane.ts";
import { readBody } from "../json-api.ts";
import { RegistryError } from "../registry-error.ts";
import { verifyRequest } from "../request-signature.ts";
import { type Execution, stateOf, summaryOf } from "./job.ts";
import { JobError } from "./job-error.ts";
import type { JobService } from "./job-service.ts";

export interface JobsPlaneOptions extends ApiPlaneOptions {
  jobs: JobService;
  region: string;
}

const maximumBody = 128 * 1024;

interface Call {
  thingName: string;
  /** Undefined for the list. */
  jobId?: string;
  query: URLSearchParams;
  body: Record<string, unknown>;
}

/**
 * The data plane of AWS IoT Jobs (the API of @aws-sdk/client-iot-jobs-data-plane): what a device does over MQTT, over HTTPS, every
 * request signed with SigV4 by the account.
 */
export class JobsPlane extends ApiPlane<JobsPlaneOptions> {
  static async listen(options: JobsPlaneOptions): Promise<JobsPlane> {
    return new JobsPlane(options).open();
  }

  protected async answer(request: IncomingMessage, said: { operation: string }): Promise<object> {
    const { region, credentials } = this.options;
    const body = await readBody(request, maximumBody, tooLarge);
    const { principal } = await verifyRequest(request, body, { service: "iot-jobs-data", region, credentials });
    if (principal.type !== "administrator")
      throw new RegistryError("AccessDeniedException", "only the account itself may call the data plane of jobs here");
    const { pathname, searchParams } = new URL(request.url ?? "/", this.url);
    const [, thingName, , jobId] = /^\/things\/([^/]+)\/jobs(\/([^/]+))?$/.exec(pathname)?.map(decode) ?? [];
    const operation = thingName && operationOf(request.method, jobId);
    if (!operation)
      throw new RegistryError("UnknownOperationException", `${request.method} ${pathname} is not served here`);
    said.operation = operation;
    return this[operation]({ thingName, jobId, query: searchParams, body: parseObject(body, invalid) });
  }

  private GetPendingJobExecutions({ thingName }: Call): object {
    const { jobs } = this.options;
    jobs.registry.thing(thingName);
    const pending = jobs.pending(thingName);
    const inState = (wanted: string) => pending.filter(({ status }) => status === wanted).map(summaryOf);
    return { inProgressJobs: inState("IN_PROGRESS"), queuedJobs: inState("QUEUED") };
  }

  private StartNextPendingJobExecution({ thingName, body }: Call): object {
    const { jobs } = this.options;
    jobs.registry.thing(thingName);
    const execution = jobs.startNext(thingName, body);
    return execution ? { execution: this.#full(execution) } : {};
  }

  private DescribeJobExecution({ thingName, jobId = "", query }: Call): object {
    const number = query.get("executionNumber");
    const execution = this.options.jobs.describe(thingName, jobId, number === null ? undefined : Number(number));
    return execution ? { execution: this.#full(execution, query.get("includeJobDocument") !== "false") } : {};
  }

  private UpdateJobExecution({ thingName, jobId = "", body }: Call): object {
    const { jobs } = this.options;
    const execution = jobs.update(thingName, jobId, body);
    return {
      executionState: body.includeJobExecutionState === true ? stateOf(execution) : undefined,
      jobDocument: body.includeJobDocument === true ? jobs.job(jobId).document : undefined,
    };
  }

  /** The document is text in this API. */
  #full(execution: Execution, withDocument = true): object {
    const { jobs } = this.options;
    const { jobId, thingName, status, statusDetails } = execution;
    return {
      ...summaryOf(execution),
      thingName,
      status,
      statusDetails,
      approximateSecondsBeforeTimedOut: jobs.secondsLeft(execution),
      jobDocument: withDocument ? jobs.job(jobId).document : undefined,
    };
  }
}

type Operation =
  | "GetPendingJobExecutions"
  | "StartNextPendingJobExecution"
  | "DescribeJobExecution"
  | "UpdateJobExecution";

/** Methods and paths as in the API model `iot-jobs-data`. */
function operationOf(method: string | undefined, jobId: string | undefined): Operation | undefined {
  if (method === "GET") return jobId ? "DescribeJobExecution" : "GetPendingJobExecutions";
  if (method === "PUT" && jobId === "$next") return "StartNextPendingJobExecution";
  return method === "POST" && jobId ? "UpdateJobExecution" : undefined;
}

const decode = (text: string | undefined) => decodeURIComponent(text ?? "");
const invalid = (message: string) => new JobError("InvalidRequest", message);
const tooLarge = () => invalid("the request is too large");
