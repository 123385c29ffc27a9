import { asciiString, ErrorDocument, type ErrorElements, printable } from "./error-document";

/** Longest header line that is kept; of a longer one the rest is skipped and the header counts as absent. */
const MAXIMUM_LINE = 512;
/** Longest head and longest body that are read. A sane store stays far below both. */
const MAXIMUM_HEAD = 16384;
const MAXIMUM_BODY = 65536;

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** The headers that the upload needs; all others are skipped. */
const kept: readonly string[] = [
  "content-length",
  "date",
  "encryption",
  "etag",
  "request-id",
  "retry-after",
  "transfer-encoding",
  "x-amz-request-id",
];

export type ResponseErrorCode = "MalformedResponse" | "ResponseTooLarge" | "ResponseCut";

type State =
  | "status"
  | "headers"
  | "body"
  | "body-until-close"
  | "chunk-size"
  | "chunk"
  | "chunk-end"
  | "trailers"
  | "complete"
  | "failed";

/**
 * One HTTP/1.1 response, parsed as its bytes arrive, cut wherever they are cut, in constant memory (RFC 9112 sections 4 to 8).
 * Interim responses (1xx) are passed over; the body is only looked at for the elements of an S3 error document.
 */
export class HTTPResponse {
  /** Status of the final response; 0 until its status line is there. */
  status = 0;
  /** 100 Continue was received. */
  continued = false;
  /** The head of the final response is complete. */
  headComplete = false;
  /**
   * Values of the headers in `kept`, by lower-case name; of those that each store spells in its own dialect (x-amz-, x-obs-, x-cos-, x-oss-)
   * `request-id`, and `encryption` if the object is encrypted in any other way than with Amazon's own keys (AES256).
   */
  readonly headers: Record<string, string> = Object.create(null);
  error: ResponseErrorCode | undefined;

  /** Made with the first byte of a body: a success has none. */
  #document: ErrorDocument | undefined;
  /** Only while lines come: between 100 Continue and the answer lies the whole picture. */
  #line: Uint8Array | undefined;
  #lineLength = 0;
  #lineCut = false;
  #state: State = "status";
  #headBytes = 0;
  #bodyBytes = 0;
  /** Body or chunk bytes still to come. */
  #remaining = 0;

  /** Nothing more is needed from the connection: the response is complete or unusable. */
  get done(): boolean {
    return this.#state === "complete" || this.#state === "failed";
  }

  get complete(): boolean {
    return this.#state === "complete";
  }

  /** Elements of the error document, as far as received. */
  get elements(): ErrorElements {
    return this.#document?.elements ?? {};
  }

  /** The store's own id for this request, to be quoted to its support. */
  get requestId(): string | undefined {
    const { headers } = this;
    return headers["x-amz-request-id"] ?? headers["request-id"] ?? this.elements.RequestId;
  }

  /** Takes the next bytes from the connection. What follows the response is ignored. */
  write(bytes: Uint8Array): void {
    let position = 0;
    while (position < bytes.length && !this.done) {
      if (this.#state === "body" || this.#state === "chunk" || this.#state === "body-until-close") {
        position += this.body(bytes.subarray(position));
      } else {
        this.byte(bytes[position]);
        position += 1;
      }
    }
  }

