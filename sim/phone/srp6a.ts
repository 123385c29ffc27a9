import { sha512 } from "@noble/hashes/sha2.js";
import { concat, utf8 } from "./bytes.ts";

/** The 3072-bit group of RFC 5054 appendix A (the prime of RFC 3526). */
const prime = BigInt(
  "0xffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404ddef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7edee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3dc2007cb8a163bf0598da48361c55d39a69163fa8fd24cf5f83655d23dca3ad961c62f356208552bb9ed529077096966d670c354e4abc9804f1746c08ca18217c32905e462e36ce3be39e772c180e86039b2783a2ec07a28fb5c55df06f4c52c9de2bcbf6955817183995497cea956ae515d2261898fa051015728e5a8aaac42dad33170d04507a33a85521abdf1cba64ecfb850458dbef0a8aea71575d060c7db3970f85a6e1e4c7abf5ae8cdb0933d71e8c94e04a25619dcee3d2261ad2ee6bf12ffa06d98a0864d87602733ec86a64521f2b18177b200cbbe117577a615d6c770988c0bad946e208e24fa074e5ab3143db5bfce0fd108e4b82d120a93ad2caffffffffffffffff",
);
const generator = 5n;
const size = 384;
const secretSize = 32;

/** What SRP agrees on: the proof to send, the one to expect, and the session's key of 64 bytes. */
interface Agreement {
  proof: Uint8Array;
  deviceProof: Uint8Array;
  key: Uint8Array;
}

/**
 * The client's half of SRP-6a (RFC 5054, SHA-512), as Espressif's security 2 speaks it; the device's is native/tls/srp.c. Numbers are hashed without
 * leading zeros; the client's public key has none. BigInt takes its time by the numbers: that is for the phone of who knows the
 * proof, nobody else measures it.
 */
export class SRPClient {
  readonly publicKey: Uint8Array;
  #secret: bigint;

  constructor() {
    let value: bigint;
    do {
      this.#secret = toNumber(crypto.getRandomValues(new Uint8Array(secretSize)));
      value = power(generator, this.#secret);
    } while (value >> BigInt(8 * (size - 1)) === 0n);
    this.publicKey = toBytes(value);
  }

  /** @returns undefined for a device's key that is no key, with which anybody could know the secret (RFC 5054 section 2.5.3) */
  agree(username: string, password: string, salt: Uint8Array, deviceKey: Uint8Array): Agreement | undefined {
    const B = toNumber(deviceKey);
    const u = toNumber(sha512(concat([this.publicKey, padded(B)])));
    if (deviceKey.length > size || B % prime === 0n || u === 0n) return undefined;
    const k = toNumber(sha512(concat([toBytes(prime), padded(generator)])));
    const x = toNumber(sha512(concat([salt, sha512(utf8(`${username}:${password}`))])));
    const base = modulo(B - k * power(generator, x));
    const key = sha512(toBytes(power(base, this.#secret + u * x)));
    const group = sha512(toBytes(prime));
    for (const [i, byte] of sha512(padded(generator)).entries()) group[i] ^= byte;
    const proof = sha512(concat([group, sha512(utf8(username)), salt, this.publicKey, toBytes(B), key]));
    return { proof, deviceProof: sha512(concat([this.publicKey, proof, key])), key };
  }
}

function modulo(value: bigint): bigint {
  return ((value % prime) + prime) % prime;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (const bit of exponent.toString(2)) {
    result = (result * result) % prime;
    if (bit === "1") result = (result * base) % prime;
  }
  return result;
}

function toNumber(bytes: Uint8Array): bigint {
  return bytes.length ? BigInt(`0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`) : 0n;
}

/** Big-endian, as short as possible. */
function toBytes(value: bigint): Uint8Array {
  const hex = value.toString(16);
  const pairs = (hex.length % 2 ? `0${hex}` : hex).match(/../g) ?? [];
  return Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16));
}

function padded(value: bigint): Uint8Array {
  const bytes = toBytes(value);
  return concat([new Uint8Array(Math.max(0, size - bytes.length)), bytes]);
}
