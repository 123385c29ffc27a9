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
 * The ETag is the MD5 of the object only for a plain PUT without KMS or customer keys (S3 User Guide, "Checking object integrity");
 * those announce themselves in the answer. Directory buckets (S3 Express) give ETags that are no MD5.
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

  /** "unknown" if the answer carries no ETag that could be compared. */
  compare(headers: Readonly<Record<string, string>>, host: string): "same" | "different" | "unknown" {
    this.close();
    const match = /^"?([0-9a-f]{32})"?$/i.exec(headers["etag"] ?? "");
    const encryption = headers["x-amz-server-side-encryption"] ?? "AES256";
    const customerKey = headers["x-amz-server-side-encryption-customer-algorithm"];
    if (!match || !this.#md5 || encryption !== "AES256" || customerKey || host.includes(".s3express-"))
      return "unknown";
    return match[1].toLowerCase() === this.#md5 ? "same" : "different";
  }
}

function hex(buffer: ArrayBuffer): string {
  let text = "";
  for (const byte of new Uint8Array(buffer)) text += (0x100 + byte).toString(16).slice(1);
  return text;
}
