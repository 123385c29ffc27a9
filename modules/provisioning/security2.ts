import { bytesOf, type ProvisioningCrypto } from "./crypto-types";
import type { MessageSecurity } from "./message-security";
import type { SRPAccount } from "./srp-account";

/** What the phone needs to build its proof. */
interface Challenge {
  publicKey: Uint8Array;
  salt: Uint8Array;
}

const nonceLength = 12;
const tagLength = 16;
const clientProofLength = 64;

/**
 * The device's half of Espressif's "security 2", patch version 1 (esp-idf components/protocomm/src/security/security2.c): SRP-6a, and
 * AES-256-GCM whose nonce is eight random bytes and a counter of the messages in both directions, from 1. It knows neither
 * messages nor transport.
 *
 * A proof of possession cannot be tried anywhere but here, and a message that was changed, repeated or left out is noticed.
 */
export class Security2 implements MessageSecurity {
  #crypto: ProvisioningCrypto;
  #server: InstanceType<ProvisioningCrypto["SRPServer"]> | undefined;
  #cipher: InstanceType<ProvisioningCrypto["AESGCM"]> | undefined;

  constructor(crypto: ProvisioningCrypto) {
    this.#crypto = crypto;
  }

  get overhead(): number {
    return tagLength;
  }

  /** Whether a challenge waits for its proof. */
  get challenged(): boolean {
    return this.#server !== undefined;
  }

  get established(): boolean {
    return this.#cipher !== undefined;
  }

  /** @returns undefined for a key that is no key; then everything stays as it was */
  challenge({ salt, verifier }: SRPAccount, clientPublicKey: Uint8Array): Challenge | undefined {
    const server = new this.#crypto.SRPServer(salt, verifier);
    const publicKey = server.challenge(clientPublicKey);
    if (!publicKey) {
      server.close();
      return undefined;
    }
    this.close();
    this.#server = server;
    return { publicKey: bytesOf(publicKey), salt };
  }

  /**
   * Checks the phone's proof. There is one try for each challenge.
   * @returns the device's own proof and the first nonce, or undefined when the phone does not know the proof of possession
   */
  verify(username: string, clientProof: Uint8Array | undefined): { proof: Uint8Array; nonce: Uint8Array } | undefined {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return undefined;
    const isProof = clientProof !== undefined && clientProof.length <= clientProofLength;
    const proof = isProof ? server.verify(username, clientProof) : undefined;
    const nonce = proof && this.start(bytesOf(server.key));
    server.close();
    return proof && nonce && { proof: bytesOf(proof), nonce };
  }

  seal(value: Uint8Array, headerLength: number): void {
    this.#cipher!.seal(value, headerLength);
  }

  open(value: Uint8Array, headerLength: number): Uint8Array | undefined {
    const isNext = this.#cipher?.open(value, headerLength);
    return isNext ? value.subarray(headerLength, value.length - tagLength) : undefined;
  }

  close(): void {
    this.#server?.close();
    this.#server = undefined;
    this.#cipher?.close();
    this.#cipher = undefined;
  }

  /** @returns the nonce of the first message */
  private start(key: Uint8Array): Uint8Array {
    const { AESGCM, randomBytes } = this.#crypto;
    const nonce = bytesOf(randomBytes(nonceLength));
    nonce.fill(0, 8);
    nonce[nonceLength - 1] = 1;
    this.#cipher = new AESGCM(key, nonce);
    key.fill(0);
    return nonce;
  }
}
