import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { Sha256 } from "@aws-crypto/sha256-js";
import { createScope, getCanonicalQuery, getSigningKey } from "@smithy/signature-v4";
import { recordOf } from "../own-member.ts";
import { type AccessKey, isExpired, type KeySource } from "./credentials.ts";

/** The name of the message broker in signatures, whoever connects to it. */
const service = "iotdevicegateway";
const algorithm = "AWS4-HMAC-SHA256";

/** How far the clock of a signer may be ahead, and how long a URL without X-Amz-Expires is good, milliseconds. */
const tolerance = 5 * 60 * 1000;
/** Seconds. */
const longestExpiry = 24 * 60 * 60;

/** Why a WebSocket is refused. The client is told no more than "Forbidden". */
export class ForbiddenError extends Error {
  override readonly name = "ForbiddenError";
}

export interface WebSocketRequest {
  /** With the query. */
  url: string;
  headers: IncomingHttpHeaders;
}

interface Claim {
  accessKeyId: string;
  /** As in the URL, `20260101T120000Z`. */
  date: string;
  scope: string;
  /** Names, in lower case and in order; the host is one of them. */
  signedHeaders: string[];
  signature: string;
}

/**
 * Checks the presigned URL that a client opens its WebSocket with (IoT guide, "Device communication protocols"): SigV4 in the query,
 * mostly over the Host header alone (aws-crt has Connection signed as well). Two habits of real clients are taken, as AWS takes them: a session token that was put there after signing, and, since AWS's
 * own port never shows in it, a host that was signed without the port.
 *
 * @returns the key that it was signed with
 * @throws ForbiddenError
 */
export async function verifyWebSocketURL(
  request: WebSocketRequest,
  { keys, region }: { keys: KeySource; region: string },
): Promise<AccessKey> {
  const { pathname, searchParams } = new URL(request.url, "ws://localhost");
  const claim = readClaim(searchParams, region);
  const key = keys.find(claim.accessKeyId);
  if (!key) throw new ForbiddenError("the access key is not known");
  if (isExpired(key)) throw new ForbiddenError("the credentials have expired");
  if ((searchParams.get("X-Amz-Security-Token") ?? undefined) !== key.sessionToken)
    throw new ForbiddenError("the session token is not that of the access key");
  const signingKey = await getSigningKey(Sha256, key, claim.date.slice(0, 8), region, service);
  const sign = (text: string) => createHmac("sha256", signingKey).update(text).digest("hex");
  for (const query of signedQueries(searchParams)) {
    for (const headers of signedHeaders(claim, request.headers)) {
      const canonical = ["GET", pathname, query, headers, claim.signedHeaders.join(";"), sha256("")].join("\n");
      const text = [algorithm, claim.date, claim.scope, sha256(canonical)].join("\n");
      if (timingSafeEqual(Buffer.from(sign(text)), Buffer.from(claim.signature))) return key;
    }
  }
  throw new ForbiddenError("the signature does not match");
}

function readClaim(query: URLSearchParams, region: string): Claim {
  const take = (name: string): string => {
    const values = query.getAll(`X-Amz-${name}`);
    if (values.length === 1 && values[0]) return values[0];
    throw new ForbiddenError(`the URL has no X-Amz-${name}`);
  };
  if (take("Algorithm") !== algorithm) throw new ForbiddenError(`X-Amz-Algorithm is not ${algorithm}`);
  const signedHeaders = take("SignedHeaders").split(";");
  if (!signedHeaders.includes("host")) throw new ForbiddenError("the host is not signed");
  const date = take("Date");
  checkTime(date, query.has("X-Amz-Expires") ? take("Expires") : undefined);
  const [accessKeyId, ...rest] = take("Credential").split("/");
  const scope = createScope(date.slice(0, 8), region, service);
  if (rest.join("/") !== scope) throw new ForbiddenError(`the credential's scope is not ${scope}`);
  const signature = take("Signature");
  if (!/^[0-9a-f]{64}$/.test(signature)) throw new ForbiddenError("X-Amz-Signature is no signature");
  return { accessKeyId, date, scope, signedHeaders, signature };
}

function checkTime(date: string, expires?: string): void {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date);
  if (!match) throw new ForbiddenError("X-Amz-Date is no date");
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number);
  const signedAt = Date.UTC(year, month - 1, day, hour, minute, second);
  const lifetime = expires === undefined ? tolerance : Number(expires) * 1000;
  if (!(lifetime >= 0 && lifetime <= longestExpiry * 1000)) throw new ForbiddenError("X-Amz-Expires is out of range");
  if (signedAt > Date.now() + tolerance) throw new ForbiddenError("the URL is not valid yet");
  if (Date.now() > signedAt + lifetime) throw new ForbiddenError("the URL has expired");
}

/** The canonical headers that may have been signed: with the host as it came, and without its port. */
function signedHeaders({ signedHeaders: names }: Claim, headers: IncomingHttpHeaders): string[] {
  const { host = "" } = headers;
  const textOf = (name: string) =>
    String(headers[name] ?? "")
      .trim()
      .replace(/ +/g, " ");
  return [host, host.replace(/:\d+$/, "")].map((ofHost) =>
    names.map((name) => `${name}:${name === "host" ? ofHost : textOf(name)}\n`).join(""),
  );
}

/** What may have been signed: the query without the token, and with it. */
function signedQueries(query: URLSearchParams): string[] {
  const parameters: Record<string, string | string[]> = recordOf();
  for (const name of new Set(query.keys())) parameters[name] = query.getAll(name);
  delete parameters["X-Amz-Signature"];
  const { "X-Amz-Security-Token": token, ...without } = parameters;
  const candidates = token === undefined ? [without] : [without, parameters];
  return candidates.map((candidate) =>
    getCanonicalQuery({ query: candidate } as Parameters<typeof getCanonicalQuery>[0]),
  );
}

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
