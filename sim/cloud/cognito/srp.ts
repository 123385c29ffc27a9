import { createHash, createHmac, getDiffieHellman, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";

/**
 * The server's half of Cognito's SRP-6a. What differs from RFC 5054: the group of 3072 bits is that of RFC 3526 (generator 2), the hash is
 * SHA-256, numbers are hashed as two's complement (a zero byte before a high bit), the name in x is the pool's name without its region
 * and the user's name right after it, and the proof is an HMAC with a key that HKDF derives ("Caldera Derived Key"). As the clients
 * amazon-cognito-identity-js and cognito-srp-helper have it.
 */

/** All that is kept of a password, hexadecimal. */
export interface PasswordVerifier {
  salt: string;
  verifier: string;
}

/** The server's key pair of one sign-in, hexadecimal. */
export interface ServerKeys {
  secret: string;
  public: string;
}

/** What the client proves that it knows the password with. */
export interface PasswordProof {
  poolName: string;
  userId: string;
  secretBlock: Buffer;
  timestamp: string;
}

const prime = BigInt(`0x${getDiffieHellman("modp15").getPrime("hex")}`);
const generator = 2n;
const multiplier = hash(pad(prime), pad(generator));

/** @param poolName the part of the pool's id behind the underscore */
export function makeVerifier(poolName: string, username: string, password: string): PasswordVerifier {
  const salt = randomBytes(16).toString("hex");
  return { salt, verifier: computeVerifier(salt, poolName, username, password) };
}

export function isPassword(known: PasswordVerifier, poolName: string, username: string, password: string): boolean {
  const verifier = computeVerifier(known.salt, poolName, username, password);
  return equal(Buffer.from(verifier), Buffer.from(known.verifier));
}

/** B = k·v + g^b. */
export function makeServerKeys(verifier: string): ServerKeys {
  const secret = fromHex(randomBytes(32).toString("hex"));
  const value = (multiplier * fromHex(verifier) + power(generator, secret)) % prime;
  return { secret: secret.toString(16), public: value.toString(16) };
}

/** False for what no honest client sends: no number, or a multiple of the prime, with which anybody would know the key. */
export function isPublicKey(text: string): boolean {
  return /^[0-9a-f]{1,800}$/i.test(text) && fromHex(text) % prime !== 0n;
}

/** @returns undefined if the client's key leads to no exchange */
export function deriveKey(clientPublic: string, keys: ServerKeys, verifier: string): Buffer | undefined {
  const [A, B] = [fromHex(clientPublic), fromHex(keys.public)];
  const u = hash(pad(A), pad(B));
  if (u === 0n || A % prime === 0n) return undefined;
  const S = power((A * power(fromHex(verifier), u)) % prime, fromHex(keys.secret));
  return Buffer.from(hkdfSync("sha256", pad(S), pad(u), "Caldera Derived Key", 16));
}

/** @param signature base64 */
export function isProof(signature: string, key: Buffer, { poolName, userId, secretBlock, timestamp }: PasswordProof) {
  const mac = createHmac("sha256", key).update(poolName).update(userId).update(secretBlock).update(timestamp).digest();
  return equal(mac, Buffer.from(signature, "base64"));
}

function computeVerifier(salt: string, poolName: string, username: string, password: string): string {
  const inner = createHash("sha256").update(`${poolName}${username}:${password}`).digest();
  return power(generator, hash(pad(fromHex(salt)), inner)).toString(16);
}

/** Of a number that is never negative: two's complement has a zero in front. */
function pad(value: bigint): Buffer {
  let text = value.toString(16);
  if (text.length % 2) text = `0${text}`;
  return Buffer.from(/^[89a-f]/.test(text) ? `00${text}` : text, "hex");
}

function hash(...parts: Buffer[]): bigint {
  return fromHex(createHash("sha256").update(Buffer.concat(parts)).digest("hex"));
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base % prime;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % prime;
    square = (square * square) % prime;
  }
  return result;
}

function equal(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

function fromHex(text: string): bigint {
  return BigInt(`0x${text}`);
}
