import type { IncomingMessage } from "node:http";
import { AWSChunkedDecoder } from "./aws-chunked.ts";
import type { BodyChecks } from "./checksums.ts";
import { S3Error } from "./errors.ts";

/** How a body is framed and how long the object in it is. */
export interface BodyFraming {
  /** Bytes of the object; undefined with HTTP's chunked coding, where the store takes that. */
  length: number | undefined;
  awsChunked: boolean;
}

export interface FramingRules {
  /** Take `Transfer-Encoding: chunked`, as Tencent COS does; S3 answers 501. */
  acceptChunked: boolean;
  /** Largest object. */
  maximumLength: number;
}

/**
 * What the headers say about the body.
 *
 * @throws S3Error NotImplemented, MissingContentLength, EntityTooLarge
 */
export function readFraming({ headers }: IncomingMessage, rules: FramingRules): BodyFraming {
  const payload = String(headers["x-amz-content-sha256"] ?? "");
  const awsChunked = payload.startsWith("STREAMING-");
  if (awsChunked && payload !== "STREAMING-UNSIGNED-PAYLOAD-TRAILER") {
    throw new S3Error("NotImplemented", { elements: { Header: "x-amz-content-sha256" } });
  }
  if (headers["transfer-encoding"] && !awsChunked && !rules.acceptChunked) {
    throw new S3Error("NotImplemented", { elements: { Header: "Transfer-Encoding" } });
  }
  const text = awsChunked ? headers["x-amz-decoded-content-length"] : headers["content-length"];
  if (text === undefined) {
    if (headers["transfer-encoding"] && !awsChunked) return { length: undefined, awsChunked };
    throw new S3Error("MissingContentLength");
  }
  const length = Number(text);
  if (length > rules.maximumLength) {
    throw new S3Error("EntityTooLarge", { elements: { ProposedSize: length, MaxSizeAllowed: rules.maximumLength } });
  }
  return { length, awsChunked };
}

/** The client is gone: there is nobody to answer. */
export class ClientGoneError extends Error {}

/** Lets the reader of a body hear that the client has closed its side although bytes are missing. */
export interface BodyWatch {
  halfClosed?: boolean;
  onHalfClosed?: () => void;
}

/** What a half-closed connection has still delivered is handled by then, in ms. */
const LAST_BYTES = 20;

/**
 * Reads a request's body. Backpressure: the next bytes are taken when `onData` is done with the last ones.
 *
 * @param idle ms without a byte until RequestTimeout
 * @throws S3Error RequestTimeout, IncompleteBody; ClientGoneError; whatever `onData` throws
 */
export function readBody(
  request: IncomingMessage,
  idle: number,
  watch: BodyWatch,
  onData: (bytes: Buffer) => Promise<void>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let work: Promise<void> = Promise.resolve();
    const timer = setTimeout(() => settle(new S3Error("RequestTimeout")), idle);
    const take = (bytes: Buffer) => {
      timer.refresh();
      request.pause();
      work = work.then(() => onData(bytes));
      work.then(() => request.resume(), settle);
    };
    const end = () => {
      // A stream closes after its end, which is not a client that has gone.
      request.off("close", gone);
      work.then(() => settle(), settle);
    };
    const gone = () => settle(new ClientGoneError("the client closed the connection"));
    const settle = (error?: unknown) => {
      clearTimeout(timer);
      request.off("data", take).off("end", end).off("close", gone);
      // An abort after this has nobody who waits for it.
      request.off("error", gone).on("error", () => {});
      watch.onHalfClosed = undefined;
      if (error) reject(error);
      else resolve();
    };
    watch.onHalfClosed = () => {
      request
        .off("close", gone)
        .off("error", gone)
        .on("error", () => {});
      setTimeout(() => work.then(() => settle(new S3Error("IncompleteBody")), settle), LAST_BYTES);
    };
    request.on("data", take).on("end", end).on("close", gone).on("error", gone);
    if (watch.halfClosed) watch.onHalfClosed();
  });
}

/**
 * Takes the object's bytes out of the body and feeds the checks.
 *
 * @returns a function for the next body bytes that gives the object bytes in them
 */
export function objectBytes(awsChunked: boolean, checks: BodyChecks): { take(bytes: Buffer): Buffer[]; end(): void } {
  let found: Buffer[] = [];
  const onData = (bytes: Buffer) => {
    checks.update(bytes);
    found.push(bytes);
  };
  const decoder = awsChunked ? new AWSChunkedDecoder(onData, (name, value) => checks.trailer(name, value)) : undefined;
  return {
    take(bytes) {
      found = [];
      if (decoder) decoder.write(bytes);
      else onData(bytes);
      return found;
    },
    end() {
      if (decoder && !decoder.complete) throw new S3Error("IncompleteBody");
    },
  };
}
