import { randomBytes } from "node:crypto";
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { ObjectAddress } from "./address.ts";
import type { S3Error } from "./errors.ts";
import type { Fault } from "./faults.ts";
import type { BodyWatch } from "./request-body.ts";

export interface Answer {
  status: number;
  headers?: Record<string, string | number | undefined>;
  body?: string | Buffer;
}

/** How long the rest of a body is taken and thrown away after an answer that came early, before the connection is cut. */
const LINGER = 2000;

/** One request and its answer. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly requestId = randomBytes(8).toString("hex").toUpperCase();
  readonly hostId = randomBytes(48).toString("base64");
  readonly bodyWatch: BodyWatch = {};
  address: ObjectAddress = { bucket: "", key: "", style: "path" };
  fault: Fault | undefined;
  /** Status and code of the answer, for the log. */
  status = 0;
  code = "";
  received = 0;
  #expectsContinue: boolean;

  constructor(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean) {
    const url = request.url ?? "/";
    const question = url.indexOf("?");
    this.request = request;
    this.response = response;
    this.path = question < 0 ? url : url.slice(0, question);
    this.query = new URLSearchParams(question < 0 ? "" : url.slice(question + 1));
    this.#expectsContinue = expectsContinue;
  }

  get method(): string {
    return this.request.method ?? "";
  }

  /** A header, or the query parameter that a presigner has moved it to. */
  claim(name: string): string | undefined {
    const header = this.request.headers[name];
    return typeof header === "string" ? header : (this.query.get(name) ?? undefined);
  }

  /** Asks for the body, if the client waits to be asked. */
  continue(): void {
    if (this.#expectsContinue) this.response.writeContinue();
    this.#expectsContinue = false;
  }

  answer(answer: Answer): void {
    this.status = answer.status;
    const fault = this.fault?.action;
    if (fault && "cutAnswer" in fault) this.#sendRaw(this.#render(answer).subarray(0, fault.cutAnswer));
    else if (!this.request.complete) this.#sendRaw(this.#render(answer));
    else this.response.writeHead(answer.status, this.#headers(answer)).end(this.#body(answer));
  }

  answerError(error: S3Error): void {
    this.code = error.code;
    this.answer({
      status: error.status,
      headers: { "Content-Type": "application/xml", ...error.headers },
      body: error.toXML(`/${this.address.bucket}/${this.address.key}`, this.requestId, this.hostId),
    });
  }

  /** Exactly these bytes, then the end of the connection. */
  answerRaw(text: string): void {
    this.#sendRaw(Buffer.from(text, "latin1"));
  }

  /**
   * Answers while the body is still on its way and closes. What comes in meanwhile is read and dropped: closing with unread bytes
   * would reset the connection and could take the answer with it.
   */
  #sendRaw(bytes: Buffer): void {
    const { socket } = this.request;
    this.request.resume();
    socket.end(bytes);
    setTimeout(() => socket.destroy(), LINGER).unref();
  }

  #render(answer: Answer): Buffer {
    const lines = [`HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ""}`];
    const headers = {
      ...this.response.getHeaders(),
      ...this.#headers(answer),
      Date: new Date().toUTCString(),
      Connection: "close",
    };
    for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
    const body = this.#body(answer);
    return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), Buffer.from(body)]);
  }

  #headers(answer: Answer): Record<string, string | number> {
    const headers: Record<string, string | number> = {
      "x-amz-id-2": this.hostId,
      "x-amz-request-id": this.requestId,
      Server: "AmazonS3",
    };
    for (const [name, value] of Object.entries(answer.headers ?? {})) {
      if (value !== undefined) headers[name] = value;
    }
    if (this.method !== "HEAD" && answer.status !== 204) {
      headers["Content-Length"] = Buffer.byteLength(answer.body ?? "");
    }
    return headers;
  }

  #body(answer: Answer): string | Buffer {
    return this.method === "HEAD" ? "" : (answer.body ?? "");
  }
}
