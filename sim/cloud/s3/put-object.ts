import { setTimeout as sleep } from "node:timers/promises";
import { BodyChecks } from "./checksums.ts";
import { S3Error } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import type { ObjectStore, PendingObject } from "./object-store.ts";
import { type BodyFraming, type FramingRules, objectBytes, readBody, readFraming } from "./request-body.ts";

export interface PutRules extends FramingRules {
  /** ms without a byte until RequestTimeout. */
  idleTimeout: number;
  onProgress(received: number, total: number | undefined): void;
  onStored(object: StoredObject): void;
}

/** What was stored. */
export interface StoredObject {
  bucket: string;
  key: string;
  bytes: number;
  etag: string;
  sha256: string;
  path: string;
}

/** It is a fault's turn, in the middle of a body. */
export class FaultSignal extends Error {}

/**
 * PutObject: reads the body into the store and answers.
 *
 * @throws S3Error, FaultSignal, ClientGoneError; nothing is stored then
 */
export async function putObject(exchange: Exchange, store: ObjectStore, rules: PutRules): Promise<void> {
  const { bucket, key } = exchange.address;
  const framing = readFraming(exchange.request, rules);
  const checks = readChecks(exchange);
  const createOnly = await checkConditions(exchange, store);
  const pending = await store.begin(bucket);
  try {
    exchange.continue();
    await receive(exchange, pending, framing, checks, rules);
    const { md5, sha256, checksums } = checks.finish();
    const { "content-type": contentType } = exchange.request.headers;
    const record = {
      key,
      size: exchange.received,
      etag: md5,
      contentType,
      metadata: readMetadata(exchange),
      checksums,
    };
    const path = await pending.commit(record, createOnly);
    const fault = exchange.fault?.action;
    const etag = fault && "etag" in fault ? fault.etag : md5;
    // First, so that nobody who has heard of the answer is ahead of whoever watches the store.
    rules.onStored({ bucket, key, bytes: exchange.received, etag: md5, sha256, path });
    exchange.answer({
      status: 200,
      headers: { ...checksums, ETag: `"${etag}"`, "x-amz-server-side-encryption": "AES256" },
    });
  } catch (error) {
    await pending.abort();
    throw error;
  }
}

function readChecks(exchange: Exchange): BodyChecks {
  const checks = new BodyChecks((name) => exchange.claim(name));
  const trailer = exchange.claim("x-amz-trailer");
  if (trailer) checks.expectTrailer(trailer.toLowerCase());
  return checks;
}

async function checkConditions(exchange: Exchange, store: ObjectStore): Promise<boolean> {
  const { bucket, key } = exchange.address;
  const condition = exchange.request.headers["if-none-match"];
  if (condition === undefined) return false;
  if (condition !== "*") throw new S3Error("NotImplemented", { elements: { Header: "If-None-Match" } });
  if (await store.has(bucket, key)) {
    throw new S3Error("PreconditionFailed", { elements: { Condition: "If-None-Match" } });
  }
  return true;
}

async function receive(
  exchange: Exchange,
  pending: PendingObject,
  { length, awsChunked }: BodyFraming,
  checks: BodyChecks,
  rules: PutRules,
): Promise<void> {
  const object = objectBytes(awsChunked, checks);
  await readBody(exchange.request, rules.idleTimeout, exchange.bodyWatch, async (bytes) => {
    for (const piece of object.take(bytes)) {
      await pending.write(piece);
      exchange.received += piece.length;
    }
    if (exchange.received > rules.maximumLength) throw new S3Error("EntityTooLarge");
    rules.onProgress(exchange.received, length);
    await checkFault(exchange);
  });
  object.end();
  if (length !== undefined && exchange.received !== length) throw new S3Error("IncompleteBody");
}

async function checkFault(exchange: Exchange): Promise<void> {
  const { fault } = exchange;
  if (fault?.afterBytes === undefined || exchange.received < fault.afterBytes) return;
  if ("stall" in fault.action) {
    exchange.fault = undefined;
    await sleep(fault.action.stall, undefined, { ref: false });
  } else if (!("cutAnswer" in fault.action) && !("etag" in fault.action)) {
    throw new FaultSignal();
  }
}

function readMetadata(exchange: Exchange): Record<string, string> {
  const metadata: Record<string, string> = {};
  const headers = Object.entries(exchange.request.headers).map(([name, value]) => [name, String(value)] as const);
  for (const [name, value] of [...headers, ...exchange.query.entries()]) {
    if (name.toLowerCase().startsWith("x-amz-meta-")) metadata[name.toLowerCase()] = value;
  }
  return metadata;
}
