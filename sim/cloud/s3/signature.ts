import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";
import { recordOf } from "../../own-member.ts";
import { type AccessKey, isExpired, type KeySource } from "../credentials.ts";
import { type Claim, malformed, parseDate, readClaim } from "./claim.ts";
import { S3Error } from "./errors.ts";

/** The parts of a request that a signature covers. */
export interface SignedRequest {
  method: string;
  /** Raw path as it came. */
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
}

export interface SignatureRules {
  region: string;
  credentials: KeySource;
  now(): Date;
}

/** How far the clock of a signer may be off. */
const MAXIMUM_SKEW = 15 * 60 * 1000;

/** The SDK's own signer; the two texts that S3 shows when signatures differ are kept. */
class Signer extends SignatureV4 {
  canonicalRequest = "";
  stringToSign = "";

  protected override async createStringToSign(
    longDate: string,
    scope: string,
    canonicalRequest: string,
    algorithm: string,
  ): Promise<string> {
    this.canonicalRequest = canonicalRequest;
    this.stringToSign = await super.createStringToSign(longDate, scope, canonicalRequest, algorithm);
    return this.stringToSign;
  }
}

/**
 * Checks who signed a request, by signing it again with the AWS SDK's signer and comparing: presigned (query) and header-signed.
 *
 * @returns the key that it was signed with
 * @throws S3Error as S3 answers it
 */
export async function verifySignature(request: SignedRequest, rules: SignatureRules): Promise<AccessKey> {
  const claim = readClaim(request);
  const signedAt = parseDate(claim);
  checkScope(claim, rules);
  if (claim.presigned) checkValidity(claim, signedAt, rules.now());
  else checkSkew(claim, signedAt, rules.now());
  const key = rules.credentials.find(claim.accessKeyId);
  if (!key) throw new S3Error("InvalidAccessKeyId", { elements: { AWSAccessKeyId: claim.accessKeyId } });
  checkToken(claim, key, rules.now());
  checkHeaders(claim, request.headers);
  await compareSignatures(claim, signedAt, key, request, rules);
  return key;
}

function checkScope(claim: Claim, { region }: SignatureRules): void {
  const [date, scopeRegion, service, terminal] = claim.scope;
  if (claim.scope.length !== 4 || terminal !== "aws4_request") {
    throw malformed(
      claim,
      'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
    );
  }
  if (date !== claim.date.slice(0, 8)) throw malformed(claim, `incorrect date "${date}".`);
  if (service !== "s3") throw malformed(claim, `incorrect service "${service}". This endpoint belongs to "s3".`);
  if (scopeRegion !== region)
    throw malformed(claim, `the region '${scopeRegion}' is wrong; expecting '${region}'`, region);
}

function checkValidity(claim: Claim, signedAt: Date, now: Date): void {
  const expires = claim.expires as number;
  const end = new Date(signedAt.getTime() + expires * 1000);
  if (signedAt.getTime() > now.getTime() + MAXIMUM_SKEW) {
    throw new S3Error("AccessDenied", {
      message: "Request is not valid yet",
      elements: { "X-Amz-Date": claim.date, Expires: isoSeconds(end), ServerTime: isoSeconds(now) },
    });
  }
  if (now > end) {
    throw new S3Error("AccessDenied", {
      message: "Request has expired",
      elements: { "X-Amz-Expires": expires, Expires: isoSeconds(end), ServerTime: isoSeconds(now) },
    });
  }
}

function checkSkew(claim: Claim, signedAt: Date, now: Date): void {
  if (Math.abs(now.getTime() - signedAt.getTime()) <= MAXIMUM_SKEW) return;
  throw new S3Error("RequestTimeTooSkewed", {
    elements: { RequestTime: claim.date, ServerTime: isoSeconds(now), MaxAllowedSkewMilliseconds: MAXIMUM_SKEW },
  });
}

