type Bytes = ArrayBuffer | Uint8Array;

/** A message digest, fed in pieces. */
export class Digest {
  constructor(algorithm: "MD5" | "SHA-256" | "SHA-512");
  write(data: Bytes): void;
  /** The digest: 16, 32 or 64 bytes. The object is of no use afterwards; closing it again throws. */
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

/**
 * The device's half of SRP-6a (RFC 5054, 3072-bit group, SHA-512), one conversation after another. Each number is 384 bytes, big-endian.
 * A challenge costs one modular exponentiation of 256 bits, a proof one of 512 and one of 256.
 */
export class SRPServer {
  /** @param salt at most 32 bytes; @param verifier from srpVerifier */
  constructor(salt: Bytes, verifier: Bytes);
  /** Wipes everything. */
  close(): void;
  /**
   * Takes the client's public key, at most 384 bytes, and gives the device's.
   * @param secret the device's private key, 32 bytes; absent: a random one
   * @returns undefined for a key that is none (0 modulo N)
   */
  challenge(clientPublicKey: Bytes, secret?: Bytes): ArrayBuffer | undefined;
  /**
   * Checks the client's proof, once for each challenge.
   * @returns the device's own proof, 64 bytes, or undefined
   */
  verify(username: string, proof: Bytes): ArrayBuffer | undefined;
  /** The session's key, 32 bytes. @throws Error "not proven" before verify() has succeeded */
  readonly key: ArrayBuffer;
}

/** What a device keeps instead of the password. @param salt 16 bytes are usual; @param username, password at most 63 and 127 bytes */
export function srpVerifier(salt: Bytes, username: string, password: string): ArrayBuffer;

/**
 * AES in Galois/counter mode (NIST SP 800-38D), tag of 16 bytes. The last four bytes of the nonce count messages, of both directions
 * together, as protocomm's security 2 does it: the two ends stay in step, and no message can be repeated, left out or changed.
 */
export class AESGCM {
  /** @param key 16, 24 or 32 bytes; @param nonce 12 bytes, that of the first message */
  constructor(key: Bytes, nonce: Bytes);
  close(): void;
  /**
   * Replaces the message with the sealed one: `data` is the header, the message and 16 bytes for the tag, at most 512 in all.
   * @param headerLength bytes that go in the clear and are protected as well; default 0
   * @throws Error when the counter has come to its end, RangeError for data without room for the tag
   */
  seal(data: Bytes, headerLength?: number): void;
  /**
   * Replaces the sealed message with the message, which is 16 bytes shorter.
   * @returns whether this is the peer's next message; if not, nothing is changed or counted
   */
  open(data: Bytes, headerLength?: number): boolean;
}

/** @param count at most 65,536 */
export function randomBytes(count: number): ArrayBuffer;

/** Compares in a time that tells nothing of where they differ; different lengths are not equal. */
export function timingSafeEqual(a: Bytes, b: Bytes): boolean;
