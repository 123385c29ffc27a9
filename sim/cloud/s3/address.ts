import { S3Error } from "./errors.ts";

/** What a request is about. */
export interface ObjectAddress {
  bucket: string;
  /** Decoded object key; empty for the bucket itself. */
  key: string;
  style: "virtual-hosted" | "path";
}

/** Longest key in bytes of UTF-8 (S3 User Guide, "Naming Amazon S3 objects"). */
const MAXIMUM_KEY = 1024;

const amazon = /^(?:(.+)\.)?s3[.-][a-z0-9-]+\.amazonaws\.com(?:\.cn)?$/;

/**
 * Bucket and key from the Host header and the path: `bucket.localhost/key` or `localhost/bucket/key`, and the same with the names of
 * Amazon's hosts, for clients whose name look-up leads them here.
 *
 * @param path raw path of the request, without the query
 */
export function parseAddress(hostHeader: string | undefined, path: string): ObjectAddress {
  const host = (hostHeader ?? "").replace(/:[0-9]+$/, "").toLowerCase();
  const decoded = decodePath(path);
  const bucket = bucketOfHost(host);
  if (bucket !== undefined) return checked({ bucket, key: decoded.slice(1), style: "virtual-hosted" });
  const slash = decoded.indexOf("/", 1);
  const end = slash < 0 ? decoded.length : slash;
  return checked({ bucket: decoded.slice(1, end), key: decoded.slice(end + 1), style: "path" });
}

/** True for names that this server answers to, and so has certificates for. */
export function isOwnHost(name: string): boolean {
  return name === "localhost" || name.endsWith(".localhost") || amazon.test(name);
}

export function isBucketName(name: string): boolean {
  return /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) && !name.includes("..");
}

function bucketOfHost(host: string): string | undefined {
  const match = amazon.exec(host);
  if (match) return match[1];
  if (host === "localhost" || host === "s3.localhost") return undefined;
  for (const suffix of [".s3.localhost", ".localhost"]) {
    if (host.endsWith(suffix)) return host.slice(0, -suffix.length);
  }
  return undefined;
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new S3Error("InvalidURI", { elements: { URI: path } });
  }
}

function checked(address: ObjectAddress): ObjectAddress {
  const size = Buffer.byteLength(address.key);
  if (size > MAXIMUM_KEY) {
    throw new S3Error("KeyTooLongError", { elements: { Size: size, MaxSizeAllowed: MAXIMUM_KEY } });
  }
  return address;
}
