import Timer from "timer";
import { type OwnedTimer, setTimer, type TimerModule } from "../network/owned-timer";
import { type OutcomeOwner, runStep, tell } from "../network/single-outcome";
import { Attempt, type AttemptLimits, type AttemptOutcome, type AttemptOwner, defaultLimits } from "./attempt";
import { Backoff } from "./backoff";
import type { Connection, ConnectionHandlers } from "./connection";
import { ETagCheck } from "./etag";
import type { HTTPResponse } from "./http-response";
import { PresignedURL } from "./presigned-url";
import { PutRequest } from "./put-request";
import { hasChecksum, isCreateOnly } from "./request-headers";
import { storeCode, storeEndpoint, storeETag, storeMessage, storeRequestId } from "./store-words";
import type { UploadOptions } from "./upload-options";
import type { UploadResult, UploadStatus } from "./upload-result";
import { type Circumstances, isKnownCode, judgeAnswer, judgeFailure, type Verdict } from "./verdict";

export type { FrameSource, UploadOptions } from "./upload-options";
export type { UploadResult, UploadStatus } from "./upload-result";

const BUFFER_LENGTH = 4096;

/**
 * The upload of one frame to one presigned URL, with bounded retries. Whatever happens, and whatever is thrown by whomever, `result` is
 * resolved exactly once and never rejected, and the connection is closed by then.
 */
