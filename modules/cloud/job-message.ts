import { JSONError } from "../json/json-error";
import { MemberStream, streamBounds, wholeNumber } from "../json/member-stream";
import { parseJSON } from "../json/parse-json";

/** A job execution, as far as a device looks at it. Its times come in seconds or in milliseconds, and are not needed. */
export interface JobExecution {
  jobId: string;
  status: string;
  /** Which try of this job for this thing; a later one has another number. */
  executionNumber: number;
  /** Grows with every update: what the next update says it has seen. */
  versionNumber: number;
  /** The members of the job document whose names are known, one level deep. Undefined when the message has none, or one that is no object. */
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

/** Bytes of a value: tokens and job ids have at most 64 (AWS), an operation's parameters are short. With their quotes. */
const valueLimit = 514;
/** Over MQTT the document is an object; the API's model has it as a string with the JSON in it, which is held in memory to be read. */
const textLimit = 2050;

const topMembers: readonly string[] = Object.freeze(["clientToken", "code", "execution", "executionState"]) as string[];
const words: readonly string[] = Object.freeze(["jobId", "status"]) as string[];
const counts: readonly string[] = Object.freeze(["versionNumber", "executionNumber"]) as string[];

/** Reads an answer or a notification piece by piece: a job document may have 32 KB (AWS), and most of it may be for others. */
export class JobReader extends MemberStream {
  #message: JobMessage = { clientToken: "", code: "" };
  #known: readonly string[];
  /** What is read now: `execution`, or `executionState`. */
  #part = "";
  /** A document in a string. It is read when all has come: where bytes come in the stack is too short for a second reader on top of the first. */
  #text?: string;

  /** @param known names of an operation's parameters */
  constructor(known: readonly string[]) {
    super(streamBounds);
    this.#known = known;
  }

  /** To be called when it is complete. @throws JSONError */
  message(): JobMessage {
    this.finish();
    const { execution } = this.#message;
    if (execution && this.#text !== undefined) execution.document = readDocument(this.#text, this.#known);
    // It becomes part of a topic.
    if (execution && !/^[a-zA-Z0-9_-]{1,64}$/.test(execution.jobId))
      throw new JSONError("Malformed", "an execution without a job id");
    return this.#message;
  }

  protected override roomFor(name: string, level: number): number {
    if (level === 2 && name === "jobDocument") return this.#part === "execution" ? textLimit : 0;
    const names = level === 1 ? topMembers : level === 3 ? this.#known : undefined;
    const isOurs = names ? names.includes(name) : words.includes(name) || counts.includes(name);
    return isOurs ? valueLimit : 0;
  }

  protected override enters(name: string, level: number): boolean {
    if (level === 1) {
      this.#part = name;
      if (name === "execution") this.#message.execution = undefined;
      return name === "execution" || name === "executionState";
    }
    if (name !== "jobDocument") return false;
    this.#text = undefined;
    this.execution.document = Object.create(null);
    return true;
  }

  protected override member(name: string, value: unknown, level: number): void {
    if (level === 3) this.execution.document![name] = value;
    else if (level === 1) this.topMember(name, value);
    else if (this.#part === "execution") this.executionMember(name, value);
    else if (name === "status") this.#message.status = word(value);
    else if (name === "versionNumber") this.#message.versionNumber = wholeNumber(value);
  }

  private topMember(name: string, value: unknown): void {
    if (name === "clientToken" || name === "code") this.#message[name] = word(value);
    else throw new JSONError("Malformed", "an object was expected");
  }

  private executionMember(name: string, value: unknown): void {
    const { execution } = this;
    if (name === "jobId" || name === "status") execution[name] = word(value);
    else if (name === "versionNumber" || name === "executionNumber") execution[name] = wholeNumber(value);
    else {
      this.#text = typeof value === "string" ? value : undefined;
      execution.document = undefined;
    }
  }

  /** Made when the first member comes: `{}` means the same as no execution. */
  private get execution(): JobExecution {
    this.#message.execution ??= { jobId: "", status: "", executionNumber: 0, versionNumber: 0 };
    return this.#message.execution;
  }
}

const flat: readonly string[] = Object.freeze([]) as readonly string[];

function readDocument(text: string, names: readonly string[]): Record<string, unknown> | undefined {
  try {
    const shape = { bytes: textLimit, depth: 8, values: 64, text: valueLimit, name: 64, names, nested: flat };
    return parseJSON(ArrayBuffer.fromString(text), shape);
  } catch {
    return undefined;
  }
}

const word = (value: unknown): string => (typeof value === "string" ? value : "");
