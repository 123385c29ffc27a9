import { MemberCursor } from "./json-members";

/** A job execution, as far as a device looks at it. Its times come in seconds or in milliseconds, and are not needed. */
export interface JobExecution {
  jobId: string;
  status: string;
  /** Which try of this job for this thing; a later one has another number. */
  executionNumber: number;
  /** Grows with every update: what the next update says it has seen. */
  versionNumber: number;
  /** The members of the job document, one level deep. Undefined when the message has none, or one that is no object. */
  document?: Record<string, unknown>;
}

/** What the jobs service says, as far as it is looked at. */
export interface JobMessage {
  clientToken: string;
  /** Of a rejection: VersionMismatch, InvalidStateTransition, ... */
  code: string;
  /** In answers and in notify-next. Undefined when nothing is pending. */
  execution?: JobExecution;
  /** `executionState`, in rejections with VersionMismatch and InvalidStateTransition: how things really are. */
  status?: string;
  versionNumber?: number;
}

/** AWS: tokens have at most 64 bytes, and so have job ids. */
const wordLimit = 66;
/** An operation's parameters are short. Members after the first sixteen are passed over, and longer values are undefined. */
const memberLimit = 16;
const nameLimit = 40;
const valueLimit = 512;
const quote = 0x22;

/**
 * Reads an answer or a notification.
 *
 * @throws SyntaxError
 */
export function readJobMessage(payload: ArrayBuffer): JobMessage {
  const bytes = new Uint8Array(payload);
  const message: JobMessage = { clientToken: "", code: "" };
  const cursor = new MemberCursor(bytes);
  while (cursor.next()) {
    if (cursor.keyLength > 16) continue;
    const { key } = cursor;
    if (key === "execution") message.execution = readExecution(new MemberCursor(bytes, cursor.valueStart), bytes);
    else if (key === "executionState") readState(new MemberCursor(bytes, cursor.valueStart), message);
    else if (key === "clientToken" || key === "code") message[key] = readWord(cursor);
  }
  return message;
}

/** @returns undefined for `{}`, which means the same as no execution */
function readExecution(cursor: MemberCursor, bytes: Uint8Array): JobExecution | undefined {
  const execution: JobExecution = { jobId: "", status: "", executionNumber: 0, versionNumber: 0 };
  while (cursor.next()) {
    if (cursor.keyLength > 17) continue;
    const { key } = cursor;
    if (key === "jobId" || key === "status") execution[key] = readWord(cursor);
    else if (key === "versionNumber" || key === "executionNumber") execution[key] = readCount(cursor);
    else if (key === "jobDocument") execution.document = readDocument(bytes, cursor);
  }
  if (!cursor.keyEnd) return undefined;
  // It becomes part of a topic.
  if (!/^[a-zA-Z0-9_-]{1,64}$/.test(execution.jobId)) throw new SyntaxError("an execution without a job id");
  return execution;
}

function readState(cursor: MemberCursor, message: JobMessage): void {
  while (cursor.next()) {
    if (cursor.keyLength > 15) continue;
    const { key } = cursor;
    if (key === "status") message.status = readWord(cursor);
    else if (key === "versionNumber") message.versionNumber = readCount(cursor);
  }
}

/** Over MQTT it is an object; the API's model has it as a string with the JSON in it. */
function readDocument(bytes: Uint8Array, { valueStart, valueEnd }: MemberCursor): Record<string, unknown> | undefined {
  try {
    if (bytes[valueStart] !== quote) return readMembers(new MemberCursor(bytes, valueStart));
    const text = JSON.parse(String.fromArrayBuffer(bytes.slice(valueStart, valueEnd).buffer as ArrayBuffer));
    return readMembers(new MemberCursor(new Uint8Array(ArrayBuffer.fromString(text))));
  } catch {
    return undefined;
  }
}

function readMembers(cursor: MemberCursor): Record<string, unknown> {
  const members: Record<string, unknown> = Object.create(null);
  for (let count = 0; count < memberLimit && cursor.next(); count += 1)
    if (cursor.keyLength <= nameLimit)
      members[cursor.key] = cursor.valueLength <= valueLimit ? cursor.value : undefined;
  return members;
}

function readWord(cursor: MemberCursor): string {
  const value = cursor.valueLength <= wordLimit ? cursor.value : "";
  return typeof value === "string" ? value : "";
}

function readCount(cursor: MemberCursor): number {
  const value = cursor.valueLength <= 16 ? cursor.value : undefined;
  if (typeof value !== "number" || !(value >= 0) || value % 1) throw new SyntaxError("a number is no whole number");
  return value;
}
