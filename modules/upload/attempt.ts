import { type OwnedTimer, setTimer, type TimerModule } from "../network/owned-timer";
import { type OutcomeOwner, runStep } from "../network/single-outcome";
import type { Connection, ConnectionHandlers } from "./connection";
import { HTTPResponse } from "./http-response";
import type { PutRequest } from "./put-request";
import { Watchdog } from "./watchdog";

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

export interface Failure {
  code: string;
  message: string;
  /** With PeerAlert. */
  alert?: number;
}

/** How an attempt ended: with an answer, or with the name of a failure. */
export interface AttemptOutcome {
  /** Its head is complete. */
  response?: HTTPResponse;
  /** Set if there is no usable answer. */
  failure?: Failure;
  /** Every byte of the request was handed to the socket. */
  bodySent: boolean;
}

/** Whose attempt it is. */
export interface AttemptOwner {
  readonly limits: AttemptLimits;
  readonly timers: TimerModule;
  /** Opens the connection, see Connect. */
  connect(handlers: ConnectionHandlers): Connection;
  /** Body bytes were handed to the socket. */
  onProgress(taken: number): void;
  /** Called exactly once, unless `close` comes first. Must not throw. */
  onDone(outcome: AttemptOutcome): void;
}

/** Received bytes are read in pieces of this size. */
const READ_LENGTH = 512;
/** A rest of the socket's room smaller than this waits for the next onWritable, so that small pieces do not become small TLS records. */
const SMALL_ROOM = 256;

const noAnswer = Object.freeze({ code: "AnswerTimeout", message: "no answer" });

/** What is wrong with the picture; anything else is wrong with reading it. */
const frameFailures: readonly string[] = ["FrameEndedEarly", "IncompleteFrame"];

type Phase = "connecting" | "sending" | "answering" | "done";

/**
 * One connection, one PUT, one outcome. Reads the answer whenever it comes: S3 refuses an expired URL while the body is still on
 * its way. No callback of it throws: what is thrown within becomes the outcome.
 *
 * It is itself what its connection, its watchdog and its timer call, and its owner is what it calls: objects with methods, because
 * a dozen closures would take more of the machine than all of the rest.
 */
