import type { HeaderList } from "./header-list";
import { findStore, type Place } from "./object-stores";
import { findParameter, hasParameter, parameterValue } from "./query";
import { maskSecrets } from "./redaction";
import { type Grant, readGrant } from "./signature-parameters";
import { URLError } from "./url-error";

/** Longest URL that is accepted, in bytes. One with an STS token is easily 1.5 kB; S3 takes 8 kB. */
const MAXIMUM_LENGTH = 4096;

/**
 * Of that, before the query: a key of S3 has 1,024 bytes, and scheme, host and bucket some 130. This part outlives the upload: it is in what is told of it, several
 * times.
 */
const MAXIMUM_PLACE = 1280;

/**
 * A presigned URL, taken apart without changing a byte of what was signed.
 *
 * The device treats path and query as opaque: any reordering or re-encoding would break the signature. It only reads when the
 * URL dies and which headers were signed. URLs of other stores (Tencent COS, Huawei OBS, MinIO) are accepted the same way; what they
 * do not say (expiry, signed headers) is undefined.
 *
 * The query is a credential: `redacted` and `redact()` are for logs, `target()` is for the wire only.
 */
export class PresignedURL {
  readonly scheme: "https" | "http";
  /** Host name in lower case, without the port. */
  readonly host: string;
  readonly port: number;
  /**
   * The value of the Host header, which every S3 URL signs: host and port as they stand in the URL, without the scheme's default port
   * (RFC 9110 section 4.2.3; so botocore and the AWS SDKs sign it).
   */
  readonly authority: string;
  /** When the URL was signed (ms since 1970), if it says. */
  readonly signedAt: number | undefined;
  /** When the URL dies (ms since 1970), if it says. Temporary credentials behind it may die sooner. */
  readonly expiresAt: number | undefined;
  /** Lower-case names of X-Amz-SignedHeaders; undefined if the URL does not say which headers were signed. */
  readonly signedHeaders: readonly string[] | undefined;

  // The caller's own string is kept rather than slices of it: a URL is a sizeable part of the machine's memory. For the same reason
  // what an upload does not need is worked out when somebody asks.
  readonly #url: string;
  readonly #path: number;
  readonly #query: number;

  /**
   * @param url absolute URL, https or http, printable ASCII
   * @throws URLError; its message never contains the URL
   */
  static parse(url: string): PresignedURL {
    return new PresignedURL(url);
  }

  private constructor(url: string) {
    if (typeof url !== "string" || url.length === 0) throw new URLError("MalformedURL", "no URL");
    if (url.length > MAXIMUM_LENGTH) throw new URLError("URLTooLong", `longer than ${MAXIMUM_LENGTH} bytes`);
    // Also what keeps a line break out of the request line and of the Host header.
    if (/[^\x21-\x7e]/.test(url)) throw new URLError("IllegalCharacter", "not printable ASCII");
    if (url.includes("#")) throw new URLError("MalformedURL", "fragment in URL");

    this.#url = url;
    this.scheme = parseScheme(url);
    const start = this.scheme.length + 3;
    this.#query = indexOrEnd(url, "?", start);
    if (this.#query > MAXIMUM_PLACE)
      throw new URLError("URLTooLong", `longer than ${MAXIMUM_PLACE} bytes before the query`);
    this.#path = Math.min(indexOrEnd(url, "/", start), this.#query);
    const authority = url.slice(start, this.#path);
    const defaultPort = this.scheme === "https" ? 443 : 80;
    this.host = parseHost(authority);
    this.port = parsePort(authority) ?? defaultPort;
    this.authority = this.port === defaultPort ? authority.slice(0, this.host.length) : authority;

    const grant: Grant = readGrant((name) => this.parameter(name));
    this.signedAt = grant.signedAt;
    this.expiresAt = grant.expiresAt;
    this.signedHeaders = grant.signedHeaders;
  }

  /** The URL without its query: safe for logs, events and telemetry. */
  get redacted(): string {
    return this.#url.slice(0, this.#query);
  }

  /** How the bucket is addressed; "opaque" where the host is of no known store. */
  get addressing(): Place["addressing"] {
    return this.place.addressing;
  }

  get bucket(): string | undefined {
    return this.place.bucket;
  }

  /** Object key, percent-encoded as in the URL. */
  get key(): string | undefined {
    return this.place.key;
  }

  get region(): string | undefined {
    return this.place.region;
  }

  private get place(): Place {
    return findStore(this.host, this.#url.slice(this.#path, this.#query));
  }

  get secure(): boolean {
    return this.scheme === "https";
  }

  /** Length of the request target (path and query) in bytes. */
  get targetLength(): number {
    return this.#url.length - this.#path + (this.#path === this.#query ? 1 : 0);
  }

  /**
   * Part of the request target (path and query, verbatim), so that a long one can be sent through a small buffer.
   * An empty path is sent as "/" (RFC 9112 section 3.2.1).
   */
  target(from = 0, to = this.targetLength): string {
    if (this.#path !== this.#query) return this.#url.slice(this.#path + from, this.#path + to);
    return `/${this.#url.slice(this.#query)}`.slice(from, to);
  }

  /** Percent-decoded value of a query parameter (exact name), or undefined. */
  parameter(name: string): string | undefined {
    const at = findParameter(this.#url, this.#query + 1, name);
    return at === undefined ? undefined : parameterValue(this.#url, at);
  }

  /** True if the URL is known to be dead at `now` (ms since 1970). S3 tests it when a request starts, not when it ends. */
  isExpired(now: number): boolean {
    return this.expiresAt !== undefined && now >= this.expiresAt;
  }

  /**
   * A checksum of the body is part of what was signed: some presigners move it from the headers into the query. Whoever signed has not
   * seen the picture.
   */
  get hasChecksum(): boolean {
    return (
      hasParameter(this.#url, this.#query + 1, "x-amz-checksum-") ||
      hasParameter(this.#url, this.#query + 1, "content-md5")
    );
  }

  /**
   * `text` without anything that would give away the query of this URL, or the headers that go with it: a server may echo both in what
   * it says.
   */
  redact(text: string, headers?: HeaderList): string {
    return maskSecrets(text, this.#url, this.#query + 1, headers);
  }

  toString(): string {
    return this.redacted;
  }
}

function parseScheme(url: string): "https" | "http" {
  const end = url.indexOf("://");
  const scheme = end < 0 ? "" : url.slice(0, end).toLowerCase();
  if (scheme === "") throw new URLError("MalformedURL", "no scheme");
  // A scheme in capitals would make `redacted` differ in length from the original; nobody signs such URLs.
  if ((scheme === "https" || scheme === "http") && url.startsWith(scheme)) return scheme;
  throw new URLError("UnsupportedScheme", "neither https nor http");
}

function parseHost(authority: string): string {
  if (authority.includes("@")) throw new URLError("MalformedHost", "user information in URL");
  const host = authority.slice(0, indexOrEnd(authority, ":", 0)).toLowerCase();
  if (host.length > 253 || !/^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/.test(host) || host.includes("..")) {
    throw new URLError("MalformedHost", "not a host name or an IPv4 address");
  }
  return host;
}

function parsePort(authority: string): number | undefined {
  const colon = authority.indexOf(":");
  if (colon < 0) return undefined;
  const text = authority.slice(colon + 1);
  const port = Number(text);
  if (!/^[0-9]{1,5}$/.test(text) || port < 1 || port > 65535)
    throw new URLError("MalformedPort", "port not 1 to 65535");
  return port;
}

function indexOrEnd(text: string, what: string, from: number): number {
  const index = text.indexOf(what, from);
  return index < 0 ? text.length : index;
}
