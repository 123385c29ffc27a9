import { KeyPair } from "../../native/tls/crypto";
import { CommandError } from "./command-error";

/** A new P-256 key of the camera's own and the request for its certificate (PKCS #10), both PEM. */
export function createRequest(commonName: string): { key: string; csr: string } {
  const pair = new KeyPair();
  try {
    return { key: pair.exportPEM(), csr: pair.createRequest(commonName) };
  } finally {
    pair.close();
  }
}

/** Is the certificate for this key? */
export function isPair(certificate: string, key: string): boolean {
  const pair = new KeyPair(key);
  try {
    return pair.matches(certificate);
  } finally {
    pair.close();
  }
}

/** @throws CommandError BadKey, BadCertificate: then nothing of what is stored may be replaced */
export function checkPair(certificate: string, key: string): void {
  let pair: KeyPair;
  try {
    pair = new KeyPair(key);
  } catch {
    throw new CommandError("BadKey", "privKey is no P-256, P-384, P-521 or RSA key that can be read");
  }
  try {
    if (!pair.matches(certificate)) throw new CommandError("BadCertificate", "certPem is not for this camera's key");
  } finally {
    pair.close();
  }
}
