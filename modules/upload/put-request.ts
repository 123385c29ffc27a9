import type { HeaderList } from "./header-list";
import type { PresignedURL } from "./presigned-url";
import { checkHeaders, type Framing, hostHeader } from "./request-headers";

/** Where the body comes from: a pull reader, such as a Frame in the camera's own memory. */
export interface BodySource {
  /** Bytes in all, known before the first one is read. */
  readonly byteLength: number;
  /** Fills as much of `buffer` as it can and returns the count; 0 only at the end. May throw a named error. */
  read(buffer: Uint8Array): number;
}

export interface PutRequestOptions {
  url: PresignedURL;
  /** Headers of the grant, see checkHeaders. */
  headers?: HeaderList;
  source: BodySource;
  /** "length" (Content-Length; the default, S3 takes nothing else) or "chunked" (RFC 9112 section 7.1, for stores that want it). */
  framing?: Framing;
  /** Ask for the answer to the head before the body goes out (RFC 9110 section 10.1.1). */
  expectContinue?: boolean;
  /** Sees every body byte once, in order (a digest). */
  onBody?: { write(bytes: Uint8Array): void };
  /** The one buffer through which all bytes of the request go; at least 64 bytes. */
  buffer: Uint8Array;
}

/** The source delivered fewer bytes than it had promised. The request cannot be completed and must not be padded. */
export class FrameEndedEarlyError extends Error {
  readonly code = "FrameEndedEarly";

  constructor(taken: number, byteLength: number) {
    super(`frame ended after ${taken} of ${byteLength} bytes`);
  }

  // An own property cannot be made: Error.prototype is in flash, and its name with it.
  override get name(): string {
    return "FrameEndedEarlyError";
  }
}

/** Sizes are rounded down to this where possible, so that the same views are used again and again. */
const GRANULE = 256;
/** A chunk is written in place: "hhhhh\r\n" before the data and "\r\n" after it. The size keeps its leading zeros. */
const CHUNK_HEAD = 7;
const CHUNK_TAIL = 2;
const CHUNK_OVERHEAD = CHUNK_HEAD + CHUNK_TAIL;

type State = "head" | "waiting" | "body" | "last-chunk" | "sent";

/**
 * One HTTP/1.1 PUT request as a stream of bytes, without any I/O: `next(room)` gives the next bytes for the wire.
 *
 * Memory is constant: head and body pass through one buffer, and in the steady state no object is made per call.
 */
export class PutRequest {
  /** Body bytes taken from the source so far. */
  taken = 0;

  readonly #options: PutRequestOptions;
  readonly #buffer: Uint8Array;
  readonly #chunked: boolean;
  /** Views of the buffer by length / GRANULE: where the source writes, and what goes to the socket. */
  readonly #wireViews: Uint8Array[] = [];
  readonly #sourceViews: Uint8Array[];
  #state: State = "head";
  #headPart = 0;
  #headOffset = 0;
  readonly #head: (string | undefined)[];
  /** Bytes in the buffer that have not been handed out. */
  #start = 0;
  #end = 0;

