import type { Connect, Connection } from "./connection";
import { HTTPResponse } from "./http-response";
import { FrameEndedEarlyError, type PutRequest } from "./put-request";
import { type TimerModule, Watchdog } from "./watchdog";

/** Bounds of every wait of one attempt, in ms. */
export interface AttemptLimits {
  /** Look-up, TCP and TLS together. */
  connect: number;
  /** Wait for 100 Continue; afterwards the body goes out unasked (RFC 9110 section 10.1.1). */
  continue: number;
  /** The socket takes no byte. */
  stall: number;
  /** From the last body byte to the end of the answer. */
  answer: number;
  /** For the rest of an answer that came while the body was going out, or after a failed write. */
  drain: number;
  /** The whole attempt. */
  attempt: number;
}

export const defaultLimits: Readonly<AttemptLimits> = {
  connect: 20_000,
  continue: 1_000,
  stall: 15_000,
  answer: 30_000,
  drain: 3_000,
  attempt: 900_000,
};

/** How an attempt ended: with an answer, or with the name of a failure. */
export interface AttemptOutcome {
  /** Its head is complete. */
  response?: HTTPResponse;
  /** Set if there is no usable answer. */
  failure?: { code: string; message: string };
  /** Every byte of the request was handed to the socket. */
  bodySent: boolean;
}

interface AttemptOptions {
  connect: Connect;
  host: string;
  port: number;
  request: PutRequest;
  limits: AttemptLimits;
  timers: TimerModule;
  /** Called after body bytes were handed to the socket. */
  onProgress(taken: number): void;
  /** Called exactly once, unless `close` comes first. */
  onDone(outcome: AttemptOutcome): void;
}

/** Received bytes are read in pieces of this size. */
const READ_LENGTH = 512;
/** A rest of the socket's room smaller than this waits for the next onWritable, so that small pieces do not become small TLS records. */
const SMALL_ROOM = 256;

type Phase = "connecting" | "sending" | "answering" | "done";

/**
 * One connection, one PUT, one outcome. Reads the answer whenever it comes: S3 refuses an expired URL while the body is still on
 * its way. No callback of it throws.
 */
export class Attempt {
  readonly #options: AttemptOptions;
  readonly #response = new HTTPResponse();
  readonly #watchdog: Watchdog;
  #deadline: unknown;
  #connection: Connection | undefined;
  #phase: Phase = "connecting";
  #room = 0;
  #pumping = false;

  constructor(options: AttemptOptions) {
    this.#options = options;
    this.#watchdog = new Watchdog(options.timers);
  }

