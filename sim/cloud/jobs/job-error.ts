import { RegistryError, type RegistryErrorName } from "../registry-error.ts";

/** What a rejection over MQTT has as its `code` (IoT guide, "Jobs device MQTT API operations"), and its name over HTTPS. */
const names = {
  InvalidTopic: "InvalidRequestException",
  InvalidJson: "InvalidRequestException",
  InvalidRequest: "InvalidRequestException",
  /** The model of UpdateJobExecution has no exception of its own for a version. */
  VersionMismatch: "InvalidStateTransitionException",
  InvalidStateTransition: "InvalidStateTransitionException",
  ResourceNotFound: "ResourceNotFoundException",
  TerminalStateReached: "TerminalStateException",
  RequestThrottled: "ThrottlingException",
} as const satisfies Record<string, RegistryErrorName>;

export type JobErrorCode = keyof typeof names;

/** An error of the jobs service, with the name that each of its ways has for it. */
export class JobError extends RegistryError {
  readonly code: JobErrorCode;
  /** With VersionMismatch and InvalidStateTransition: how things really are. */
  readonly executionState?: object;

  constructor(code: JobErrorCode, message: string, executionState?: object) {
    super(names[code], message);
    this.code = code;
    this.executionState = executionState;
  }
}
