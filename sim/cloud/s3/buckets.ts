import { S3Error } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import type { ObjectStore } from "./object-store.ts";
import { renderDocument, type XMLElements } from "./xml.ts";

const NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";

/** HeadBucket. */
export function headBucket(exchange: Exchange, region: string): void {
  exchange.answer({ status: 200, headers: { "x-amz-bucket-region": region } });
}

/** GetBucketLocation: empty means us-east-1. */
export function getBucketLocation(exchange: Exchange, region: string): void {
  const text = region === "us-east-1" ? "" : region;
  answerXML(
    exchange,
    `<?xml version="1.0" encoding="UTF-8"?>\n<LocationConstraint xmlns="${NAMESPACE}">${text}</LocationConstraint>`,
  );
}

/** ListBuckets. */
export async function listBuckets(exchange: Exchange, store: ObjectStore): Promise<void> {
  const Bucket = (await store.buckets()).map((Name) => ({ Name }));
  answerXML(exchange, renderDocument("ListAllMyBucketsResult", { Buckets: { Bucket } }, NAMESPACE));
}

/** ListObjectsV2, with prefix, delimiter, start-after, max-keys and continuation. */
export async function listObjects(exchange: Exchange, store: ObjectStore): Promise<void> {
  const { query, address } = exchange;
  if (query.get("list-type") !== "2")
    throw new S3Error("NotImplemented", { message: "Only list-type=2 is implemented" });
  const prefix = query.get("prefix") ?? "";
  const delimiter = query.get("delimiter") ?? "";
  const token = query.get("continuation-token") ?? "";
  const after = token ? Buffer.from(token, "base64url").toString() : (query.get("start-after") ?? "");
  const maximum = Math.min(1000, Math.max(0, Number(query.get("max-keys") ?? 1000)));
  const encode = query.get("encoding-type") === "url" ? encodeURIComponent : (text: string) => text;

  const entries = group(await store.keys(address.bucket), prefix, delimiter).filter((entry) =>
    isAfter(entry.name, after),
  );
  const page = entries.slice(0, maximum);
  const truncated = entries.length > page.length && page.length > 0;
  const Contents: XMLElements[] = [];
  for (const { name } of page.filter((entry) => !entry.common)) {
    const object = await store.find(address.bucket, name);
    if (!object) continue;
    Contents.push({
      Key: encode(name),
      LastModified: object.lastModified.toISOString(),
      ETag: `"${object.etag}"`,
      Size: object.size,
      StorageClass: "STANDARD",
    });
  }
  const result: XMLElements = {
    Name: address.bucket,
    Prefix: encode(prefix),
    Delimiter: delimiter || undefined,
    ContinuationToken: token || undefined,
    StartAfter: query.get("start-after") ?? undefined,
    KeyCount: page.length,
    MaxKeys: maximum,
    EncodingType: query.get("encoding-type") ?? undefined,
    IsTruncated: truncated,
    NextContinuationToken: truncated ? Buffer.from(page[page.length - 1].name).toString("base64url") : undefined,
    Contents,
    CommonPrefixes: page.filter((entry) => entry.common).map((entry) => ({ Prefix: encode(entry.name) })),
  };
  answerXML(exchange, renderDocument("ListBucketResult", result, NAMESPACE));
}

interface Entry {
  name: string;
  common: boolean;
}

/** Keys with the prefix; those that have the delimiter after it are rolled up into one common prefix. */
function group(keys: string[], prefix: string, delimiter: string): Entry[] {
  const entries: Entry[] = [];
  for (const key of keys) {
    if (!key.startsWith(prefix)) continue;
    const at = delimiter ? key.indexOf(delimiter, prefix.length) : -1;
    const entry = at < 0 ? { name: key, common: false } : { name: key.slice(0, at + delimiter.length), common: true };
    if (!entry.common || entries.at(-1)?.name !== entry.name) entries.push(entry);
  }
  return entries;
}

/** A common prefix that was listed before must not come again. */
function isAfter(name: string, after: string): boolean {
  return after === "" || Buffer.compare(Buffer.from(name), Buffer.from(after)) > 0;
}

function answerXML(exchange: Exchange, body: string): void {
  exchange.answer({ status: 200, headers: { "Content-Type": "application/xml" }, body });
}
