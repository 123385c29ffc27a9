type Bytes = ArrayBuffer | Uint8Array;

/** A message digest, fed in pieces. */
export class Digest {
  constructor(algorithm: "MD5" | "SHA-256");
  write(data: Bytes): void;
  /** The digest: 16 or 32 bytes. The object is of no use afterwards; closing it again throws. */
  close(): ArrayBuffer;
}

/** A private key for TLS. It stays in native memory; only the two exports, for the device's own storage, let it out. */
export class KeyPair {
  /**
   * Without an argument a new P-256 key; otherwise the key of a PEM text or DER (PKCS #8, SEC 1, PKCS #1): P-256, P-384, P-521 or RSA
   * of at least 2048 bits.
   * @throws Error "BadKey" for anything else
   */
  constructor(key?: string | Bytes);
  /** Wipes the key, once no handshake uses it any more. */
  close(): void;
  /**
   * A certificate signing request (PKCS #10, PEM) for this key, signed with SHA-256.
   * @param commonName up to 64 printable ASCII characters, none of `,=+<>#;\"`
   * @throws RangeError for another name
   */
  createRequest(commonName: string): string;
  /** Is the certificate (PEM or DER, the first one of a chain) for this key? False also if it is no certificate. */
  matches(certificate: string | Bytes): boolean;
  /** DER (SEC 1 or PKCS #1), unencrypted. */
  export(): ArrayBuffer;
  /** The same as PEM. */
  exportPEM(): string;
  /** SubjectPublicKeyInfo (RFC 5280), DER; of a P-256 key 91 bytes. */
  readonly publicKey: ArrayBuffer;
  /** A signature of the data with SHA-256: ECDSA as DER (X9.62), or RSA with PKCS #1 v1.5. */
  sign(data: Bytes): ArrayBuffer;
}

/** Diffie-Hellman on Curve25519 (RFC 7748). Keys and secrets are 32 bytes, little endian. */
export class X25519 {
  /** A new key pair, or that of the given private key. */
  constructor(privateKey?: Bytes);
  close(): void;
  readonly publicKey: ArrayBuffer;
  /** @throws Error "BadPeerKey" if the peer's key is malformed or makes the secret known to everybody (zero) */
  deriveSecret(peerPublicKey: Bytes): ArrayBuffer;
}

/** AES in counter mode (NIST SP 800-38A) as one running stream: encrypts and decrypts alike. */
export class AESCTR {
  /** @param key 16, 24 or 32 bytes; @param counter 16 bytes, the first counter block */
  constructor(key: Bytes, counter: Bytes);
  close(): void;
  /** Replaces the bytes with the next ones of the stream. */
  transform(data: Bytes): void;
}

/** @param count at most 65,536 */
export function randomBytes(count: number): ArrayBuffer;

/** Compares in a time that tells nothing of where they differ; different lengths are not equal. */
export function timingSafeEqual(a: Bytes, b: Bytes): boolean;
