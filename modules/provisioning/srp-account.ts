import { bytesOf, type ProvisioningCrypto } from "./crypto-types";

/** User name of SRP that Espressif's apps and esp_prov take unless told otherwise. */
export const srpUsername = "wifiprov";

/** Where something is kept that a power cycle must not forget: storage/record-store. */
export interface ProvisioningStorage {
  readBytes(key: string): ArrayBuffer | undefined;
  writeBytes(key: string, bytes: Uint8Array): void;
  delete(key: string): void;
}

/** What an SRP server knows of its user. */
export interface SRPAccount {
  salt: Uint8Array;
  verifier: Uint8Array;
}

const storageKey = "srp";
const saltLength = 16;
const verifierLength = 384;
const digestLength = 32;
const accountLength = saltLength + verifierLength;

/**
 * The account of this proof of possession: the stored one, or a new one, which costs a modular exponentiation and is kept from then on. It
 * is stored with a digest of the proof, so that another label gets another account.
 */
export function srpAccount(crypto: ProvisioningCrypto, storage: ProvisioningStorage, proof: string): SRPAccount {
  const digest = digestOf(crypto, proof);
  const stored = storage.readBytes(storageKey);
  if (stored?.byteLength === accountLength + digestLength) {
    const bytes = new Uint8Array(stored);
    if (crypto.timingSafeEqual(bytes.subarray(accountLength), digest)) return accountOf(bytes);
  }
  const bytes = makeAccount(crypto, proof, digest);
  try {
    storage.writeBytes(storageKey, bytes);
  } catch {
    // Storage that is full or worn out costs a second each time, not the session.
  }
  return accountOf(bytes);
}

function makeAccount(crypto: ProvisioningCrypto, proof: string, digest: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(accountLength + digestLength);
  const { salt, verifier } = accountOf(bytes);
  salt.set(bytesOf(crypto.randomBytes(saltLength)));
  // Some clients take the salt for a number and leave out its leading zeros.
  salt[0] |= 0x80;
  verifier.set(bytesOf(crypto.srpVerifier(salt, srpUsername, proof)));
  bytes.set(digest, accountLength);
  return bytes;
}

function accountOf(bytes: Uint8Array): SRPAccount {
  return { salt: bytes.subarray(0, saltLength), verifier: bytes.subarray(saltLength, accountLength) };
}

function digestOf({ Digest }: ProvisioningCrypto, proof: string): Uint8Array {
  const digest = new Digest("SHA-256");
  digest.write(new Uint8Array(ArrayBuffer.fromString(proof)));
  return bytesOf(digest.close());
}