  /** @throws RequestHeaderError */
  constructor(options: PutRequestOptions) {
    const { url, source, buffer } = options;
    const framing = options.framing ?? "length";
    this.#options = options;
    this.#buffer = buffer;
    this.#chunked = framing === "chunked";
    this.#sourceViews = this.#chunked ? [] : this.#wireViews;

    const headers = checkHeaders(url, options.headers, source.byteLength, framing);
    const lines = [" HTTP/1.1", `Host: ${hostHeader(url, options.headers)}`];
    for (const [name, value] of headers) lines.push(`${name}: ${value}`);
    lines.push(this.#chunked ? "Transfer-Encoding: chunked" : `Content-Length: ${source.byteLength}`);
    if (this.expects) lines.push("Expect: 100-continue");
    lines.push("Connection: close", "", "");
    // undefined stands for the request target, which is long and therefore taken from the URL piece by piece.
    this.#head = ["PUT ", undefined, lines.join("\r\n")];
    // They are in the head now.
    options.headers = undefined;
  }

  /** True once every byte of the request has been handed out. */
  get sent(): boolean {
    return this.#state === "sent" && this.#start === this.#end;
  }

  /** True while only `continue()` lets the body go out. */
  get waiting(): boolean {
    return this.#state === "waiting" && this.#start === this.#end;
  }

  /** The server wants the body (100 Continue), or the client has waited long enough. */
  continue(): void {
    if (this.#state === "waiting") this.#state = "body";
  }

  /**
   * The next bytes for the wire: a view of the buffer, valid until the next call; undefined if there is nothing to send (now).
   * The caller must send all of it.
   *
   * @param room bytes that the socket takes at once, > 0
   * @throws FrameEndedEarlyError, and whatever the source throws
   */
  next(room: number): Uint8Array | undefined {
    if (this.#start === this.#end) this.fill(room);
    const length = Math.min(room, this.#end - this.#start);
    if (length <= 0) return undefined;
    const start = this.#start;
    this.#start += length;
    if (start === 0) return this.view(this.#wireViews, 0, length);
    return this.#buffer.subarray(start, start + length);
  }

  private fill(room: number): void {
    this.#start = 0;
    this.#end = 0;
    switch (this.#state) {
      case "head":
        this.fillHead();
        break;
      case "body":
        if (this.#chunked) this.fillChunk(room);
        else this.fillBody(room);
        break;
      case "last-chunk":
        this.#end = this.put("0\r\n\r\n", 0);
        this.#state = "sent";
        break;
    }
  }

  private fillHead(): void {
    const capacity = this.#buffer.byteLength;
    while (this.#headPart < this.#head.length && this.#end < capacity) {
      const text = this.headText(Math.min(capacity - this.#end, GRANULE));
      if (text === "") {
        this.#headPart += 1;
        this.#headOffset = 0;
        continue;
      }
      this.#end = this.put(text, this.#end);
      this.#headOffset += text.length;
    }
    if (this.#headPart < this.#head.length) return;
    if (this.#options.source.byteLength === 0) this.#state = this.#chunked ? "last-chunk" : "sent";
    else this.#state = this.expects ? "waiting" : "body";
  }

  /** A request without content must not expect anything (RFC 9110 section 10.1.1). */
  private get expects(): boolean {
    return this.#options.expectContinue === true && this.#options.source.byteLength > 0;
  }

  private headText(length: number): string {
    const from = this.#headOffset;
    const part = this.#head[this.#headPart];
    if (part !== undefined) return part.slice(from, from + length);
    const { url } = this.#options;
    return url.target(from, Math.min(from + length, url.targetLength));
  }

  private fillBody(room: number): void {
    this.#end = this.take(0, Math.min(room, this.#buffer.byteLength));
    if (this.taken === this.#options.source.byteLength) this.#state = "sent";
  }

  /** One chunk. Where the room is too small for a sensible one, it is made anyway and goes out in pieces. */
  private fillChunk(room: number): void {
    const most = this.#buffer.byteLength - CHUNK_OVERHEAD;
    const wanted = Math.min(Math.max(room - CHUNK_OVERHEAD, GRANULE), most);
    const length = this.take(CHUNK_HEAD, wanted);
    this.put(`${(0x100000 + length).toString(16).slice(1)}\r\n`, 0);
    this.#end = this.put("\r\n", CHUNK_HEAD + length);
    if (this.taken === this.#options.source.byteLength) this.#state = "last-chunk";
  }

  /** Reads up to `most` body bytes into the buffer at `offset`. */
  private take(offset: number, most: number): number {
    const { source, onBody } = this.#options;
    let length = Math.min(most, source.byteLength - this.taken);
    if (length > GRANULE) length -= length % GRANULE;
    const room = this.view(this.#sourceViews, offset, length);
    const count = source.read(room);
    if (count <= 0) throw new FrameEndedEarlyError(this.taken, source.byteLength);
    onBody?.write(count === length ? room : this.#buffer.subarray(offset, offset + count));
    this.taken += count;
    return count;
  }

  private view(views: Uint8Array[], offset: number, length: number): Uint8Array {
    // A chunk's view is longer than its data by a constant, so what repeats is the remainder, not a multiple.
    const extra = views === this.#wireViews && this.#chunked ? CHUNK_OVERHEAD : 0;
    if ((length - extra) % GRANULE !== 0) return this.#buffer.subarray(offset, offset + length);
    const index = (length - extra) / GRANULE;
    views[index] ??= this.#buffer.subarray(offset, offset + length);
    return views[index];
  }

  private put(text: string, offset: number): number {
    this.#buffer.set(new Uint8Array(ArrayBuffer.fromString(text)), offset);
    return offset + text.length;
  }
}
