/** What the upload needs of `Digest` in native/tls/crypto. */
export type DigestConstructor = new (
  algorithm: "MD5",
) => {
  write(bytes: Uint8Array): void;
  /** The digest; the object is of no use afterwards. */
  close(): ArrayBuffer;
};

/**
 * Compares a store's ETag with the MD5 of the bytes that were sent.
 *
 * The same is the same with every store. A difference is a damage only where MD5 is promised: by Amazon S3 (and stores that speak its
 * dialect, x-amz-) for a plain PUT without KMS or customer keys, which announce themselves in the answer (S3 User Guide, "Checking object
 * integrity"). OBS, COS and OSS give other ETags for encrypted objects, and S3 Express (directory buckets) for all.
 */
export class ETagCheck {
  #digest: InstanceType<DigestConstructor> | undefined;
  #md5: string | undefined;

  constructor(Digest: DigestConstructor) {
    this.#digest = new Digest("MD5");
  }

  /** The next body bytes. */
  write(bytes: Uint8Array): void {
    this.#digest?.write(bytes);
  }

  /** Ends the digest. Harmless when repeated. */
  close(): void {
    if (!this.#digest) return;
    const digest = this.#digest;
    this.#digest = undefined;
    try {
      this.#md5 = hex(digest.close());
    } catch {
      // Then nothing can be compared, which must not cost the upload.
    }
  }

  /** "unknown" if the answer carries no ETag that could be compared, or another one and nobody promised that it is the MD5. */
  compare(headers: Readonly<Record<string, string>>, host: string): "same" | "different" | "unknown" {
    this.close();
    const match = /^"?([0-9a-f]{32})"?$/i.exec(headers["etag"] ?? "");
    if (!match || !this.#md5) return "unknown";
    if (match[1].toLowerCase() === this.#md5) return "same";
    return promisesMD5(headers, host) ? "different" : "unknown";
  }
}

function promisesMD5(headers: Readonly<Record<string, string>>, host: string): boolean {
  const isAmazonDialect = headers["x-amz-request-id"] !== undefined;
  return isAmazonDialect && headers["encryption"] === undefined && !host.includes(".s3express-");
}

function hex(buffer: ArrayBuffer): string {
  let text = "";
  for (const byte of new Uint8Array(buffer)) text += (0x100 + byte).toString(16).slice(1);
  return text;
}
