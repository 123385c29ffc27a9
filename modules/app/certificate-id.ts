import Base64 from "base64";
import { Digest } from "../../native/tls/crypto";

const begin = "-----BEGIN CERTIFICATE-----";
const end = "-----END CERTIFICATE-----";

/** AWS IoT's certificate id: SHA-256 of the DER of the first certificate in a PEM text, in hex. null if there is none. */
export function certificateIdOf(pem: string): string | null {
  const from = pem.indexOf(begin);
  const to = pem.indexOf(end, from);
  if (from < 0 || to < 0) return null;
  const digest = new Digest("SHA-256");
  digest.write(Base64.decode(pem.slice(from + begin.length, to).replace(/\s/g, "")));
  let id = "";
  for (const byte of new Uint8Array(digest.close())) id += (byte < 16 ? "0" : "") + byte.toString(16);
  return id;
}