  /** The connection has ended. */
  end(): void {
    if (this.#state === "body-until-close") this.#state = "complete";
    else if (!this.done) this.fail("ResponseCut");
  }

  private body(bytes: Uint8Array): number {
    let length = bytes.length;
    if (this.#state !== "body-until-close") length = Math.min(length, this.#remaining);
    this.#document ??= new ErrorDocument();
    this.#document.write(length === bytes.length ? bytes : bytes.subarray(0, length));
    this.#bodyBytes += length;
    this.#remaining -= length;
    if (this.#bodyBytes >= MAXIMUM_BODY) {
      // Status and headers are known, and whatever the document had to say comes early in it.
      this.#state = "complete";
    } else if (this.#state === "body" && this.#remaining === 0) {
      this.#state = "complete";
    } else if (this.#state === "chunk" && this.#remaining === 0) {
      this.#state = "chunk-end";
    }
    return length;
  }

  private byte(byte: number): void {
    this.#headBytes += 1;
    if (this.#headBytes > MAXIMUM_HEAD) {
      this.fail("ResponseTooLarge");
    } else if (byte !== LINE_FEED) {
      this.collect(byte);
    } else {
      const text = asciiString(this.#line as Uint8Array, this.#lineLength).trim();
      const cut = this.#lineCut;
      this.#lineLength = 0;
      this.#lineCut = false;
      this.endOfLine(text, cut);
    }
  }

  private collect(byte: number): void {
    if (byte === CARRIAGE_RETURN) return;
    this.#line ??= new Uint8Array(MAXIMUM_LINE);
    if (this.#lineLength === MAXIMUM_LINE) this.#lineCut = true;
    else this.#line[this.#lineLength++] = printable(byte);
  }

  private endOfLine(line: string, cut: boolean): void {
    switch (this.#state) {
      case "status":
        // RFC 9112 section 2.2: an empty line before the start line is to be ignored.
        if (line !== "") this.statusLine(line);
        break;
      case "headers":
        if (line === "") this.endOfHead();
        else if (!cut) this.header(line);
        break;
      case "chunk-size":
        this.chunkSize(line);
        break;
      case "chunk-end":
        if (line === "") this.#state = "chunk-size";
        else this.fail("MalformedResponse");
        break;
      case "trailers":
        if (line === "") this.#state = "complete";
        break;
    }
  }

  private statusLine(line: string): void {
    const match = /^HTTP\/1\.[01] ([1-5][0-9][0-9])( |$)/.exec(line);
    if (!match) {
      this.fail("MalformedResponse");
      return;
    }
    this.status = Number(match[1]);
    this.#state = "headers";
  }

  private header(line: string): void {
    const colon = line.indexOf(":");
    if (colon <= 0) {
      this.fail("MalformedResponse");
      return;
    }
    const value = line.slice(colon + 1).trim();
    const name = nameOf(line.slice(0, colon).toLowerCase(), value);
    if (!kept.includes(name)) return;
    const before = this.headers[name];
    // Two different lengths: the end of the body is anybody's guess (RFC 9112 section 6.3).
    if (name === "content-length" && before !== undefined && before !== value) this.fail("MalformedResponse");
    else this.headers[name] = value;
  }

  private endOfHead(): void {
    if (this.status < 200) {
      this.interim();
      return;
    }
    this.headComplete = true;
    const length = this.headers["content-length"];
    if (this.status === 204 || this.status === 304) {
      this.#state = "complete";
    } else if (this.headers["transfer-encoding"] !== undefined) {
      const chunked = /(^|[ ,])chunked$/i.test(this.headers["transfer-encoding"]);
      this.#state = chunked ? "chunk-size" : "body-until-close";
    } else if (length === undefined) {
      this.#state = "body-until-close";
    } else if (!/^[0-9]{1,12}$/.test(length)) {
      this.fail("MalformedResponse");
    } else {
      this.#remaining = Number(length);
      this.#state = this.#remaining === 0 ? "complete" : "body";
    }
  }

  private interim(): void {
    if (this.status === 100) this.continued = true;
    if (this.status === 101) {
      this.fail("MalformedResponse");
      return;
    }
    this.status = 0;
    this.#line = undefined;
    for (const name of Object.keys(this.headers)) delete this.headers[name];
    this.#state = "status";
  }

  private chunkSize(line: string): void {
    const match = /^([0-9a-f]{1,8}) *(;|$)/i.exec(line);
    if (!match) {
      this.fail("MalformedResponse");
      return;
    }
    // Lines of the chunked coding do not count as head, or a long body in small chunks would be refused.
    this.#headBytes = 0;
    this.#remaining = Number.parseInt(match[1], 16);
    this.#state = this.#remaining === 0 ? "trailers" : "chunk";
  }

  private fail(code: ResponseErrorCode): void {
    this.error = code;
    this.#state = "failed";
  }
}

/** The name under which a header is kept. */
function nameOf(name: string, value: string): string {
  if (name === "x-amz-request-id") return name;
  if (/^x-[a-z]+-request-id$/.test(name)) return "request-id";
  if (!/^x-[a-z]+-server-side-encryption/.test(name)) return name;
  return name === "x-amz-server-side-encryption" && value === "AES256" ? "" : "encryption";
}
