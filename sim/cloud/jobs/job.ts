import { JobError } from "./job-error.ts";

/** IoT guide, "Job execution states"; QUEUED and IN_PROGRESS are pending. */
export type ExecutionStatus =
  | "QUEUED"
  | "IN_PROGRESS"
  | "SUCCEEDED"
  | "FAILED"
  | "TIMED_OUT"
  | "REJECTED"
  | "REMOVED"
  | "CANCELED";

export interface Job {
  jobId: string;
  /** ARNs of things. */
  targets: string[];
  /** JSON. */
  document: string;
  description?: string;
  status: "IN_PROGRESS" | "COMPLETED" | "CANCELED";
  forceCanceled?: boolean;
  reasonCode?: string;
  comment?: string;
  inProgressTimeoutInMinutes?: number;
  /** Times are in milliseconds since 1970. */
  createdAt: number;
  lastUpdatedAt: number;
  completedAt?: number;
}

/** What one thing makes of a job. */
export interface Execution {
  jobId: string;
  thingName: string;
  status: ExecutionStatus;
  statusDetails?: Record<string, string>;
  queuedAt: number;
  startedAt?: number;
  lastUpdatedAt: number;
  /** Grows with every change. */
  versionNumber: number;
  executionNumber: number;
  forceCanceled?: boolean;
  /** When the job's timer, and the one that the device has set, make it TIMED_OUT. */
  timesOutAt?: number;
  stepTimesOutAt?: number;
}

/** What a device may report. */
const reportable: readonly unknown[] = ["IN_PROGRESS", "SUCCEEDED", "FAILED", "REJECTED"];

const documentLimit = 32 * 1024;
const minute = 60_000;
const longestTimeout = 10_080;

export const isPending = ({ status }: Execution) => status === "QUEUED" || status === "IN_PROGRESS";

/** The first of the two timers. */
export const deadline = ({ timesOutAt, stepTimesOutAt }: Execution) =>
  Math.min(timesOutAt ?? Infinity, stepTimesOutAt ?? Infinity);

const invalid = (message: string) => new JobError("InvalidRequest", message);

/** @throws JobError */
export function checkJobId(jobId: string): void {
  if (!/^[a-zA-Z0-9_-]{1,64}$/.test(jobId)) throw invalid("jobId does not fit [a-zA-Z0-9_-]{1,64}");
}

/** @throws JobError */
export function checkDocument(document: unknown): string {
  if (typeof document !== "string") throw invalid("document is missing (documentSource is not served here)");
  if (Buffer.byteLength(document) > documentLimit)
    throw invalid(`the job document has more than ${documentLimit} bytes`);
  try {
    JSON.parse(document);
  } catch {
    throw invalid("the job document is not valid JSON");
  }
  return document;
}

/** @throws JobError */
export function checkStatus(status: unknown): ExecutionStatus {
  if (!reportable.includes(status)) throw invalid(`a device cannot report the status ${JSON.stringify(status)}`);
  return status as ExecutionStatus;
}

/** At most ten pairs; values of 1 to 128 characters, none of them of Unicode's category C. @throws JobError */
export function checkDetails(details: unknown): Record<string, string> | undefined {
  if (details === undefined || details === null) return undefined;
  if (typeof details !== "object" || Array.isArray(details)) throw invalid("statusDetails is a map of strings");
  const pairs = Object.entries(details);
  if (pairs.length > 10) throw invalid("statusDetails has more than 10 pairs");
  for (const [key, value] of pairs) {
    if (!/^[a-zA-Z0-9:_-]{1,128}$/.test(key)) throw invalid(`statusDetails: ${key} is no name`);
    if (typeof value !== "string" || !/^[^\p{C}]{1,128}$/u.test(value))
      throw invalid(`statusDetails: the value of ${key} has not 1 to 128 characters, or has control characters`);
  }
  return details as Record<string, string>;
}

/** @returns milliseconds; -1 where that is allowed and means to forget the timer @throws JobError */
export function checkTimeout(name: string, minutes: unknown, mayForget = false): number | undefined {
  if (minutes === undefined || minutes === null) return undefined;
  if (minutes === -1 && mayForget) return -1;
  if (!Number.isInteger(minutes) || (minutes as number) < 1 || (minutes as number) > longestTimeout)
    throw invalid(`${name} is between 1 and ${longestTimeout}`);
  return (minutes as number) * minute;
}

/** Seconds since 1970, as the APIs have them. */
export const seconds = (milliseconds: number | undefined) =>
  milliseconds === undefined ? undefined : Math.floor(milliseconds / 1000);

/** JobExecutionSummary of the device's API. */
export function summaryOf({ jobId, versionNumber, executionNumber, ...times }: Execution): object {
  const { queuedAt, startedAt, lastUpdatedAt } = times;
  return {
    jobId,
    queuedAt: seconds(queuedAt),
    startedAt: seconds(startedAt),
    lastUpdatedAt: seconds(lastUpdatedAt),
    versionNumber,
    executionNumber,
  };
}

/** JobExecutionState. */
export function stateOf({ status, statusDetails = {}, versionNumber }: Execution): object {
  return { status, statusDetails, versionNumber };
}
