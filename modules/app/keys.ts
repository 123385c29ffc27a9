import { KeyPair } from "../../native/tls/crypto";

/** A new P-256 key of the camera's own and the request for its certificate (PKCS #10), both PEM. */
export function createRequest(commonName: string): { key: string; csr: string } {
  const pair = new KeyPair();
  try {
    return { key: pair.exportPEM(), csr: pair.createRequest(commonName) };
  } finally {
    pair.close();
  }
}
