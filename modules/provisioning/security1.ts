import { bytesOf, type ProvisioningCrypto } from "./crypto-types";
import type { MessageSecurity } from "./message-security";

const keyLength = 32;
const randomLength = 16;

export interface Security1Options {
  crypto: ProvisioningCrypto;
  proofOfPossession: string;
}

/** What the phone needs to build its proof. */
export interface Challenge {
  publicKey: Uint8Array;
  random: Uint8Array;
}

/**
 * The device's half of Espressif's "security 1" (esp-idf components/protocomm/src/security/security1.c): X25519, the secret XORed
 * with SHA-256 of the proof of possession, and AES-256 in counter mode as one stream for both directions, which begins with
 * the two proofs and goes on through every message. It knows neither messages nor transport.
 *
 * The stream carries no check sums: who can alter the link can flip bits in a message. And who has pretended once to be the camera can
 * try proofs of possession at home. So it is for phones that cannot do better, and for proofs that are too long for that (proof-strength).
 */
export class Security1 implements MessageSecurity {
  #crypto: ProvisioningCrypto;
  #proofOfPossession: string;
  #cipher: InstanceType<ProvisioningCrypto["AESCTR"]> | undefined;
  #devicePublicKey: Uint8Array | undefined;
  #clientPublicKey: Uint8Array | undefined;
  #established = false;

  constructor(options: Security1Options) {
    this.#crypto = options.crypto;
    this.#proofOfPossession = options.proofOfPossession;
  }

  get established(): boolean {
    return this.#established;
  }

  /** There is no check sum. */
  get overhead(): number {
    return 0;
  }

  /**
   * Begins a new session, whatever there was before.
   * @returns undefined for a key that is no key: not 32 bytes, or one that makes the secret predictable (RFC 7748 section 6.1);
   * then everything stays as it was
   */
  challenge(clientPublicKey: Uint8Array | undefined): Challenge | undefined {
    if (clientPublicKey?.length !== keyLength) return undefined;
    const { X25519, AESCTR, randomBytes } = this.#crypto;
    const pair = new X25519();
    const publicKey = bytesOf(pair.publicKey);
    const key = this.deriveKey(pair, clientPublicKey);
    pair.close();
    if (!key) return undefined;
    this.close();
    const random = bytesOf(randomBytes(randomLength));
    this.#cipher = new AESCTR(key, random);
    key.fill(0);
    this.#devicePublicKey = publicKey;
    this.#clientPublicKey = clientPublicKey.slice();
    return { publicKey, random };
  }

  /**
   * Checks the phone's proof: the device's public key, encrypted. There is one try for each challenge.
   * @returns the device's own proof, or undefined when the phone does not know the proof of possession
   */
  verify(clientVerifyData: Uint8Array | undefined): Uint8Array | undefined {
    const cipher = this.#cipher;
    const expected = this.#devicePublicKey;
    const answer = this.#clientPublicKey;
    if (!cipher || !expected || !answer || this.#established) {
      this.close();
      return undefined;
    }
    const proof = clientVerifyData?.slice();
    if (proof) cipher.transform(proof);
    if (proof?.length !== keyLength || !this.#crypto.timingSafeEqual(proof, expected)) {
      this.close();
      return undefined;
    }
    cipher.transform(answer);
    this.#devicePublicKey = undefined;
    this.#clientPublicKey = undefined;
    this.#established = true;
    return answer;
  }

  /** Whether a challenge waits for its proof. */
  get challenged(): boolean {
    return this.#cipher !== undefined && !this.#established;
  }

  seal(value: Uint8Array, headerLength: number): void {
    this.open(value, headerLength);
  }

  /** The same both ways: a stream cipher. */
  open(value: Uint8Array, headerLength: number): Uint8Array {
    const message = value.subarray(headerLength);
    if (this.#established) this.#cipher!.transform(message);
    return message;
  }

  close(): void {
    this.#cipher?.close();
    this.#cipher = undefined;
    this.#devicePublicKey = undefined;
    this.#clientPublicKey = undefined;
    this.#established = false;
  }

  private deriveKey(pair: InstanceType<ProvisioningCrypto["X25519"]>, peer: Uint8Array): Uint8Array | undefined {
    let secret: Uint8Array;
    try {
      secret = bytesOf(pair.deriveSecret(peer));
    } catch {
      return undefined;
    }
    let bits = 0;
    for (const byte of secret) bits |= byte;
    if (!bits) return undefined;
    if (this.#proofOfPossession) {
      const digest = new this.#crypto.Digest("SHA-256");
      digest.write(new Uint8Array(ArrayBuffer.fromString(this.#proofOfPossession)));
      const mask = bytesOf(digest.close());
      for (let i = 0; i < keyLength; i++) secret[i] ^= mask[i];
    }
    return secret;
  }
}
