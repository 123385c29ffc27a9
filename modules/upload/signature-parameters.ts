import { URLError } from "./url-error";

/** What the signature parameters of a presigned URL say about its use. */
export interface Grant {
  signedAt?: number;
  expiresAt?: number;
  signedHeaders?: readonly string[];
}

/** Seven days, the most that SigV4 allows (S3 User Guide, "Download and upload objects with presigned URLs"). */
const MAXIMUM_EXPIRES = 604800;

/** A grant may have 16 headers, and the engine adds host and content-length. */
const MAXIMUM_SIGNED_HEADERS = 32;

const required: readonly string[] = ["Credential", "Date", "Expires", "SignedHeaders", "Signature"];

/**
 * Reads expiry and signed headers of whichever signature scheme the URL carries:
 * SigV4 (`X-Amz-*`), the older `Expires=<seconds since 1970>` of S3 signature 2 and of OBS, and COS (`q-sign-time=<from>;<to>`).
 *
 * @param parameter percent-decoded value of a query parameter
 * @throws URLError if a SigV4 URL is incomplete or ill-formed: S3 would answer AuthorizationQueryParametersError
 */
export function readGrant(parameter: (name: string) => string | undefined): Grant {
  if (parameter("X-Amz-Algorithm") !== undefined) return readSignatureV4(parameter);
  const expires = parameter("Expires");
  if (expires !== undefined && /^[0-9]{9,12}$/.test(expires)) return { expiresAt: Number(expires) * 1000 };
  const validity = parameter("q-sign-time");
  if (validity !== undefined && /^[0-9]{9,12};[0-9]{9,12}$/.test(validity)) {
    const [from, to] = validity.split(";");
    return { signedAt: Number(from) * 1000, expiresAt: Number(to) * 1000 };
  }
  return {};
}

function readSignatureV4(parameter: (name: string) => string | undefined): Grant {
  for (const name of required) {
    if (!parameter(`X-Amz-${name}`)) throw new URLError("MissingParameter", `no X-Amz-${name}`);
  }
  const signedAt = parseBasicDate(parameter("X-Amz-Date") as string);
  const expires = parameter("X-Amz-Expires") as string;
  if (!/^[0-9]{1,6}$/.test(expires) || Number(expires) > MAXIMUM_EXPIRES) {
    throw new URLError("MalformedExpires", `X-Amz-Expires not 0 to ${MAXIMUM_EXPIRES}`);
  }
  const signedHeaders = signedNames(parameter("X-Amz-SignedHeaders") as string);
  if (!signedHeaders.includes("host")) throw new URLError("HostNotSigned", "X-Amz-SignedHeaders without host");
  return { signedAt, expiresAt: signedAt + Number(expires) * 1000, signedHeaders };
}

/** They are counted first: a URL of semicolons would make some thousand names. */
function signedNames(text: string): string[] {
  let count = 1;
  for (let at = text.indexOf(";"); at >= 0; at = text.indexOf(";", at + 1)) count += 1;
  if (count > MAXIMUM_SIGNED_HEADERS)
    throw new URLError("MalformedURL", `more than ${MAXIMUM_SIGNED_HEADERS} names in X-Amz-SignedHeaders`);
  return text.toLowerCase().split(";");
}

/** ISO 8601 basic format, UTC: 20260131T235959Z. */
function parseBasicDate(text: string): number {
  const part = /^([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})Z$/.exec(text);
  if (!part) throw new URLError("MalformedDate", "X-Amz-Date not YYYYMMDDTHHMMSSZ");
  const [year, month, day, hour, minute, second] = part.slice(1).map(Number);
  const date = Date.UTC(year, month - 1, day, hour, minute, second);
  // Date.UTC carries over (month 13 becomes January), so read it back.
  const back = new Date(date);
  if (back.getUTCMonth() !== month - 1 || back.getUTCDate() !== day || back.getUTCHours() !== hour || minute > 59) {
    throw new URLError("MalformedDate", "X-Amz-Date is no date");
  }
  return date;
}