  /** Apart from the constructor because the outcome may come before it returns. */
  start(): void {
    const { connect, host, port, limits, timers } = this.#options;
    this.#watchdog.start(limits.connect, () => this.fail("ConnectTimeout", "no connection"));
    this.#deadline = timers.set(() => this.fail("AttemptTimeout", "the attempt took too long"), limits.attempt);
    try {
      const connection = connect(host, port, {
        onReadable: (count) => this.onReadable(count),
        onWritable: (count) => this.onWritable(count),
        onError: (error) => this.onError(error),
      });
      if (this.#phase === "done") closeQuietly(connection);
      else this.#connection = connection;
    } catch (error) {
      this.fail(codeOf(error, "ConnectFailed"), messageOf(error));
    }
    // A connection that was writable before `connect` returned.
    if (this.#room > 0) this.pump();
  }

  /** Ends the attempt without an outcome. */
  close(): void {
    this.release();
  }

  private onWritable(count: number): void {
    if (this.#phase === "done" || !(count > 0)) return;
    this.#room = count;
    if (this.#phase === "connecting") {
      this.#phase = "sending";
      this.#watchdog.start(this.#options.limits.stall, () => this.fail("SendTimeout", "the connection takes no bytes"));
    }
    if (this.#connection) this.pump();
  }

  private pump(): void {
    if (this.#pumping || this.#phase !== "sending") return;
    this.#pumping = true;
    try {
      this.send();
    } finally {
      this.#pumping = false;
    }
  }

  /** Hands bytes to the socket until it is full, the request is out, or there is a reason to wait. */
  private send(): void {
    const { request, onProgress } = this.#options;
    const before = request.taken;
    let wrote = false;
    while (this.sending && this.#room > 0 && !(wrote && this.#room < SMALL_ROOM)) {
      const bytes = this.next();
      if (!bytes || !this.write(bytes)) break;
      wrote = true;
    }
    if (!this.sending) return;
    if (wrote) this.#watchdog.feed();
    if (request.taken > before) onProgress(request.taken);
    // onProgress may have closed the upload.
    if (!this.sending) return;
    if (request.sent) this.awaitAnswer(this.#options.limits.answer);
    else if (wrote && request.waiting) this.awaitContinue();
  }

  private get sending(): boolean {
    return this.#phase === "sending";
  }

  private next(): Uint8Array | undefined {
    try {
      return this.#options.request.next(this.#room);
    } catch (error) {
      // The length is promised already: closing is the only honest end. The store keeps nothing of an incomplete body.
      const code = error instanceof FrameEndedEarlyError ? error.code : "FrameError";
      this.fail(code, messageOf(error));
      return undefined;
    }
  }

  private write(bytes: Uint8Array): boolean {
    try {
      const room = (this.#connection as Connection).write(bytes);
      this.#room = typeof room === "number" ? room : this.#room - bytes.byteLength;
      return true;
    } catch (error) {
      // An answer may have arrived before the connection broke: it says more than the broken connection does.
      this.await(this.#options.limits.drain, codeOf(error, "ConnectionLost"), messageOf(error));
      return false;
    }
  }

  private awaitContinue(): void {
    this.#watchdog.start(this.#options.limits.continue, () => this.continue());
  }

  private continue(): void {
    if (this.#phase !== "sending" || !this.#options.request.waiting) return;
    this.#watchdog.start(this.#options.limits.stall, () => this.fail("SendTimeout", "the connection takes no bytes"));
    this.#options.request.continue();
    this.pump();
  }

  private awaitAnswer(limit: number): void {
    this.await(limit, "AnswerTimeout", "no answer");
  }

  private await(limit: number, code: string, message: string): void {
    if (this.#phase === "done") return;
    this.#phase = "answering";
    this.#watchdog.start(limit, () => this.end(code, message));
  }

  private onReadable(count: number): void {
    try {
      let left = count;
      while (left > 0 && this.#phase !== "done") {
        const bytes = this.#connection?.read(Math.min(left, READ_LENGTH));
        if (!bytes || bytes.byteLength === 0) break;
        left -= bytes.byteLength;
        this.#response.write(new Uint8Array(bytes));
        this.answer();
      }
    } catch (error) {
      this.end(codeOf(error, "ConnectionLost"), messageOf(error));
    }
  }

  /** Looks at what has arrived so far. */
  private answer(): void {
    const response = this.#response;
    if (response.done) {
      this.end(response.error ?? "", "unusable answer");
    } else if (response.headComplete) {
      if (this.#phase === "sending") this.awaitAnswer(this.#options.limits.drain);
    } else if (response.continued) {
      this.continue();
    }
  }

  private onError(error: unknown): void {
    const before = this.#phase === "connecting" ? "ConnectFailed" : "ConnectionLost";
    this.end(codeOf(error, before), messageOf(error));
  }

  /** Nothing more will come: with the answer if its head is there, otherwise with the failure. */
  private end(code: string, message: string): void {
    this.#response.end();
    if (!this.#response.headComplete) this.fail(code, message);
    else if (this.#response.status < 300 && !this.#options.request.sent) {
      this.fail("EarlySuccess", "success was reported before the body was sent");
    } else this.done({ response: this.#response, bodySent: this.#options.request.sent });
  }

  private fail(code: string, message: string): void {
    this.done({ failure: { code, message }, bodySent: this.#options.request.sent });
  }

  private done(outcome: AttemptOutcome): void {
    if (this.#phase === "done") return;
    this.release();
    this.#options.onDone(outcome);
  }

  private release(): void {
    if (this.#phase === "done") return;
    this.#phase = "done";
    this.#watchdog.stop();
    this.#options.timers.clear(this.#deadline as never);
    closeQuietly(this.#connection);
    this.#connection = undefined;
  }
}

function closeQuietly(connection: Connection | undefined): void {
  try {
    connection?.close();
  } catch {
    // It was closed already.
  }
}

/** The name that an error carries (TLSError, CameraError), or `otherwise`. */
function codeOf(error: unknown, otherwise: string): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" && code !== "" ? code : otherwise;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "";
}
