import { timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";
import { recordOf } from "../own-member.ts";
import { type AccessKey, isExpired, type KeySource } from "./credentials.ts";
import { RegistryError } from "./registry-error.ts";

/** How far the clock of a caller may be off, milliseconds. */
const maximumSkew = 5 * 60 * 1000;

export interface Signers {
  service: string;
  region: string;
  credentials: KeySource;
}

/**
 * Checks the SigV4 signature of a request to an AWS API by signing the same request again with the AWS SDK's signer.
 *
 * @throws RegistryError UnrecognizedClientException, ExpiredTokenException, InvalidSignatureException
 */
export async function verifyRequest(request: IncomingMessage, body: Buffer, signers: Signers): Promise<AccessKey> {
  const { service, region, credentials } = signers;
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/,]+)\/([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      request.headers.authorization ?? "",
    );
  if (!match) throw new RegistryError("UnrecognizedClientException", "Missing Authentication Token");
  const [, accessKeyId, scope, names, signature] = match;
  const key = credentials.find(accessKeyId);
  if (!key) throw unrecognized("The security token included in the request is invalid.");
  if (isExpired(key))
    throw new RegistryError("ExpiredTokenException", "The security token included in the request is expired");
  if (key.sessionToken !== request.headers["x-amz-security-token"])
    throw unrecognized("The security token included in the request is invalid.");
  const signingDate = parseDate(request.headers["x-amz-date"]);
  if (scope !== `${isoBasic(signingDate).slice(0, 8)}/${region}/${service}/aws4_request`)
    throw invalid(`Credential should be scoped to a valid region and service, here ${region} and ${service}.`);
  if (Math.abs(Date.now() - signingDate.getTime()) > maximumSkew)
    throw invalid(`Signature not yet current or expired: ${isoBasic(signingDate)}`);
  const again = await signAgain(request, body, names.split(";"), key, { service, region, signingDate });
  if (!timingSafeEqual(Buffer.from(again), Buffer.from(signature)))
    throw invalid("The request signature we calculated does not match the signature you provided.");
  return key;
}

async function signAgain(
  request: IncomingMessage,
  body: Buffer,
  names: string[],
  credentials: AccessKey,
  { service, region, signingDate }: { service: string; region: string; signingDate: Date },
): Promise<string> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "https://localhost");
  const query: Record<string, string | string[]> = recordOf();
  for (const name of new Set(searchParams.keys())) query[name] = searchParams.getAll(name);
  const headers = Object.fromEntries(names.map((name) => [name, String(request.headers[name] ?? "")]));
  const signer = new SignatureV4({ credentials, region, service, sha256: Sha256, applyChecksum: false });
  const signed = await signer.sign(
    { method: request.method ?? "GET", protocol: "https:", hostname: "", path: pathname, query, headers, body },
    { signingDate, signableHeaders: new Set(names) },
  );
  return signed.headers.authorization.replace(/^.*Signature=/, "");
}

function parseDate(text: string | string[] | undefined): Date {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(String(text));
  if (!match) throw invalid("x-amz-date is missing");
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number);
  return new Date(Date.UTC(year, month - 1, day, hour, minute, second));
}

const isoBasic = (date: Date) => date.toISOString().replace(/[-:]|\.\d+/g, "");
const invalid = (message: string) => new RegistryError("InvalidSignatureException", message);
const unrecognized = (message: string) => new RegistryError("UnrecognizedClientException", message);
