import Base64 from "base64";
import type { KeyPair } from "../../../native/tls/crypto";

/** ecdsa-with-SHA256 (RFC 5758). */
const algorithm = [0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
/** CN=x: mbedTLS takes no empty name. */
const name = [0x30, 0x0c, 0x31, 0x0a, 0x30, 0x08, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x01, 0x78];

/** A certificate of version 1 for the key and by it (RFC 5280), PEM; good from 2026 to 2036. */
export function selfSigned(pair: KeyPair): string {
  const time = (text: string) => element(0x17, new Uint8Array(ArrayBuffer.fromString(text)));
  const validity = element(0x30, time("260101000000Z"), time("360101000000Z"));
  const key = new Uint8Array(pair.publicKey);
  const toBeSigned = element(0x30, element(0x02, [1]), algorithm, name, validity, name, key);
  const signature = new Uint8Array(pair.sign(toBeSigned.buffer as ArrayBuffer));
  const certificate = element(0x30, toBeSigned, algorithm, element(0x03, [0], signature));
  const lines = Base64.encode(certificate.buffer as ArrayBuffer).match(/.{1,64}/g) as string[];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

/** DER, for up to 65,535 bytes. */
function element(tag: number, ...parts: ArrayLike<number>[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const long = length > 255 ? [0x82, length >> 8, length & 255] : [0x81, length];
  const header = [tag, ...(length < 128 ? [length] : long)];
  const bytes = new Uint8Array(header.length + length);
  let position = 0;
  for (const part of [header, ...parts]) {
    bytes.set(part, position);
    position += part.length;
  }
  return bytes;
}
