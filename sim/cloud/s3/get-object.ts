import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { S3Error } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import type { ObjectRecord, ObjectStore } from "./object-store.ts";

/** GetObject and HeadObject. */
export async function getObject(exchange: Exchange, store: ObjectStore): Promise<void> {
  const { bucket, key } = exchange.address;
  const object = await store.find(bucket, key);
  if (!object) throw new S3Error("NoSuchKey", { elements: { Key: key } });
  const range = parseRange(exchange.request.headers.range, object.size);
  const { start, end } = range ?? { start: 0, end: object.size - 1 };
  const headers: Record<string, string | number> = {
    ...describe(object, !range && exchange.request.headers["x-amz-checksum-mode"] === "ENABLED"),
    "x-amz-id-2": exchange.hostId,
    "x-amz-request-id": exchange.requestId,
    Server: "AmazonS3",
    "Content-Length": end - start + 1,
  };
  if (range) headers["Content-Range"] = `bytes ${start}-${end}/${object.size}`;
  exchange.status = range ? 206 : 200;
  exchange.response.writeHead(exchange.status, headers);
  if (exchange.method === "HEAD" || object.size === 0) exchange.response.end();
  else await pipeline(createReadStream(object.path, { start, end }), exchange.response);
}

function describe(object: ObjectRecord, withChecksums: boolean): Record<string, string> {
  return {
    ...object.metadata,
    ...(withChecksums ? object.checksums : {}),
    ETag: `"${object.etag}"`,
    "Last-Modified": object.lastModified.toUTCString(),
    "Accept-Ranges": "bytes",
    "Content-Type": object.contentType ?? "binary/octet-stream",
    "x-amz-server-side-encryption": "AES256",
  };
}

/** RFC 9110 section 14.1.2, one range; anything else counts as no range. */
function parseRange(header: string | undefined, size: number): { start: number; end: number } | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? "");
  if (!match || (match[1] === "" && match[2] === "")) return undefined;
  const start = match[1] === "" ? Math.max(0, size - Number(match[2])) : Number(match[1]);
  const end = match[1] === "" || match[2] === "" ? size - 1 : Math.min(Number(match[2]), size - 1);
  if (start > end) throw new S3Error("InvalidRange", { elements: { RangeRequested: header, ActualObjectSize: size } });
  return { start, end };
}
