import { JSONError } from "../json/json-error";
import { parseJSON } from "../json/parse-json";
import { errorHeader, FragmentReader, FragmentWriter } from "./fragments";
import type { MessageSecurity } from "./message-security";
import { MalformedMessage } from "./protobuf";
import type { Protocomm } from "./protocomm";
import { Security1 } from "./security1";
import { Security2 } from "./security2";
import {
  isScheme,
  readSessionRequest,
  SecurityScheme,
  SessionMessage,
  type SessionRequest,
  Status,
  sessionResponse0,
  sessionResponse1,
} from "./session-messages";
import { srpUsername } from "./srp-account";
import { encodeText } from "./text";

export const versionEndpoint = "proto-ver";
export const sessionEndpoint = "prov-session";

const empty = new ArrayBuffer(0);
/** Largest attribute value (Bluetooth Core Vol 3 Part F section 3.2.9). */
const longestValue = 512;

/** Why a message was refused and the session, if there was one, ended. */
export type Refusal =
  | "Busy"
  | "NoSession"
  | "RequestPending"
  | "OutOfOrder"
  | "MessageTooLong"
  | "NotAuthentic"
  | "InvalidMessage"
  | "InternalError"
  | "UnknownEndpoint";

/** What exists while the session is open. */
interface Session {
  security: MessageSecurity;
  reader: FragmentReader;
  /** Endpoint whose fragments are coming in. */
  receiving: string | undefined;
  /** The message, between its last fragment and its parsing. */
  message: Uint8Array | undefined;
  /** Endpoint that owes an answer. */
  answering: string | undefined;
  answer: FragmentWriter | undefined;
  askedAt: number;
  /** Counts the requests: a handler that comes too late must not answer the next one. */
  request: number;
}

/**
 * The conversation with one phone. Requests are strictly one at a time, because both directions share one cipher stream, or one count of
 * messages. Whatever is not a message of this protocol ends the session: after it the two ends are no longer in step. The
 * refusal is read in the clear; nothing has been changed on the device.
 */
export class Link {
  #protocomm: Protocomm;
  /** From the first message of a handshake on. */
  #security: Security1 | Security2 | undefined;
  #session: Session | undefined;
  #value: ArrayBuffer = empty;
  #valueEndpoint = "";
  lastActive: number;
  /** When it connected, or its session ended. */
  #waitingSince: number;

  constructor(protocomm: Protocomm) {
    this.#protocomm = protocomm;
    this.lastActive = this.#waitingSince = protocomm.options.now();
  }

  get hasSession(): boolean {
    return this.#session !== undefined;
  }

  /** Milliseconds; 0 while there is a session. */
  get timeWithoutSession(): number {
    return this.#session ? 0 : (this.#protocomm.options.now() - this.#waitingSince) | 0;
  }