function checkToken(claim: Claim, key: AccessKey, now: Date): void {
  if (isExpired(key, now)) throw new S3Error("ExpiredToken", { elements: tokenElement(claim) });
  if (claim.token !== key.sessionToken) throw new S3Error("InvalidToken", { elements: tokenElement(claim) });
}

function tokenElement(claim: Claim) {
  return { "Token-0": claim.token };
}

function checkHeaders(claim: Claim, headers: IncomingHttpHeaders): void {
  if (!claim.signedHeaders.includes("host")) throw malformed(claim, "host is not among the signed headers.");
  const unsigned = Object.keys(headers).filter(
    (name) => name.startsWith("x-amz-") && !claim.signedHeaders.includes(name),
  );
  if (unsigned.length === 0) return;
  throw new S3Error("AccessDenied", {
    message: "There were headers present in the request which were not signed",
    elements: { HeadersNotSigned: unsigned.join(", ") },
  });
}

async function compareSignatures(
  claim: Claim,
  signingDate: Date,
  key: AccessKey,
  request: SignedRequest,
  { region }: SignatureRules,
): Promise<void> {
  const { accessKeyId, secretAccessKey, sessionToken } = key;
  const signer = new Signer({
    credentials: { accessKeyId, secretAccessKey, sessionToken },
    region,
    service: "s3",
    sha256: Sha256,
    uriEscapePath: false,
    applyChecksum: false,
  });
  const signed = new Set(claim.signedHeaders);
  const copy = {
    method: request.method,
    protocol: "https:",
    hostname: "",
    path: canonicalPath(request.path),
    query: otherParameters(request.query),
    headers: pickHeaders(request.headers, claim.signedHeaders),
    // Neither text nor bytes: the signer then takes UNSIGNED-PAYLOAD, as S3 does unless x-amz-content-sha256 is signed.
    body: {},
  };
  const options = { signingDate, signableHeaders: signed, unhoistableHeaders: signed, expiresIn: claim.expires };
  const again = claim.presigned ? await signer.presign(copy, options) : await signer.sign(copy, options);
  const signature = claim.presigned
    ? String(again.query?.["X-Amz-Signature"])
    : String(again.headers["authorization"]).replace(/^.*Signature=/, "");
  if (equal(signature, claim.signature)) return;
  throw new S3Error("SignatureDoesNotMatch", {
    elements: {
      AWSAccessKeyId: accessKeyId,
      StringToSign: signer.stringToSign,
      SignatureProvided: claim.signature,
      StringToSignBytes: spacedHex(signer.stringToSign),
      CanonicalRequest: signer.canonicalRequest,
      CanonicalRequestBytes: spacedHex(signer.canonicalRequest),
    },
  });
}

/** Whatever way a client has encoded the path, S3 signs the one canonical encoding of it. */
function canonicalPath(path: string): string {
  const encode = (text: string) =>
    encodeURIComponent(text).replace(
      /[!'()*]/g,
      (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
    );
  return path
    .split("/")
    .map((segment) => encode(decodeURIComponent(segment)))
    .join("/");
}

/** The query without what the signer adds itself. */
function otherParameters(query: URLSearchParams): Record<string, string | string[]> {
  const added = ["Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature", "Security-Token"].map(
    (name) => `X-Amz-${name}`,
  );
  const result: Record<string, string | string[]> = recordOf();
  for (const name of new Set(query.keys())) {
    if (added.includes(name)) continue;
    const values = query.getAll(name);
    result[name] = values.length === 1 ? values[0] : values;
  }
  return result;
}

function pickHeaders(headers: IncomingHttpHeaders, names: string[]): Record<string, string> {
  const result: Record<string, string> = {};
  for (const name of names) {
    const value = headers[name];
    // A header that was signed but not sent counts as empty; the signatures then differ, which is the right answer.
    result[name] = Array.isArray(value) ? value.join(",") : (value ?? "");
  }
  return result;
}

function equal(a: string, b: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

function spacedHex(text: string): string {
  return (Buffer.from(text).toString("hex").match(/../g) ?? []).join(" ");
}

function isoSeconds(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}