export class Upload implements AttemptOwner, OutcomeOwner {
  static #open({ owner }: OwnedTimer<Upload>): void {
    owner.#wait = undefined;
    try {
      owner.open();
    } catch (error) {
      owner.broken(error);
    }
  }

  static #begin({ owner }: OwnedTimer<Upload>): void {
    owner.#wait = undefined;
    runStep(owner, owner.begin);
  }

  readonly timers: TimerModule;
  readonly limits: AttemptLimits;
  readonly #options: UploadOptions;
  readonly #buffer: Uint8Array;
  #result: UploadResult | undefined;
  #promise: Promise<UploadResult> | undefined;
  #resolve: ((result: Promise<UploadResult>) => void) | undefined;
  #url: PresignedURL | undefined;
  #request: PutRequest | undefined;
  #etag: ETagCheck | undefined;
  #attempt: Attempt | undefined;
  #attempts = 0;
  #backoff: Backoff | undefined;
  /** By code, which may be the store's own word. */
  #retriesByCode: Map<string, number> | undefined;
  #wait: unknown;
  #expectContinue: boolean;
  #uncertain = false;

  constructor(options: UploadOptions) {
    const { timers = Timer, limits, bufferLength = BUFFER_LENGTH, expectContinue = true } = options;
    this.timers = timers;
    this.limits = limits ? { ...defaultLimits, ...limits } : defaultLimits;
    this.#options = options;
    this.#buffer = new Uint8Array(bufferLength);
    this.#expectContinue = expectContinue;
    // In a turn of its own: the stack is small, and whoever asked may stand deep in it.
    this.#wait = setTimer(this, Upload.#open, 0, timers);
  }

  /** The end; never rejected. */
  get result(): Promise<UploadResult> {
    this.#promise ??= new Promise((resolve) => {
      this.#resolve = resolve;
    });
    return this.#promise;
  }

  /** Ends the upload at any time; the result is `closed`, unless there is one already. */
  close(): void {
    this.finish("closed", { action: "retry", code: "Closed" }, "closed by the caller");
  }

  private open(): void {
    const { url, frame, mayBeThere = false } = this.#options;
    this.#uncertain = mayBeThere;
    try {
      this.#url = PresignedURL.parse(url);
    } catch (error) {
      this.finish("needURL", { action: "newURL", code: codeOf(error) }, messageOf(error));
      return;
    }
    if (!this.#url.secure) {
      this.finish("needURL", { action: "newURL", code: "InsecureURL" }, "not https");
    } else if (!(frame.byteLength > 0)) {
      this.finish("failed", { action: "stop", code: "EmptyFrame" }, "the frame has no bytes");
    } else {
      this.begin();
    }
  }

  /** One attempt, from an untouched frame over a new connection. */
  private begin(): void {
    const { clock } = this.#options;
    const url = this.#url as PresignedURL;
    if (clock?.isSet && url.isExpired(clock.now())) {
      this.finish("needURL", { action: "newURL", code: "URLExpired" }, "the URL has expired");
      return;
    }
    if (!this.restoreFrame()) {
      this.finish("needRetake", { action: "stop", code: "FrameNotRewindable" }, "the frame cannot be read twice");
      return;
    }
    try {
      this.prepare(url);
    } catch (error) {
      this.finish("needURL", { action: "newURL", code: codeOf(error) }, messageOf(error));
      return;
    }
    this.#attempts += 1;
    this.#attempt?.start();
  }

  private prepare(url: PresignedURL): void {
    const { frame, headers, framing, Digest } = this.#options;
    this.#etag = Digest && new ETagCheck(Digest);
    this.#request = new PutRequest({
      url,
      headers,
      source: frame,
      framing,
      expectContinue: this.#expectContinue,
      onBody: this.#etag,
      buffer: this.#buffer,
    });
    this.#attempt = new Attempt(this, this.#request);
  }

  /** For the attempt. */
  connect(handlers: ConnectionHandlers): Connection {
    const { host, port } = this.#url as PresignedURL;
    return this.#options.connect(host, port, handlers);
  }

  /** For the attempt. */
  onProgress(taken: number): void {
    try {
      this.#options.onProgress?.(taken, this.#options.frame.byteLength);
    } catch {
      // Who watches an upload must not be able to stop it.
    }
  }

  /** For the attempt. */
  onDone(outcome: AttemptOutcome): void {
    this.#attempt = undefined;
    // Not by runStep: this is called where the stack is deepest.
    try {
      this.act(outcome, this.judge(outcome));
    } catch (error) {
      this.broken(error);
    }
  }

  private judge({ response, failure }: AttemptOutcome): Verdict {
    return response
      ? judgeAnswer(response.status, response.elements, this.circumstances(response))
      : judgeFailure(failure?.code ?? "", failure?.alert);
  }

  private act(outcome: AttemptOutcome, verdict: Verdict): void {
    const { response, failure, bodySent } = outcome;
    const date = response?.headers["date"];
    if (date !== undefined) tell(this.#options, this.#options.onDate, date);
    const message = (response ? response.elements.Message : failure?.message) ?? "";
    if (bodySent && (!response || response.status < 300)) this.#uncertain = true;

    switch (verdict.action) {
      case "stored":
        this.stored(outcome, verdict);
        break;
      case "retry":
        if (response?.status === 417) this.#expectContinue = false;
        this.retry(verdict, message, outcome);
        break;
      case "newURL":
        this.finish("needURL", verdict, message, outcome);
        break;
      case "retake":
        this.finish("needRetake", verdict, message, outcome);
        break;
      default:
        this.finish("failed", verdict, message, outcome);
    }
  }

  private circumstances({ headers }: HTTPResponse): Circumstances {
    const { clock, headers: granted } = this.#options;
    const url = this.#url as PresignedURL;
    return {
      createOnly: isCreateOnly(granted),
      mayBeThere: this.#uncertain,
      isExpired: url.isExpired(Date.parse(headers["date"])) || (clock?.isSet === true && url.isExpired(clock.now())),
      hasChecksum: hasChecksum(url, granted),
    };
  }

  private stored(outcome: AttemptOutcome, verdict: Verdict): void {
    const { response } = outcome;
    if (response && this.#etag?.compare(response.headers, this.#url?.host ?? "") === "different") {
      const message = "the store has other bytes than were sent";
      this.#uncertain = false;
      // What is there cannot be replaced if the URL only creates.
      if (isCreateOnly(this.#options.headers)) {
        this.finish("failed", { action: "stop", code: "ETagMismatch" }, message, outcome);
      } else this.retry({ action: "retry", code: "ETagMismatch", retries: 1 }, message, outcome);
      return;
    }
    this.finish("stored", verdict, "", outcome);
  }

  private retry(verdict: Verdict, message: string, outcome: AttemptOutcome): void {
    this.#backoff ??= new Backoff(this.#options.random ?? Math.random, this.#options.backoff);
    this.#retriesByCode ??= new Map();
    const { attempts } = this.#backoff;
    const done = this.#retriesByCode.get(verdict.code) ?? 0;
    if (this.#attempts >= attempts || done >= (verdict.retries ?? attempts)) {
      this.finish("failed", verdict, message, outcome);
    } else if (!this.restoreFrame()) {
      this.finish("needRetake", verdict, message, outcome);
    } else {
      this.#retriesByCode.set(verdict.code, done + 1);
      const delay = this.#backoff.delay(this.#attempts, outcome.response?.headers["retry-after"]);
      this.#etag?.close();
      try {
        this.#options.onRetry?.(this.#attempts, knownCode(verdict, outcome.response), delay);
      } catch {
        // As with onProgress.
      }
      // onRetry may have closed the upload.
      if (!this.#result) this.#wait = setTimer(this, Upload.#begin, delay, this.timers);
    }
  }

  /** True if the frame stands at its first byte, now. */
  private restoreFrame(): boolean {
    const { frame } = this.#options;
    try {
      return frame.position === 0 || frame.rewind();
    } catch {
      return false;
    }
  }

  /** Something threw that nobody has foreseen. @internal */
  broken(error: unknown): void {
    this.finish("failed", { action: "retry", code: "InternalError" }, messageOf(error));
  }

  /** The one end. Never throws: there is a result before anybody else's function is called. */
  private finish(status: UploadStatus, verdict: Verdict, message: string, outcome?: AttemptOutcome): void {
    if (this.#result) return;
    const response = outcome?.response;
    const result: UploadResult = {
      status,
      code: knownCode(verdict, response),
      message: "",
      action: status === "closed" ? "none" : verdict.action,
      httpStatus: response?.status ?? 0,
      verified: false,
      bytes: this.#request?.taken ?? 0,
      attempts: this.#attempts,
      frameIntact: false,
      uncertain: status !== "stored" && this.#uncertain,
      url: this.#url?.redacted ?? "",
    };
    this.#result = result;
    this.#attempt?.close();
    this.#attempt = undefined;
    try {
      if (this.#wait !== undefined) this.timers.clear(this.#wait as never);
      if (status === "stored") this.describeStored(result, response);
      else result.frameIntact = this.restoreFrame();
      this.#etag?.close();
    } catch {
      // A detail is missing; how it ended is known.
    }
    // A job of its own, because the end of a connection is told from deep in the stack; it leaves this upload to the collector.
    const ended = Promise.resolve(result).then(() => this.describe(result, verdict.code, message, response));
    if (this.#resolve) this.#resolve(ended);
    else this.#promise = ended;
    const options = this.#options;
    if (options.onResult) ended.then((result) => tell(options, options.onResult, result));
  }

  /** Adds what the store said, as far as it may be repeated. Never throws. */
  private describe(result: UploadResult, code: string, message: string, response?: HTTPResponse): UploadResult {
    const { headers: granted } = this.#options;
    const url = this.#url;
    try {
      result.message = storeMessage(message, url, granted);
      if (!response || !url) return result;
      const { headers, elements, requestId } = response;
      result.code = storeCode(code, url, granted) ?? result.code;
      if (response.status < 300) result.etag = storeETag(headers["etag"], url, granted);
      result.requestId = storeRequestId(requestId, url, granted);
      result.endpoint = storeEndpoint(elements.Endpoint, url, granted);
    } catch {
      // As above.
    }
    return result;
  }

  private describeStored(result: UploadResult, response: HTTPResponse | undefined): void {
    // Also where the attempt before has brought it there, and this one was told before its body.
    result.bytes = this.#options.frame.byteLength;
    result.verified = response !== undefined && this.#etag?.compare(response.headers, this.#url?.host ?? "") === "same";
  }
}

/**
 * Uploads one frame and tells how it ended. Never rejects. Use `Upload` to be able to close it.
 */
export function uploadFrame(options: UploadOptions): Promise<UploadResult> {
  return new Upload(options).result;
}

/** A code that may be told as it is: the store's own word only if everybody knows it. */
function knownCode({ code }: Verdict, response?: HTTPResponse): string {
  if (!response || code === "" || isKnownCode(code)) return code;
  return `HTTP ${response.status}`;
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : "UnexpectedError";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "";
}