  /** The phone wrote to an endpoint. Never throws. @param bytes may be overwritten */
  write(endpoint: string, bytes: Uint8Array): void {
    // Espressif ignores empty writes, too.
    if (!bytes.length) return;
    this.lastActive = this.#protocomm.options.now();
    const { binary, json } = this.#protocomm.options;
    if (endpoint === versionEndpoint) this.setValue(endpoint, ArrayBuffer.fromString(this.#protocomm.version()));
    else if (endpoint === sessionEndpoint) this.setValue(endpoint, this.sessionAnswer(bytes));
    else if (!this.#session) this.refuse(endpoint, this.#protocomm.busy ? "Busy" : "NoSession");
    else if (this.isPending()) this.refuse(endpoint, "RequestPending");
    else if (binary.has(endpoint)) this.binary(endpoint, bytes);
    else if (json.has(endpoint)) this.fragment(endpoint, bytes);
    else this.refuse(endpoint, "UnknownEndpoint");
  }

  /**
   * The phone reads an endpoint. Never throws.
   * @param limit bytes that one read takes without a second request; longer values are read in parts by the phone
   * @returns the value; empty while there is nothing to read yet
   */
  read(endpoint: string, limit: number): ArrayBuffer {
    const session = this.#session;
    if (session?.answering === endpoint) {
      if (!session.answer) this.checkDeadline(session);
      if (!session.answer) return empty;
      this.lastActive = this.#protocomm.options.now();
      return this.nextFragment(session, session.answer, limit);
    }
    if (endpoint === versionEndpoint && this.#valueEndpoint !== endpoint)
      return ArrayBuffer.fromString(this.#protocomm.version());
    return this.#valueEndpoint === endpoint ? this.#value : empty;
  }

  private nextFragment(session: Session, answer: FragmentWriter, limit: number): ArrayBuffer {
    try {
      const value = answer.next(Math.min(limit, longestValue));
      if (answer.done) {
        session.answer = undefined;
        session.answering = undefined;
      }
      return value;
    } catch {
      this.refuse(session.answering!, "InternalError");
      return this.#value;
    }
  }

  /** The phone is gone. */
  close(): void {
    this.endSession();
    this.setValue("", empty);
  }

  endSession(): void {
    if (this.#session) this.#waitingSince = this.#protocomm.options.now();
    this.#security?.close();
    this.#security = undefined;
    this.#session = undefined;
    this.#protocomm.release(this);
  }

  // ---- prov-session

  private sessionAnswer(bytes: Uint8Array): ArrayBuffer {
    let request: SessionRequest;
    try {
      request = readSessionRequest(bytes);
    } catch {
      return sessionResponse0(SecurityScheme.two, Status.invalidProtocol);
    }
    const { scheme, message } = request;
    if (!isScheme(scheme)) return sessionResponse0(SecurityScheme.two, Status.invalidSecurityScheme);
    if (!this.#protocomm.allows(scheme)) return sessionResponse0(scheme, Status.invalidSecurityScheme);
    try {
      if (message === SessionMessage.command0) return this.challenge(scheme, request);
      if (message === SessionMessage.command1) return this.verify(scheme, request);
    } catch {
      // Out of memory below the machine: the arithmetic takes some kilobytes for a moment.
      this.endSession();
      return sessionResponse0(scheme, Status.internalError);
    }
    return sessionResponse0(scheme, Status.invalidArgument);
  }

  private challenge(scheme: SecurityScheme, request: SessionRequest): ArrayBuffer {
    if (this.#protocomm.limit.remaining) return sessionResponse0(scheme, Status.invalidSession);
    if (!this.#protocomm.isFree(this)) return sessionResponse0(scheme, Status.tooManySessions);
    const answer = scheme === SecurityScheme.one ? this.challenge1(request) : this.challenge2(request);
    return answer ?? sessionResponse0(scheme, Status.invalidArgument);
  }

  private challenge1({ publicKey }: SessionRequest): ArrayBuffer | undefined {
    const security = new Security1(this.#protocomm.options);
    const challenge = security.challenge(publicKey);
    if (!challenge) return undefined;
    this.begin(security);
    return sessionResponse0(SecurityScheme.one, Status.success, challenge.publicKey, challenge.random);
  }

  private challenge2({ username, publicKey }: SessionRequest): ArrayBuffer | undefined {
    if (!publicKey || !username || !isUsername(username)) return undefined;
    const security = new Security2(this.#protocomm.options.crypto);
    const challenge = security.challenge(this.#protocomm.account(), publicKey);
    if (!challenge) return undefined;
    this.begin(security);
    return sessionResponse0(SecurityScheme.two, Status.success, challenge.publicKey, challenge.salt);
  }

  /** A phone that begins anew gives up the session that it had. */
  private begin(security: Security1 | Security2): void {
    this.endSession();
    this.#security = security;
  }

  private verify(scheme: SecurityScheme, { proof }: SessionRequest): ArrayBuffer {
    const { limit } = this.#protocomm;
    const security = this.#security;
    const isOfScheme = security instanceof Security1 === (scheme === SecurityScheme.one);
    if (!security?.challenged || !isOfScheme) return sessionResponse1(scheme, Status.invalidSession);
    if (limit.remaining) return sessionResponse1(scheme, Status.invalidSession);
    if (!this.#protocomm.isFree(this)) return sessionResponse1(scheme, Status.tooManySessions);
    const answer = security instanceof Security1 ? verify1(security, proof) : verify2(security, proof);
    if (!answer) {
      limit.failed();
      return sessionResponse1(scheme, Status.cryptoError);
    }
    limit.succeeded();
    this.open(security);
    return answer;
  }

  private open(security: MessageSecurity): void {
    this.#session = {
      security,
      reader: new FragmentReader(this),
      receiving: undefined,
      message: undefined,
      answering: undefined,
      answer: undefined,
      askedAt: 0,
      request: 0,
    };
    this.#protocomm.claim(this);
  }

  // ---- Espressif's endpoints

  private binary(endpoint: string, bytes: Uint8Array): void {
    const session = this.#session!;
    if (session.receiving) {
      this.refuse(endpoint, "OutOfOrder");
      return;
    }
    const { security } = session;
    const request = security.open(bytes, 0);
    if (!request) {
      this.refuse(endpoint, "NotAuthentic");
      return;
    }
    try {
      const answer = this.#protocomm.options.binary.handle(endpoint, request);
      const value = new Uint8Array(answer.byteLength + security.overhead);
      value.set(new Uint8Array(answer));
      security.seal(value, 0);
      this.setValue(endpoint, value.buffer as ArrayBuffer);
    } catch (error) {
      this.refuse(endpoint, error instanceof MalformedMessage ? "InvalidMessage" : "InternalError");
    }
  }

  // ---- the camera's endpoints

  private fragment(endpoint: string, bytes: Uint8Array): void {
    const session = this.#session!;
    const refusal = this.receive(session, endpoint, bytes);
    if (refusal) this.refuse(endpoint, refusal);
    else if (session.message) this.request(session, endpoint);
  }

  /** Takes a fragment; after the last one `session.message` is the message. */
  private receive(session: Session, endpoint: string, bytes: Uint8Array): Refusal | undefined {
    if (session.receiving !== undefined && session.receiving !== endpoint) return "OutOfOrder";
    const payload = session.security.open(bytes, 1);
    if (!payload) return "NotAuthentic";
    const message = session.reader.push(bytes[0], payload);
    if (message === "OutOfOrder") return "OutOfOrder";
    if (message === "TooLong") return "MessageTooLong";
    session.receiving = message ? undefined : endpoint;
    if (!message) return undefined;
    session.message = message;
    return undefined;
  }

  private request(session: Session, endpoint: string): void {
    session.answering = endpoint;
    session.askedAt = this.#protocomm.options.now();
    this.handle(session, ++session.request, endpoint);
  }

  /** Never rejects. A job of its own, because the stack of the machine is short and a write from Bluetooth has used up half of it. */
  private async handle(session: Session, request: number, endpoint: string): Promise<void> {
    await undefined;
    const message = this.parse(session);
    let answer: object;
    try {
      answer =
        message instanceof JSONError ? tooLarge(message) : await this.#protocomm.options.json.handle(endpoint, message);
    } catch (error) {
      answer = { error: describe(error) };
    }
    if (answer !== malformed) this.answer(session, request, answer);
    else if (this.#session === session) this.refuse(endpoint, "InvalidMessage");
  }

  /** Its bytes can be collected when it returns. */
  private parse(session: Session): object {
    const bytes = session.message!;
    session.message = undefined;
    try {
      return parseJSON(bytes, this.#protocomm.options.json.shape);
    } catch (error) {
      return error as JSONError;
    }
  }

  private answer(session: Session, request: number, answer: object): void {
    // The phone is gone, has begun a new session, or has been told that it took too long.
    if (this.#session !== session || session.request !== request || !session.answering || session.answer) return;
    let text = JSON.stringify(answer);
    if (text.length > this.maximumMessage)
      text = JSON.stringify({ error: { code: "AnswerTooLong", message: `${text.length} characters` } });
    session.answer = new FragmentWriter(text, session.security);
  }

  private checkDeadline(session: Session): void {
    const { now, requestTimeout = 60_000 } = this.#protocomm.options;
    if (((now() - session.askedAt) | 0) <= requestTimeout) return;
    const error = { code: "Timeout", message: "the camera did not finish in time" };
    this.answer(session, session.request, { error });
  }

  private isPending(): boolean {
    return this.#session?.answering !== undefined;
  }

  /** What is read may be bounded further, for as long as the machine has other things to keep. */
  get longestMessage(): number {
    return Math.min(this.maximumMessage, this.#protocomm.options.json.shape.bytes);
  }

  private get maximumMessage(): number {
    return this.#protocomm.options.maximumMessage ?? 6144;
  }

  private refuse(endpoint: string, code: Refusal): void {
    this.endSession();
    const text = encodeText(JSON.stringify({ error: { code, message: refusals[code] } }));
    const value = new Uint8Array(1 + text.length);
    value[0] = errorHeader;
    value.set(text, 1);
    this.setValue(endpoint, value.buffer as ArrayBuffer);
  }

  private setValue(endpoint: string, value: ArrayBuffer): void {
    this.#valueEndpoint = endpoint;
    this.#value = value;
  }
}

/** Checks a proof of security 1; the answer to it, or undefined for a wrong one. */
function verify1(security: Security1, clientProof: Uint8Array | undefined): ArrayBuffer | undefined {
  const proof = security.verify(clientProof);
  return proof && sessionResponse1(SecurityScheme.one, Status.success, proof);
}

function verify2(security: Security2, clientProof: Uint8Array | undefined): ArrayBuffer | undefined {
  const own = security.verify(srpUsername, clientProof);
  return own && sessionResponse1(SecurityScheme.two, Status.success, own.proof, own.nonce);
}

function isUsername(bytes: Uint8Array): boolean {
  return bytes.length === srpUsername.length && bytes.every((byte, i) => byte === srpUsername.charCodeAt(i));
}

const refusals: Record<Refusal, string> = {
  Busy: "another phone has a session with this camera",
  NoSession: "open a session first",
  RequestPending: "the answer to the last request has not been read",
  NotAuthentic: "the message was altered on its way, or is not the next one",
  OutOfOrder: "a fragment is missing",
  MessageTooLong: "the message is longer than the camera takes",
  InvalidMessage: "not a message of this endpoint",
  InternalError: "the camera could not answer",
  UnknownEndpoint: "no such endpoint",
};

/** The session goes on after a message that is over a bound; one that is no JSON may be one that was not decrypted. */
function tooLarge({ code, message }: JSONError): object {
  return code === "Malformed" ? malformed : { error: { code: "BadMessage", message } };
}

const malformed = Object.freeze({});

function describe(error: unknown): { code: string; message: string } {
  if (!(error instanceof Error)) return { code: "InternalError", message: "something else than an error was thrown" };
  const code = (error as Error & { code?: unknown }).code;
  return { code: typeof code === "string" ? code : "InternalError", message: error.message };
}
