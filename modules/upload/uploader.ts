import Timer from "timer";
import { type OwnedTimer, setTimer, type TimerModule } from "../network/owned-timer";
import { Attempt, type AttemptLimits, type AttemptOutcome, type AttemptOwner, defaultLimits } from "./attempt";
import { Backoff, type BackoffOptions } from "./backoff";
import type { Connect, Connection, ConnectionHandlers } from "./connection";
import { type DigestConstructor, ETagCheck } from "./etag";
import { PresignedURL } from "./presigned-url";
import { type BodySource, PutRequest } from "./put-request";
import type { Framing } from "./request-headers";
import type { UploadResult, UploadStatus } from "./upload-result";
import { judgeAnswer, judgeFailure, type Verdict } from "./verdict";

export type { UploadResult, UploadStatus } from "./upload-result";

/** A picture in the camera's memory, see modules/camera/frame. */
export interface FrameSource extends BodySource {
  /** Bytes read so far. */
  readonly position: number;
  /** Goes back to the first byte; false if this camera cannot. */
  rewind(): boolean;
}

/** The functions are called as its methods. */
export interface UploadOptions {
  /** Presigned PUT URL, https. */
  url: string;
  /** Headers that the URL was signed with, exactly. */
  headers?: Readonly<Record<string, string>>;
  framing?: Framing;
  frame: FrameSource;
  connect: Connect;
  /** Tells a dead URL before a connection is wasted on it; without a set clock the store tells. */
  clock?: { readonly isSet: boolean; now(): number };
  /** Uniform in [0, 1), for the jitter. */
  random?: () => number;
  /** MD5 of what is sent, to be compared with the ETag. Without it a stored object counts as unverified. */
  Digest?: DigestConstructor;
  /**
   * Ask before sending the body (one round trip). Default: yes, since a refused request then leaves the frame untouched, which matters
   * where the camera cannot read it twice.
   */
  expectContinue?: boolean;
  /** Body bytes handed to the socket, of how many. Starts again from the beginning with a retry. */
  onProgress?: (sent: number, total: number) => void;
  /** The end. The same as `Upload.result`, for those who want no promise. */
  onResult?: (result: UploadResult) => void;
  /** For logs and telemetry: an attempt has failed and the next one follows after `delay` ms. */
  onRetry?: (attempt: number, code: string, delay: number) => void;
  limits?: Partial<AttemptLimits>;
  backoff?: BackoffOptions;
  /** Size of the one buffer through which the picture goes, in bytes. */
  bufferLength?: number;
  timers?: TimerModule;
}

const BUFFER_LENGTH = 4096;

/**
 * The upload of one frame to one presigned URL, with bounded retries. Whatever happens, `result` is resolved exactly once and never
 * rejected, and the connection is closed by then.
 */
export class Upload implements AttemptOwner {
  static #open({ owner }: OwnedTimer<Upload>): void {
    owner.#wait = undefined;
    owner.open();
  }

  static #begin({ owner }: OwnedTimer<Upload>): void {
    owner.#wait = undefined;
    owner.begin();
  }

  readonly timers: TimerModule;
  readonly limits: AttemptLimits;
  readonly #options: UploadOptions;
  readonly #buffer: Uint8Array;
  #result: UploadResult | undefined;
  #promise: Promise<UploadResult> | undefined;
  #resolve: ((result: UploadResult) => void) | undefined;
  #url: PresignedURL | undefined;
  #request: PutRequest | undefined;
  #etag: ETagCheck | undefined;
  #attempt: Attempt | undefined;
  #attempts = 0;
  #backoff: Backoff | undefined;
  #retriesByCode: Record<string, number> | undefined;
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
    if (this.#result) return Promise.resolve(this.#result);
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
    const { url, frame } = this.#options;
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
    const { response, failure, bodySent } = outcome;
    if (bodySent && !response) this.#uncertain = true;
    const verdict = response
      ? judgeAnswer(response.status, response.elements, this.createOnly)
      : judgeFailure(failure?.code ?? "");
    const message = (response ? response.elements.Message : failure?.message) ?? "";

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

  private stored(outcome: AttemptOutcome, verdict: Verdict): void {
    const { response } = outcome;
    if (this.#etag && response && this.#etag.compare(response.headers, this.#url?.host ?? "") === "different") {
      const damaged: Verdict = { action: "retry", code: "ETagMismatch", retries: 1 };
      this.retry(damaged, "the store has other bytes than were sent", outcome);
      return;
    }
    this.finish("stored", verdict, "", outcome);
  }

  private retry(verdict: Verdict, message: string, outcome: AttemptOutcome): void {
    this.#backoff ??= new Backoff(this.#options.random ?? Math.random, this.#options.backoff);
    this.#retriesByCode ??= {};
    const { attempts } = this.#backoff;
    const done = this.#retriesByCode[verdict.code] ?? 0;
    if (this.#attempts >= attempts || done >= (verdict.retries ?? attempts)) {
      this.finish("failed", verdict, message, outcome);
    } else if (!this.restoreFrame()) {
      this.finish("needRetake", verdict, message, outcome);
    } else {
      this.#retriesByCode[verdict.code] = done + 1;
      const delay = this.#backoff.delay(this.#attempts, outcome.response?.headers["retry-after"]);
      this.#etag?.close();
      try {
        this.#options.onRetry?.(this.#attempts, verdict.code, delay);
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

  private get createOnly(): boolean {
    const { headers } = this.#options;
    return Object.keys(headers ?? {}).some((name) => name.toLowerCase() === "if-none-match" && headers?.[name] === "*");
  }

  private finish(status: UploadStatus, verdict: Verdict, message: string, outcome?: AttemptOutcome): void {
    if (this.#result) return;
    this.#attempt?.close();
    this.#attempt = undefined;
    if (this.#wait !== undefined) this.timers.clear(this.#wait as never);
    const response = outcome?.response;
    const stored = status === "stored";
    const verified =
      stored && response !== undefined && this.#etag?.compare(response.headers, this.#url?.host ?? "") === "same";
    this.#etag?.close();
    this.#result = {
      status,
      code: verdict.code,
      message: (this.#url?.redact(message) ?? message).slice(0, 200),
      action: status === "closed" ? "none" : verdict.action,
      httpStatus: response?.status ?? 0,
      etag: response && response.status < 300 ? unquote(response.headers["etag"]) : undefined,
      verified,
      bytes: this.#request?.taken ?? 0,
      attempts: this.#attempts,
      requestId: response?.requestId,
      frameIntact: !stored && this.restoreFrame(),
      uncertain: !stored && this.#uncertain,
      url: this.#url?.redacted ?? "",
    };
    this.#resolve?.(this.#result);
    // A job of its own, because the end of a connection is told from deep in the stack; it leaves this upload to the collector.
    const options = this.#options;
    if (options.onResult) Promise.resolve(this.#result).then((result) => options.onResult?.(result));
  }
}

/**
 * Uploads one frame and tells how it ended. Never rejects. Use `Upload` to be able to close it.
 */
export function uploadFrame(options: UploadOptions): Promise<UploadResult> {
  return new Upload(options).result;
}

function unquote(etag: string | undefined): string | undefined {
  return etag?.replace(/^(W\/)?"/, "").replace(/"$/, "");
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : "UnexpectedError";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "";
}
