import { readCertificates, readKey, readRoots } from "../../native/tls/credentials";
import { memberOf } from "../json/member-of";
import { CommandError } from "./command-error";

/** What a session is made with, PEM. */
export interface Credentials {
  certificate: string;
  key: string;
  rootCA?: string;
}

/** In words that come after "the certificate (certPem)". */
const reasons: Record<string, string> = Object.freeze({
  NoPEM: "is no PEM text",
  NoArmour: "is base64 without the lines -----BEGIN and -----END",
  NoEnd: "was cut: its -----END line is missing",
  BadBase64: "has something in it that is no base64",
  IsCertificate: "is a certificate",
  IsRequest: "is a certificate request",
  IsPublicKey: "is a public key",
  IsPrivateKey: "is or has a private key",
  IsOther: "is PEM of another kind",
  Encrypted: "is encrypted",
  SeveralKeys: "has several keys",
  Unreadable: "cannot be parsed",
  Curve: "is on a curve that AWS IoT does not take: P-256, P-384 and P-521 are",
  ShortKey: "is shorter than 2048 bits",
  OtherKey: "is for another key than the camera's (or privKey)",
  NotFirst: "has the camera's own certificate, but not first",
  BrokenChain: "has a certificate that is not issued by the next one",
  WeakSignature: "is not signed with SHA-256, SHA-384 or SHA-512",
  Expired: "has expired, by this camera's clock",
  NotYetValid: "is not valid yet, by this camera's clock",
  NoAuthority: "is no authority that can vouch for a server",
  OutOfMemory: "is more than this camera's memory takes now",
});

/**
 * Judged by what will use them, with the true reason. What is to be stored takes their place: the same, or mended where there is no doubt what was meant. One by one, for
 * they have kilobytes and do not fit into the machine twice.
 *
 * @param time milliseconds since 1970, 0 while it is not known
 * @throws CommandError BadKey, BadCertificate, BadRoots: then nothing of what is stored may be replaced
 */
export function checkCredentials(credentials: Credentials, time: number): void {
  credentials.key = checkKey(credentials.key);
  credentials.certificate = checkCertificate(credentials.certificate, credentials.key, time);
  if (credentials.rootCA !== undefined) credentials.rootCA = checkRoots(credentials.rootCA, time);
}

/** A private key that TLS and AWS IoT take: P-256, P-384, P-521, or RSA of 2048 bits at least. @throws CommandError BadKey */
export function checkKey(key: string): string {
  try {
    return readKey(key);
  } catch (error) {
    throw described("BadKey", "the key (privKey)", error);
  }
}

/** A certificate, and those that issued it. @param key as checkKey gives it @throws CommandError BadCertificate */
export function checkCertificate(certificate: string, key: string, time: number): string {
  try {
    return readCertificates(certificate, key, time);
  } catch (error) {
    throw described("BadCertificate", "the certificate (certPem)", error);
  }
}

/** The same for a certificate that may belong to an earlier request: then undefined. @throws CommandError BadCertificate if it is not good */
export function certificateFor(certificate: string, key: string, time: number): string | undefined {
  try {
    return readCertificates(certificate, key, time);
  } catch (error) {
    if (nameOf(error) === "OtherKey") return undefined;
    throw described("BadCertificate", "the certificate", error);
  }
}

/** @throws CommandError BadRoots */
export function checkRoots(roots: string, time: number): string {
  try {
    return readRoots(roots, time);
  } catch (error) {
    throw described("BadRoots", "the root certificate (rootCA)", error);
  }
}

function described(code: string, subject: string, error: unknown): CommandError {
  const name = nameOf(error);
  const reason = memberOf(reasons, name) ?? `cannot be used: ${(error as Error).message}`;
  return new CommandError(code, `${subject} ${reason}`);
}

/** The engine puts the function's name before an error's own words. */
function nameOf(error: unknown): string {
  const { message } = error as Error;
  return message.slice(message.lastIndexOf(" ") + 1);
}
