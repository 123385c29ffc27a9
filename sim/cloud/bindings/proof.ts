import { createHash, createPublicKey, type KeyObject, verify, X509Certificate } from "node:crypto";

/** What the camera signs over Bluetooth (ProveOwnership, modules/app/README.md). */
export interface ClaimStatement {
  /** Cognito's identityId of the person. */
  identity: string;
  thingName: string;
  /** The cloud's. */
  nonce: string;
  /** PEM. */
  csr?: string;
}

/** What the camera answers; base64 of DER. */
export interface Proof {
  /** SubjectPublicKeyInfo. */
  publicKey: string;
  signature: string;
}

/** A name that is made of a key: `camera-` and 120 bits in base32. */
const keyName = /^camera-[a-z2-7]{24}$/;
const nameBytes = 15;
const base32 = "abcdefghijklmnopqrstuvwxyz234567";

/** Has the camera made this name of its own key? Others are given at a factory, or older than that. */
export const isOwnName = (thingName: string): boolean => keyName.test(thingName);

/** @param publicKey SubjectPublicKeyInfo, DER */
export function thingNameOf(publicKey: Buffer): string {
  const digest = createHash("sha256").update(publicKey).digest().subarray(0, nameBytes);
  const bits = [...digest].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return `camera-${(bits.match(/.{5}/g) ?? []).map((five) => base32[Number.parseInt(five, 2)]).join("")}`;
}

/** The key that a thing's name is made of has signed the text. */
export function isSignedByName(thingName: string, text: string, { publicKey, signature }: Proof): boolean {
  const der = Buffer.from(publicKey, "base64");
  if (thingNameOf(der) !== thingName) return false;
  const key = attempt(() => createPublicKey({ key: der, format: "der", type: "spki" }));
  return key?.asymmetricKeyDetails?.namedCurve === "prime256v1" && isSigned(text, key, signature);
}

/** The key of one of the certificates (PEM) has signed the text. */
export function isSignedByCertificate(text: string, { signature }: Proof, certificates: string[]): boolean {
  return certificates.some((pem) => {
    const key = attempt(() => new X509Certificate(pem).publicKey);
    return key !== undefined && isSigned(text, key, signature);
  });
}

/** The text that is signed for a claim, as the camera makes it (modules/app/ownership.ts). */
export function claimText({ identity, thingName, nonce, csr }: ClaimStatement): string {
  return ["devicelink-claim-v1", identity, thingName, nonce, csr === undefined ? "-" : digestOf(csr)].join("\n");
}

function digestOf(pem: string): string {
  const body = pem.replace(/-----(BEGIN|END)[^-]*-----/g, "");
  return createHash("sha256").update(Buffer.from(body, "base64")).digest("hex");
}

/** The same for a certificate by fleet provisioning. */
export function provisionText(thingName: string, certificateId: string): string {
  return ["devicelink-provision-v1", thingName, certificateId].join("\n");
}

function isSigned(text: string, key: KeyObject, signature: string): boolean {
  return attempt(() => verify("sha256", Buffer.from(text), key, Buffer.from(signature, "base64"))) === true;
}

/** What is sent may be nothing that can be read. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
