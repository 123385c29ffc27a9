type Bytes = ArrayBuffer | Uint8Array;

/** What provisioning needs of native/tls/crypto; tests may hand in another one. */
export interface ProvisioningCrypto {
  /** A fresh key pair on Curve25519 (RFC 7748). Keys and secrets are 32 bytes, little endian. */
  X25519: new () => { readonly publicKey: Bytes; deriveSecret(peerPublicKey: Uint8Array): Bytes; close(): void };
  /** AES in counter mode as one running stream; encrypts and decrypts in place. */
  AESCTR: new (
    key: Uint8Array,
    initialCounter: Uint8Array,
  ) => { transform(data: Uint8Array): void; close(): void };
  /** The device's half of SRP-6a. */
  SRPServer: new (
    salt: Uint8Array,
    verifier: Uint8Array,
  ) => {
    readonly key: Bytes;
    challenge(clientPublicKey: Uint8Array): Bytes | undefined;
    verify(username: string, proof: Uint8Array): Bytes | undefined;
    close(): void;
  };
  srpVerifier(salt: Uint8Array, username: string, password: string): Bytes;
  /** AES in Galois/counter mode, whose nonce counts messages. */
  AESGCM: new (
    key: Uint8Array,
    nonce: Uint8Array,
  ) => {
    seal(data: Uint8Array, headerLength: number): void;
    open(data: Uint8Array, headerLength: number): boolean;
    close(): void;
  };
  Digest: new (algorithm: "SHA-256") => { write(data: Uint8Array): void; close(): Bytes };
  randomBytes(count: number): Bytes;
  timingSafeEqual(a: Uint8Array, b: Uint8Array): boolean;
}

/** The same bytes as a Uint8Array, without a copy. */
export function bytesOf(value: Bytes): Uint8Array {
  return value instanceof ArrayBuffer ? new Uint8Array(value) : value;
}
