import {
  type Cipher,
  createCipheriv,
  createHash,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  timingSafeEqual,
} from "node:crypto";

/** DER in front of a raw X25519 public key (RFC 8410 section 4). */
const publicKeyPrefix = Buffer.from("302a300506032b656e032100", "hex");

/** The phone's half of Espressif's security 1; the camera's is modules/provisioning/security1.ts. */
export class Security1 {
  readonly publicKey: Buffer;
  #privateKey: KeyObject;
  #cipher: Cipher | undefined;

  constructor() {
    const pair = generateKeyPairSync("x25519");
    this.#privateKey = pair.privateKey;
    this.publicKey = pair.publicKey.export({ format: "der", type: "spki" }).subarray(-32);
  }

  /** Takes the camera's challenge and returns the proof that the phone knows the proof of possession. */
  prove(devicePublicKey: Uint8Array, deviceRandom: Uint8Array, proofOfPossession: string): Buffer {
    const der = Buffer.concat([publicKeyPrefix, devicePublicKey]);
    const publicKey = createPublicKey({ key: der, format: "der", type: "spki" });
    const key = diffieHellman({ privateKey: this.#privateKey, publicKey });
    if (proofOfPossession) {
      const mask = createHash("sha256").update(proofOfPossession).digest();
      for (let i = 0; i < key.length; i++) key[i] ^= mask[i];
    }
    this.#cipher = createCipheriv("aes-256-ctr", key, deviceRandom);
    return this.#cipher.update(devicePublicKey);
  }

  /** Whether the camera has proved in turn that it knows the same. */
  accepts(deviceVerifyData: Uint8Array): boolean {
    const plain = this.transform(deviceVerifyData);
    return plain.length === this.publicKey.length && timingSafeEqual(plain, this.publicKey);
  }

  /** The next bytes of the stream, encrypted or decrypted. */
  transform(data: Uint8Array): Buffer {
    return this.#cipher!.update(data);
  }
}
