import Timer from "timer";
import { type JSONShape, parseJSON } from "../json/parse-json";
import { textPairs } from "../json/text-pairs";
import { type OwnedTimer, setTimer, type TimerModule } from "../network/owned-timer";
import { type OutcomeOwner, runStep } from "../network/single-outcome";
import { type HeaderList, headerBounds } from "../upload/header-list";
import { Backoff } from "./backoff";
import { asCloudError, CloudError } from "./cloud-error";

/** What the cloud hands out for one picture: a presigned URL, and what has to be sent with it. */
export interface UploadGrant {
  url: string;
  headers?: HeaderList;
  framing?: "length" | "chunked";
}

/** The picture that a URL is asked for. */
export interface GrantSubject {
  readonly imageId: string;
  /** Bytes of the picture. */
  readonly byteLength: number;
  /** Never used before, not even before the last power-on: it tells this request's answers from those of all others. */
  readonly requestId: string;
}

export interface GrantOwner {
  /** Milliseconds since 1970, or 0 while the clock is not set. */
  now(): number;
  /** Sends a request on `device/<thing>/uploads/request`; resolves when the broker has it. */
  publishGrantRequest(payload: string): Promise<void>;
  /** An answer to this request has expired by this device's clock, although it cannot be older than the request. */
  onExpiredGrant(): void;
  /** The end, one way. */
  onGranted(grant: UploadGrant): void;
  /** The end, the other way: NoGrant or GrantRefused. */
  onNotGranted(error: CloudError): void;
}

export interface GrantRequestOptions {
  /** Requests that are sent for one picture. Default 5. */
  requests?: number;
  /** Uniform in [0, 1), for the jitter. */
  random?: () => number;
  timers?: TimerModule;
}

/** S3 presigned URLs with the token of a role are 1 to 2 KB long; the session takes messages of 4 KB. */
const urlLimit = 4096;
const grantShape: JSONShape = Object.freeze({
  bytes: 4096,
  depth: 3,
  values: 32,
  text: urlLimit,
  name: 64,
  names: Object.freeze([
    "imageId",
    "requestId",
    "url",
    "headers",
    "framing",
    "expires",
    "error",
    "code",
    "message",
  ]) as string[],
  maps: Object.freeze(["headers"]) as string[],
  nested: Object.freeze(["error"]) as string[],
});
const contentType = "image/jpeg";

/**
 * The first answer is waited for 4 to 8 s (a function that starts cold takes a second or two), the last one 32 to 64 s: five
 * requests take three minutes at most.
 */
const patience = { minimum: 8000, maximum: 64_000 };
const defaultRequests = 5;

/** What a message on `device/<thing>/uploads/grant` means for a request: `ignored` names why it is not an answer to it. */
export type GrantVerdict = { grant: UploadGrant } | { refusal: CloudError } | { ignored: string };

/**
 * Judges a message. Never throws.
 *
 * - ForeignGrant: for another picture or another request, such as one of before a restart, or given up long ago
 * - MalformedGrant: not JSON, or not the fields that it should have
 * - ExpiredGrant: its URL is dead by now, since the message lay at the broker
 */
export function judgeGrant(payload: ArrayBuffer, subject: GrantSubject, now: number): GrantVerdict {
  let message: Record<string, unknown>;
  try {
    message = parseJSON(payload, grantShape);
  } catch (error) {
    return { ignored: `MalformedGrant: ${(error as Error).message}` };
  }
  const { imageId, requestId, url, headers, framing, expires, error } = message;
  if (imageId !== subject.imageId || requestId !== subject.requestId) return { ignored: "ForeignGrant" };
  if (error !== undefined) return { refusal: new CloudError("GrantRefused", describeRefusal(error)) };
  if (typeof url !== "string" || !url || url.length > urlLimit || !isFraming(framing))
    return { ignored: "MalformedGrant" };
  if (typeof expires === "number" && now && expires <= now) return { ignored: "ExpiredGrant" };
  try {
    return {
      grant: { url, headers: headers === undefined ? undefined : textPairs(headers, "headers", headerBounds), framing },
    };
  } catch (error) {
    return { ignored: `MalformedGrant: ${(error as Error).message}` };
  }
}