export class Attempt implements ConnectionHandlers, OutcomeOwner {
  static #tooLong({ owner }: OwnedTimer<Attempt>): void {
    owner.fail("AttemptTimeout", "the attempt took too long");
  }

  readonly #owner: AttemptOwner;
  readonly #request: PutRequest;
  readonly #watchdog: Watchdog;
  #response: HTTPResponse | undefined;
  #deadline: unknown;
  #connection: Connection | undefined;
  #phase: Phase = "connecting";
  /** Why an answer is awaited that may not come any more. */
  #trouble: Failure = noAnswer;
  #room = 0;
  #pumping = false;

  constructor(owner: AttemptOwner, request: PutRequest) {
    this.#owner = owner;
    this.#request = request;
    this.#watchdog = new Watchdog(this, owner.timers);
  }

  /** Apart from the constructor because the outcome may come before it returns. */
  start(): void {
    const { limits, timers } = this.#owner;
    let otherwise = "InternalError";
    try {
      this.#watchdog.start(limits.connect);
      this.#deadline = setTimer(this, Attempt.#tooLong, limits.attempt, timers);
      otherwise = "ConnectFailed";
      const connection = this.#owner.connect(this);
      otherwise = "InternalError";
      if (this.#phase === "done") closeQuietly(connection);
      else this.#connection = connection;
      // A connection that was writable before `connect` returned.
      if (this.#room > 0) this.pump();
    } catch (error) {
      this.done({ failure: failureOf(error, otherwise), bodySent: this.#request.sent });
    }
  }

  /** Ends the attempt without an outcome. Never throws. */
  close(): void {
    this.release();
  }

  /** @internal */
  broken(error: unknown): void {
    this.done({ failure: failureOf(error, "InternalError"), bodySent: this.#request.sent });
  }

  /** For the watchdog. */
  onTimeout(): void {
    runStep(this, this.timeout);
  }

  private timeout(): void {
    if (this.#phase === "connecting") this.fail("ConnectTimeout", "no connection");
    else if (this.#phase === "answering") this.end(this.#trouble);
    else if (this.#request.waiting) this.continue();
    else this.fail("SendTimeout", "the connection takes no bytes");
  }

  /** For the connection. */
  onWritable(count: number): void {
    if (this.#phase === "done" || !(count > 0)) return;
    this.#room = count;
    try {
      if (this.#phase === "connecting") {
        this.#phase = "sending";
        this.#watchdog.start(this.#owner.limits.stall);
      }
      if (this.#connection) this.pump();
    } catch (error) {
      this.broken(error);
    }
  }

  private pump(): void {
    if (this.#pumping || !this.sending) return;
    this.#pumping = true;
    try {
      this.send();
    } finally {
      this.#pumping = false;
    }
  }

  /** Hands bytes to the socket until it is full, the request is out, or there is a reason to wait. */
  private send(): void {
    const request = this.#request;
    const before = request.taken;
    let wrote = false;
    while (this.sending && this.#room > 0 && !(wrote && this.#room < SMALL_ROOM)) {
      const bytes = this.next();
      if (!bytes || !this.write(bytes)) break;
      wrote = true;
    }
    if (!this.sending) return;
    if (wrote) this.#watchdog.feed();
    if (request.taken > before) this.#owner.onProgress(request.taken);
    // onProgress may have closed the upload.
    if (!this.sending) return;
    if (request.sent) this.awaitAnswer(this.#owner.limits.answer);
    else if (wrote && request.waiting) this.#watchdog.start(this.#owner.limits.continue);
  }

  private get sending(): boolean {
    return this.#phase === "sending";
  }

  private next(): Uint8Array | undefined {
    try {
      return this.#request.next(this.#room);
    } catch (error) {
      // The length is promised already: closing is the only honest end. The store keeps nothing of an incomplete body.
      const { code, message } = failureOf(error, "FrameError");
      this.fail(frameFailures.includes(code) ? code : "FrameError", message);
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
      this.#trouble = failureOf(error, "ConnectionLost");
      this.awaitAnswer(this.#owner.limits.drain);
      return false;
    }
  }

  private continue(): void {
    if (!this.sending || !this.#request.waiting) return;
    this.#watchdog.start(this.#owner.limits.stall);
    this.#request.continue();
    this.pump();
  }

  /** Nothing more is sent: the answer has this long to come. */
  private awaitAnswer(limit: number): void {
    if (this.#phase === "done") return;
    this.#phase = "answering";
    this.#watchdog.start(limit);
  }

  /** For the connection. */
  onReadable(count: number): void {
    try {
      let left = count;
      while (left > 0 && this.#phase !== "done") {
        const bytes = this.#connection?.read(Math.min(left, READ_LENGTH));
        if (!bytes || bytes.byteLength === 0) break;
        left -= bytes.byteLength;
        this.#response ??= new HTTPResponse();
        this.#response.write(new Uint8Array(bytes));
        this.answer(this.#response);
      }
    } catch (error) {
      this.end(failureOf(error, "ConnectionLost"));
    }
  }

  /** Looks at what has arrived so far. */
  private answer(response: HTTPResponse): void {
    if (response.done) {
      this.end({ code: response.error ?? "", message: "unusable answer" });
    } else if (response.headComplete) {
      if (this.sending) this.awaitAnswer(this.#owner.limits.drain);
    } else if (response.continued) {
      this.continue();
    }
  }

  /** For the connection. */
  onError(error?: unknown): void {
    const before = this.#phase === "connecting" ? "ConnectFailed" : "ConnectionLost";
    this.end(failureOf(error, before));
  }

  /** Nothing more will come: with the answer if its head is there, otherwise with the failure. */
  private end(failure: Failure): void {
    const response = this.#response;
    response?.end();
    if (!response?.headComplete) this.done({ failure, bodySent: this.#request.sent });
    else if (response.status < 300 && !this.#request.sent) {
      this.fail("EarlySuccess", "success was reported before the body was sent");
    } else this.done({ response, bodySent: this.#request.sent });
  }

  private fail(code: string, message: string): void {
    this.done({ failure: { code, message }, bodySent: this.#request.sent });
  }

  private done(outcome: AttemptOutcome): void {
    if (this.#phase === "done") return;
    this.release();
    this.#owner.onDone(outcome);
  }

  private release(): void {
    if (this.#phase === "done") return;
    this.#phase = "done";
    closeQuietly(this.#connection);
    this.#connection = undefined;
    try {
      this.#watchdog.stop();
      this.#owner.timers.clear(this.#deadline as never);
    } catch {
      // A timer that runs on finds an attempt that is over.
    }
  }
}

function closeQuietly(connection: Connection | undefined): void {
  try {
    connection?.close();
  } catch {
    // It was closed already.
  }
}

/** An error by the name that it carries (TLSError, CameraError), or `otherwise`. */
function failureOf(error: unknown, otherwise: string): Failure {
  const { code, alert } = (error ?? {}) as { code?: unknown; alert?: number };
  const name = typeof code === "string" && code !== "" ? code : otherwise;
  return { code: name, message: messageOf(error), alert };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "";
}
