import type { HeaderList } from "./header-list";
import type { PresignedURL } from "./presigned-url";

export type Framing = "length" | "chunked";

export type RequestHeaderErrorCode =
  | "MalformedHeader"
  | "ForbiddenHeader"
  | "HeaderNotSigned"
  | "SignedHeaderMissing"
  | "LengthMismatch";

/** Why a grant (URL and headers) cannot be turned into a request. Names the header, never its value. */
export class RequestHeaderError extends Error {
  readonly code: RequestHeaderErrorCode;
  readonly header: string;

  constructor(code: RequestHeaderErrorCode, header: string) {
    super(`${code}: ${header}`);
    this.code = code;
    this.header = header;
  }

  // An own property cannot be made: Error.prototype is in flash, and its name with it.
  override get name(): string {
    return "RequestHeaderError";
  }
}

/** These decide the framing and the life of the connection: the engine alone sets them. */
const forbidden: readonly string[] = [
  "connection",
  "expect",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** Headers that the engine writes itself and that a grant may repeat if they agree. */
const own: readonly string[] = ["host", "content-length"];

/**
 * Checks the headers of a grant and returns the ones to send besides those of the engine, in the order given.
 *
 * A request must carry every signed header with its exact value, and S3 refuses unsigned `x-amz-*` headers (403 HeadersNotSigned).
 * Nothing is added unasked: a default Content-Type alone breaks a signature (SignatureDoesNotMatch).
 *
 * @param byteLength length of the frame, to be compared with a granted Content-Length
 * @throws RequestHeaderError
 */
export function checkHeaders(
  url: PresignedURL,
  headers: HeaderList | undefined,
  byteLength: number,
  framing: Framing,
): HeaderList {
  const result: [string, string][] = [];
  const seen: string[] = [];
  for (const [name, value] of headers ?? []) {
    const lower = name.toLowerCase();
    checkSyntax(lower, value);
    if (seen.includes(lower) || forbidden.includes(lower)) throw new RequestHeaderError("ForbiddenHeader", lower);
    seen.push(lower);
    if (lower === "host" && !isHost(url, value)) throw new RequestHeaderError("ForbiddenHeader", lower);
    if (lower === "content-length" && (framing === "chunked" || value !== String(byteLength))) {
      throw new RequestHeaderError("LengthMismatch", lower);
    }
    if (lower.startsWith("x-amz-") && url.signedHeaders && !url.signedHeaders.includes(lower)) {
      throw new RequestHeaderError("HeaderNotSigned", lower);
    }
    if (!own.includes(lower)) result.push([name, value]);
  }
  for (const name of url.signedHeaders ?? []) {
    const isOwn = name === "host" || (name === "content-length" && framing === "length");
    if (!isOwn && !seen.includes(name)) throw new RequestHeaderError("SignedHeaderMissing", name);
  }
  return result;
}

/** The Host header. A signer that has signed the default port as well says so in the grant. */
export function hostHeader(url: PresignedURL, headers: HeaderList | undefined): string {
  return headerValue(headers, "host") ?? url.authority;
}

/** The value of a header of the grant, whatever the case of its name. */
export function headerValue(headers: HeaderList | undefined, name: string): string | undefined {
  for (const [key, value] of headers ?? []) if (key.toLowerCase() === name) return value;
  return undefined;
}

/** The URL creates an object and replaces none. */
export function isCreateOnly(headers: HeaderList | undefined): boolean {
  return headerValue(headers, "if-none-match") === "*";
}

/** The grant says what the checksum of the body is. */
export function hasChecksum(url: PresignedURL, headers: HeaderList | undefined): boolean {
  if (url.hasChecksum) return true;
  for (const [name] of headers ?? []) if (/^(content-md5$|x-amz-checksum-)/i.test(name)) return true;
  return false;
}

function isHost(url: PresignedURL, value: string): boolean {
  const lower = value.toLowerCase();
  return lower === url.authority.toLowerCase() || lower === `${url.host}:${url.port}`;
}

/** RFC 9110 sections 5.1 and 5.5: a token, and visible ASCII with inner spaces. Keeps line breaks out of the head. */
function checkSyntax(name: string, value: unknown): void {
  if (!/^[!#$%&'*+\-.^_`|~0-9a-z]{1,64}$/.test(name)) throw new RequestHeaderError("MalformedHeader", "(name)");
  if (typeof value !== "string" || value.length > 1024 || !/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(value)) {
    throw new RequestHeaderError("MalformedHeader", name);
  }
}
