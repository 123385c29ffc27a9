import { createHash } from "node:crypto";
import { CRC32 } from "./crc32.ts";
import { S3Error } from "./errors.ts";

interface Running {
  update(bytes: Uint8Array): unknown;
  digest(): Buffer;
}

const algorithms: Record<string, () => Running> = {
  "content-md5": () => createHash("md5"),
  "x-amz-checksum-crc32": () => new CRC32(CRC32.ieee),
  "x-amz-checksum-crc32c": () => new CRC32(CRC32.castagnoli),
  "x-amz-checksum-sha1": () => createHash("sha1"),
  "x-amz-checksum-sha256": () => createHash("sha256"),
};

const digestLengths: Record<string, number> = {
  "content-md5": 16,
  "x-amz-checksum-crc32": 4,
  "x-amz-checksum-crc32c": 4,
  "x-amz-checksum-sha1": 20,
  "x-amz-checksum-sha256": 32,
};

/** Everything that is computed over a body while it arrives, and compared with what the client claimed. */
export class BodyChecks {
  readonly #md5 = createHash("md5");
  readonly #sha256 = createHash("sha256");
  readonly #claims = new Map<string, { running: Running; expected: string | undefined }>();
  readonly #contentSHA256: string | undefined;

  /**
   * @param claim value of a header, or of the query parameter that a presigner has moved it to
   * @throws S3Error InvalidDigest, InvalidRequest
   */
  constructor(claim: (name: string) => string | undefined) {
    for (const name of Object.keys(algorithms)) {
      const expected = claim(name);
      if (expected === undefined) continue;
      checkForm(name, expected);
      this.#claims.set(name, { running: algorithms[name](), expected });
    }
    const payload = claim("x-amz-content-sha256");
    if (payload && /^[0-9a-f]{64}$/.test(payload)) this.#contentSHA256 = payload;
  }

  /** A checksum that comes after the body (`x-amz-trailer`). */
  expectTrailer(name: string): void {
    if (Object.hasOwn(algorithms, name) && !this.#claims.has(name)) {
      this.#claims.set(name, { running: algorithms[name](), expected: undefined });
    }
  }

  trailer(name: string, value: string): void {
    const entry = this.#claims.get(name);
    if (!entry) return;
    checkForm(name, value);
    entry.expected = value;
  }

  update(bytes: Uint8Array): void {
    this.#md5.update(bytes);
    this.#sha256.update(bytes);
    for (const { running } of this.#claims.values()) running.update(bytes);
  }

  /**
   * @returns MD5 and SHA-256 in hex, and the verified checksums by header name
   * @throws S3Error BadDigest, XAmzContentSHA256Mismatch
   */
  finish(): { md5: string; sha256: string; checksums: Record<string, string> } {
    const checksums: Record<string, string> = {};
    for (const [name, { running, expected }] of this.#claims) {
      const actual = running.digest().toString("base64");
      if (expected !== undefined && actual !== expected) throw mismatch(name, expected, actual);
      if (name !== "content-md5") checksums[name] = actual;
    }
    const md5 = this.#md5.digest("hex");
    const sha256 = this.#sha256.digest("hex");
    if (this.#contentSHA256 && this.#contentSHA256 !== sha256) {
      throw new S3Error("XAmzContentSHA256Mismatch", {
        elements: { ClientComputedContentSHA256: this.#contentSHA256, S3ComputedContentSHA256: sha256 },
      });
    }
    return { md5, sha256, checksums };
  }
}

function checkForm(name: string, value: string): void {
  const bytes = Buffer.from(value, "base64");
  if (bytes.length === digestLengths[name] && bytes.toString("base64") === value) return;
  if (name === "content-md5") throw new S3Error("InvalidDigest", { elements: { "Content-MD5": value } });
  throw new S3Error("InvalidRequest", { message: `Value for ${name} header is invalid.` });
}

function mismatch(name: string, expected: string, actual: string): S3Error {
  if (name === "content-md5") {
    return new S3Error("BadDigest", { elements: { ExpectedDigest: expected, CalculatedDigest: actual } });
  }
  const algorithm = name.replace("x-amz-checksum-", "").toUpperCase();
  return new S3Error("BadDigest", { message: `The ${algorithm} you specified did not match the calculated checksum.` });
}
