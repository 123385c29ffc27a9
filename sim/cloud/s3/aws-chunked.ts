import { S3Error } from "./errors.ts";

type State = "size" | "data" | "data-end" | "trailers" | "complete";

/** Longest line of sizes and trailers. */
const MAXIMUM_LINE = 1024;

/**
 * The body encoding of the SDKs' streaming uploads (`content-encoding: aws-chunked`, unsigned with trailer): chunks like those of HTTP,
 * then checksum trailers (S3 API Reference, "Signature calculations: Transferring payload in multiple chunks").
 */
export class AWSChunkedDecoder {
  readonly #onData: (bytes: Buffer) => void;
  readonly #onTrailer: (name: string, value: string) => void;
  #state: State = "size";
  #line = "";
  #remaining = 0;

  constructor(onData: (bytes: Buffer) => void, onTrailer: (name: string, value: string) => void) {
    this.#onData = onData;
    this.#onTrailer = onTrailer;
  }

  get complete(): boolean {
    return this.#state === "complete";
  }

  write(bytes: Buffer): void {
    let position = 0;
    while (position < bytes.length) {
      if (this.#state === "data") {
        const length = Math.min(this.#remaining, bytes.length - position);
        this.#onData(bytes.subarray(position, position + length));
        this.#remaining -= length;
        position += length;
        if (this.#remaining === 0) this.#state = "data-end";
      } else {
        position = this.#collectLine(bytes, position);
      }
    }
  }

  #collectLine(bytes: Buffer, from: number): number {
    const end = bytes.indexOf(0x0a, from);
    this.#line += bytes.toString("latin1", from, end < 0 ? bytes.length : end);
    if (this.#line.length > MAXIMUM_LINE) throw broken();
    if (end < 0) return bytes.length;
    const line = this.#line.replace(/\r$/, "");
    this.#line = "";
    this.#takeLine(line);
    return end + 1;
  }

  #takeLine(line: string): void {
    if (this.#state === "data-end") {
      if (line !== "") throw broken();
      this.#state = "size";
    } else if (this.#state === "size") {
      const match = /^([0-9a-f]{1,8})(;.*)?$/i.exec(line);
      if (!match) throw broken();
      this.#remaining = Number.parseInt(match[1], 16);
      this.#state = this.#remaining > 0 ? "data" : "trailers";
    } else if (line === "") {
      this.#state = "complete";
    } else {
      const colon = line.indexOf(":");
      if (colon > 0) this.#onTrailer(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
    }
  }
}

function broken(): S3Error {
  return new S3Error("IncompleteBody", { message: "The request body terminated unexpectedly" });
}
