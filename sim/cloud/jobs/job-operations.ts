import { define } from "../control-operations.ts";
import { keyByTime, pageOf } from "../paging.ts";
import type { Registry } from "../registry.ts";
import { type Execution, type Job, seconds, summaryOf } from "./job.ts";
import { JobError } from "./job-error.ts";
import type { JobService } from "./job-service.ts";

// Jobs, as in the API model `iot`.

const arn = (registry: Registry, jobId: string) => registry.arn(`job/${jobId}`);

function describeJob(jobs: JobService, job: Job): object {
  const { document: _, inProgressTimeoutInMinutes, createdAt, lastUpdatedAt, completedAt, ...rest } = job;
  const executions = jobs.executionsOf(job.jobId);
  const count = (status: Execution["status"]) => executions.filter((one) => one.status === status).length;
  return {
    ...rest,
    jobArn: arn(jobs.registry, job.jobId),
    targetSelection: "SNAPSHOT",
    createdAt: seconds(createdAt),
    lastUpdatedAt: seconds(lastUpdatedAt),
    completedAt: seconds(completedAt),
    timeoutConfig: inProgressTimeoutInMinutes ? { inProgressTimeoutInMinutes } : undefined,
    jobProcessDetails: {
      numberOfQueuedThings: count("QUEUED"),
      numberOfInProgressThings: count("IN_PROGRESS"),
      numberOfSucceededThings: count("SUCCEEDED"),
      numberOfFailedThings: count("FAILED"),
      numberOfRejectedThings: count("REJECTED"),
      numberOfCanceledThings: count("CANCELED"),
      numberOfTimedOutThings: count("TIMED_OUT"),
      numberOfRemovedThings: count("REMOVED"),
    },
  };
}

define("CreateJob", "PUT /jobs/{jobId}", ({ registry, cloud: { jobs }, parameters, body }) => {
  if (body.targetSelection !== undefined && body.targetSelection !== "SNAPSHOT")
    throw new JobError("InvalidRequest", "only the target selection SNAPSHOT is served here");
  const { jobId, description } = jobs.create(parameters.jobId, body);
  return { jobArn: arn(registry, jobId), jobId, description };
});

define("DescribeJob", "GET /jobs/{jobId}", ({ cloud: { jobs }, parameters }) => ({
  job: describeJob(jobs, jobs.job(parameters.jobId)),
}));

define("GetJobDocument", "GET /jobs/{jobId}/job-document", ({ cloud: { jobs }, parameters }) => ({
  document: jobs.job(parameters.jobId).document,
}));

define("CancelJob", "PUT /jobs/{jobId}/cancel", ({ registry, cloud: { jobs }, parameters, query, body }) => {
  const { reasonCode, comment } = body;
  const { jobId, description } = jobs.cancel(parameters.jobId, {
    force: query.get("force") === "true",
    reasonCode,
    comment,
  });
  return { jobArn: arn(registry, jobId), jobId, description };
});

define(
  "DescribeJobExecution",
  "GET /things/{thingName}/jobs/{jobId}",
  ({ registry, cloud: { jobs }, parameters: { thingName, jobId }, query }) => {
    const number = query.get("executionNumber");
    const execution = jobs.execution(thingName, jobId, number === null ? undefined : Number(number));
    const { status, statusDetails, forceCanceled } = execution;
    return {
      execution: {
        ...summaryOf(execution),
        thingArn: registry.arn(`thing/${thingName}`),
        status,
        forceCanceled,
        statusDetails: statusDetails && { detailsMap: statusDetails },
        approximateSecondsBeforeTimedOut: jobs.secondsLeft(execution),
      },
    };
  },
);

define("ListJobExecutionsForThing", "GET /things/{thingName}/jobs", ({ cloud: { jobs }, parameters, query }) => {
  const status = query.get("status");
  const jobId = query.get("jobId");
  const chosen = jobs
    .executionsFor(parameters.thingName)
    .filter((one) => (!status || one.status === status) && (!jobId || one.jobId === jobId));
  const keyOf = ({ queuedAt, jobId }: Execution) => keyByTime(queuedAt, jobId);
  const { items, next } = pageOf(chosen, query, { keyOf, descending: true });
  const executionSummaries = items.map((execution) => ({
    jobId: execution.jobId,
    jobExecutionSummary: { ...summaryOf(execution), status: execution.status },
  }));
  return { executionSummaries, nextToken: next };
});
