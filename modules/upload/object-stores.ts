/** Where an object lies, as far as host and path tell. */
export interface Place {
  addressing: "virtual-hosted" | "path" | "opaque";
  bucket?: string;
  key?: string;
  region?: string;
}

/** Domain suffix of a store and the host label that separates the bucket (before it) from the region (after it). */
const stores: readonly { suffix: string; label: string }[] = [
  { suffix: ".amazonaws.com", label: "s3" },
  { suffix: ".amazonaws.com.cn", label: "s3" },
  { suffix: ".myqcloud.com", label: "cos" },
  { suffix: ".myhuaweicloud.com", label: "obs" },
];

/**
 * Bucket, key and region of an object of a known store: `bucket.s3.region.amazonaws.com/key` (virtual-hosted) or
 * `s3.region.amazonaws.com/bucket/key` (path style). Amazon S3 User Guide, "Virtual hosting of general purpose buckets".
 *
 * @param host lower-case host name
 * @param path percent-encoded path with its leading slash, or empty
 */
export function findStore(host: string, path: string): Place {
  for (const { suffix, label } of stores) {
    if (!host.endsWith(suffix)) continue;
    const labels = host.slice(0, -suffix.length).split(".");
    const at = lastServiceLabel(labels, label);
    if (at < 0) continue;
    const region = regionOf(labels, at, label);
    if (at > 0) {
      return { addressing: "virtual-hosted", bucket: labels.slice(0, at).join("."), key: path.slice(1), region };
    }
    const slash = path.indexOf("/", 1);
    const end = slash < 0 ? path.length : slash;
    return { addressing: "path", bucket: path.slice(1, end), key: path.slice(end + 1), region };
  }
  return { addressing: "opaque" };
}

/** The last one, since bucket names may contain dots and even a label "s3". */
function lastServiceLabel(labels: string[], label: string): number {
  for (let i = labels.length - 1; i >= 0; i -= 1) {
    if (labels[i] === label || labels[i].startsWith(`${label}-`)) return i;
  }
  return -1;
}

function regionOf(labels: string[], at: number, label: string): string | undefined {
  const rest = labels.slice(at + 1).filter((name) => name !== "dualstack");
  if (rest.length > 0) return rest[0];
  // The old form s3-us-west-2; "accelerate" and "fips" are variants of the service, not regions.
  const legacy = labels[at].slice(label.length + 1);
  return /^[a-z]+(-[a-z]+)+-[0-9]+$/.test(legacy) ? legacy : undefined;
}
