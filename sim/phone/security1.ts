import { ctr } from "@noble/ciphers/aes.js";
import { equalBytes } from "@noble/ciphers/utils.js";
import { x25519 } from "@noble/curves/ed25519.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, utf8 } from "./bytes.ts";
import type { MessageSecurity } from "./message-security.ts";

const blockLength = 16;

/** The phone's half of Espressif's security 1, for cameras with older firmware; the camera's is modules/provisioning/security1.ts. */
export class Security1 implements MessageSecurity {
  readonly scheme = "security 1, X25519, AES-256-CTR";
  /** There is no check sum. */
  readonly overhead = 0;
  readonly publicKey: Uint8Array;
  #secretKey: Uint8Array;
  #stream: CounterStream | undefined;

  constructor() {
    const { secretKey, publicKey } = x25519.keygen();
    this.#secretKey = secretKey;
    this.publicKey = publicKey;
  }

  /**
   * Takes the camera's challenge and returns the proof that the phone knows the proof of possession.
   * @throws Error when the camera's key is one of those that give away the secret (RFC 7748 section 6.1)
   */
  prove(devicePublicKey: Uint8Array, deviceRandom: Uint8Array, proofOfPossession: string): Uint8Array {
    const key = x25519.getSharedSecret(this.#secretKey, devicePublicKey);
    if (proofOfPossession) {
      const mask = sha256(utf8(proofOfPossession));
      for (let i = 0; i < key.length; i++) key[i] ^= mask[i];
    }
    this.#stream = new CounterStream(key, deviceRandom);
    return this.#stream.transform(devicePublicKey);
  }

  /** Whether the camera has proved in turn that it knows the same. */
  accepts(deviceVerifyData: Uint8Array): boolean {
    return equalBytes(this.open(deviceVerifyData), this.publicKey);
  }

  /** The next bytes of the stream. */
  seal(data: Uint8Array): Uint8Array {
    return this.#stream!.transform(data);
  }

  open(data: Uint8Array): Uint8Array {
    return this.seal(data);
  }
}

/** AES-256-CTR whose key stream goes on from one call to the next, in the middle of a block where need be. */
class CounterStream {
  #key: Uint8Array;
  #counter: Uint8Array;
  /** Bytes of the counter's block that are used up. */
  #used = 0;

  constructor(key: Uint8Array, counter: Uint8Array) {
    this.#key = key;
    this.#counter = Uint8Array.from(counter);
  }

  transform(data: Uint8Array): Uint8Array {
    const padded = concat([new Uint8Array(this.#used), data]);
    const result = ctr(this.#key, this.#counter).encrypt(padded).slice(this.#used);
    this.#advance(Math.floor(padded.length / blockLength));
    this.#used = padded.length % blockLength;
    return result;
  }

  #advance(blocks: number): void {
    let carry = blocks;
    for (let i = blockLength - 1; i >= 0 && carry; i--) {
      carry += this.#counter[i];
      this.#counter[i] = carry & 0xff;
      carry = Math.floor(carry / 256);
    }
  }
}