/** "code: message" of the cloud's error, whatever was sent as one. */
function describeRefusal(error: unknown): string {
  const { code, message } = (typeof error === "object" && error ? error : {}) as Record<string, unknown>;
  const name = typeof code === "string" && code ? code : "Unnamed";
  return (typeof message === "string" ? `${name}: ${message}` : name).slice(0, 200);
}

const isFraming = (framing: unknown): framing is UploadGrant["framing"] =>
  framing === undefined || framing === "length" || framing === "chunked";

/**
 * Asks the cloud for a URL to upload one picture to, until there is one, the cloud refuses, or patience is at its end. Used once.
 *
 * A request is repeated with the same identifier after a pause that grows, so whichever answer comes first will do, however late. As long as
 * the session still has the last request, it is the session that repeats it, and nothing piles up in its queue.
 */
export class GrantRequest implements OutcomeOwner {
  static #again({ owner }: OwnedTimer<GrantRequest>): void {
    owner.#timer = undefined;
    runStep(owner, owner.again);
  }

  #owner: GrantOwner;
  #subject: GrantSubject;
  #backoff: Backoff;
  #requests: number;
  #timers: TimerModule;
  #timer?: unknown;
  #isSending = false;
  /** Why there is no grant yet. */
  #problem = "";

  constructor(owner: GrantOwner, subject: GrantSubject, options: GrantRequestOptions = {}) {
    this.#owner = owner;
    this.#subject = subject;
    this.#requests = options.requests ?? defaultRequests;
    this.#timers = options.timers ?? Timer;
    this.#backoff = new Backoff({ ...patience, random: options.random });
  }

  /** Sends the first request. To be called once. */
  start(): void {
    this.again();
  }

  /** A message on the grant topic. @returns false when it is no answer to this request, or not one that can be used */
  receive(payload: ArrayBuffer): boolean {
    if (this.isOver) return false;
    const verdict = judgeGrant(payload, this.#subject, this.#owner.now());
    if ("ignored" in verdict) {
      if (verdict.ignored !== "ForeignGrant") this.#problem = verdict.ignored;
      if (verdict.ignored === "ExpiredGrant") this.#owner.onExpiredGrant();
      return false;
    }
    this.close();
    if ("grant" in verdict) this.#owner.onGranted(verdict.grant);
    else this.#owner.onNotGranted(verdict.refusal);
    return true;
  }

  /** Ends it without a word to the owner. */
  close(): void {
    this.#timers.clear(this.#timer as never);
    this.#timer = undefined;
  }

  /** Without a timer nothing would end it. @internal */
  broken(error: unknown): void {
    this.#owner.onNotGranted(asCloudError(error, "NoGrant", "the request could not be repeated"));
  }

  /** A timer runs for as long as something is waited for. */
  private get isOver(): boolean {
    return this.#timer === undefined;
  }

  private again(): void {
    const { attempts } = this.#backoff;
    if (attempts < this.#requests) {
      this.#timer = setTimer(this, GrantRequest.#again, this.#backoff.next(), this.#timers);
      if (!this.#isSending) this.send();
    } else {
      const text = `no URL after ${attempts} requests: ${this.#problem}`;
      this.#owner.onNotGranted(new CloudError("NoGrant", text));
    }
  }

  private async send(): Promise<void> {
    const { imageId, byteLength, requestId } = this.#subject;
    this.#isSending = true;
    this.#problem = "the broker does not have the request";
    try {
      await this.#owner.publishGrantRequest(JSON.stringify({ imageId, byteLength, contentType, requestId }));
      this.#problem = "no answer";
    } catch (error) {
      const { code, message } = asCloudError(error, "PublishFailed", "the request could not be sent");
      this.#problem = `${code}: ${message}`;
    }
    this.#isSending = false;
  }
}
