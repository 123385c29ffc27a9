import { gcm } from "@noble/ciphers/aes.js";
import { equalBytes } from "@noble/ciphers/utils.js";
import { srpUsername } from "./label.ts";
import type { MessageSecurity } from "./message-security.ts";
import { SRPClient } from "./srp6a.ts";

const nonceLength = 12;
const keyLength = 32;
/** Bytes of the nonce before the counter. */
const sessionIdLength = 8;

/**
 * The phone's half of Espressif's security 2, patch version 1: SRP-6a and AES-256-GCM, whose nonce counts the messages of both directions.
 * The camera's is modules/provisioning/security2.ts.
 */
export class Security2 implements MessageSecurity {
  readonly scheme = "security 2, SRP-6a, AES-256-GCM";
  readonly overhead = 16;
  #srp = new SRPClient();
  #agreement: ReturnType<SRPClient["agree"]>;
  #key: Uint8Array = new Uint8Array(0);
  #nonce: Uint8Array = new Uint8Array(0);

  get publicKey(): Uint8Array {
    return this.#srp.publicKey;
  }

  /** Takes the camera's challenge and returns the proof; undefined when its key is none. */
  prove(deviceKey: Uint8Array, salt: Uint8Array, proofOfPossession: string): Uint8Array | undefined {
    this.#agreement = this.#srp.agree(srpUsername, proofOfPossession, salt, deviceKey);
    return this.#agreement?.proof;
  }

  /** Whether the camera has proved in turn that it knows the same; then messages go from here. */
  accepts(deviceProof: Uint8Array, nonce: Uint8Array): boolean {
    const agreement = this.#agreement;
    if (!agreement || !equalBytes(deviceProof, agreement.deviceProof) || nonce.length !== nonceLength) return false;
    this.#key = agreement.key.slice(0, keyLength);
    this.#nonce = Uint8Array.from(nonce);
    this.#agreement = undefined;
    return true;
  }

  seal(data: Uint8Array, header?: number): Uint8Array {
    const sealed = this.#cipher(header).encrypt(data);
    this.#count();
    return sealed;
  }

  /** @returns undefined when this is not the camera's next message */
  open(data: Uint8Array, header?: number): Uint8Array | undefined {
    try {
      const opened = this.#cipher(header).decrypt(data);
      this.#count();
      return opened;
    } catch {
      return undefined;
    }
  }

  #cipher(header: number | undefined) {
    return gcm(this.#key, this.#nonce, header === undefined ? undefined : Uint8Array.of(header));
  }

  /** @throws RangeError after 2^32 messages: no nonce is used twice */
  #count(): void {
    for (let i = nonceLength - 1; i >= sessionIdLength; i--) {
      this.#nonce[i] = (this.#nonce[i] + 1) & 0xff;
      if (this.#nonce[i]) return;
    }
    this.#key = new Uint8Array(0);
  }
}
