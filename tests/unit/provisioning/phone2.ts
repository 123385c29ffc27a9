/** A phone that speaks security 2, for the tests of provisioning: SRP-6a in BigInt, written from RFC 5054 and independent of the firmware's. */
import { AESGCM, Digest, type Digest as DigestClass } from "../../../native/tls/crypto";
import { bytes, type Device, statusOf, type TestLink, text } from "./phone";

const prime = BigInt(
  "0xFFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF",
);
const generator = 5n;
const size = 384;

export function toNumber(data: Uint8Array): bigint {
  let hex = "0x0";
  for (const byte of data) hex += (byte + 0x100).toString(16).slice(1);
  return BigInt(hex);
}

/** Big-endian; without `length` as short as possible. */
export function toBytes(value: bigint, length?: number): Uint8Array {
  let hex = value.toString(16);
  if (hex.length % 2) hex = `0${hex}`;
  const out = new Uint8Array(length ?? hex.length / 2);
  const offset = out.length - hex.length / 2;
  for (let i = 0; i < hex.length / 2; i++) out[offset + i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return out;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  const bits = exponent.toString(2);
  for (const bit of bits) {
    result = (result * result) % prime;
    if (bit === "1") result = (result * base) % prime;
  }
  return result;
}

function hash(...parts: Uint8Array[]): Uint8Array {
  const digest: DigestClass = new Digest("SHA-512");
  for (const part of parts) digest.write(part);
  return new Uint8Array(digest.close());
}

const username = "wifiprov";

/** SessionData { sec_ver 2, sec2 { sc0 { client_username, client_pubkey } } } */
export function command0(publicKey: Uint8Array, name = username): Uint8Array {
  const fields = bytes(0x0a, name.length, name, 0x12, varint(publicKey.length), publicKey);
  const payload = bytes(0xa2, 0x01, varint(fields.length), fields);
  return bytes(0x10, 2, 0x62, varint(payload.length), payload);
}

/** SessionData { sec_ver 2, sec2 { msg 2, sc1 { client_proof } } } */
export function command1(proof: Uint8Array): Uint8Array {
  const fields = bytes(0x0a, varint(proof.length), proof);
  const payload = bytes(0x08, 2, 0xb2, 0x01, varint(fields.length), fields);
  return bytes(0x10, 2, 0x62, varint(payload.length), payload);
}

function varint(value: number): Uint8Array {
  return value < 0x80 ? Uint8Array.of(value) : Uint8Array.of((value & 0x7f) | 0x80, value >> 7);
}

/** The pair of a secret is made once: an exponentiation in BigInt is the longest part of a test. */
const secret = toNumber(Uint8Array.from({ length: 32 }, (_, i) => 0x41 + i));
const publicKey = power(generator, secret);
export const clientKey = toBytes(publicKey, size);

export class Phone2 {
  readonly link: TestLink;
  #cipher: AESGCM | undefined;
  #deviceKey: Uint8Array = new Uint8Array(0);
  #salt: Uint8Array = new Uint8Array(0);
  #key: Uint8Array = new Uint8Array(0);
  #ownProof: Uint8Array = new Uint8Array(0);

  constructor(target: Device | TestLink) {
    this.link = "protocomm" in target ? target.protocomm.open() : target;
  }

  write(endpoint: string, value: Uint8Array): void {
    this.link.write(endpoint, value.slice());
  }

  read(endpoint: string, limit = 512): Uint8Array {
    return new Uint8Array(this.link.read(endpoint, limit));
  }

  /** Sends the key; returns the status of the answer. */
  challenge(): number {
    this.write("prov-session", command0(clientKey));
    const answer = this.read("prov-session");
    if (answer.length < 300) return statusOf(answer.buffer as ArrayBuffer);
    // ... device_pubkey { 0x12, 2 bytes of length, 384 }, device_salt { 0x1a, 16, 16 }
    const end = answer.length;
    this.#salt = answer.slice(end - 16);
    this.#deviceKey = answer.slice(end - 16 - 2 - size, end - 16 - 2);
    return 0;
  }

  /** The proof of RFC 5054; with it the session's key. */
  proof(password: string): Uint8Array {
    const pad = (value: bigint) => toBytes(value, size);
    const B = toNumber(this.#deviceKey);
    const k = toNumber(hash(pad(prime), pad(generator)));
    const u = toNumber(hash(clientKey, this.#deviceKey));
    const x = toNumber(hash(this.#salt, hash(bytes(`${username}:${password}`))));
    const base = (((B - k * power(generator, x)) % prime) + prime) % prime;
    const K = hash(toBytes(power(base, secret + u * x)));
    const group = hash(pad(prime));
    for (const [i, byte] of hash(pad(generator)).entries()) group[i] ^= byte;
    const proof = hash(group, hash(bytes(username)), this.#salt, clientKey, this.#deviceKey, K);
    this.#key = K.slice(0, 32);
    this.#ownProof = hash(clientKey, proof, K);
    return proof;
  }

  /** Sends a proof; returns the status of the answer and checks the device's own proof. */
  verify(proof: Uint8Array): number {
    this.write("prov-session", command1(proof));
    const answer = this.read("prov-session");
    const status = statusOf(answer.buffer as ArrayBuffer);
    if (status !== 0) return status;
    // ... device_proof { 0x12, 64, 64 }, device_nonce { 0x1a, 12, 12 }
    const end = answer.length;
    const nonce = answer.slice(end - 12);
    const own = answer.slice(end - 12 - 2 - 64, end - 12 - 2);
    if (own.some((byte, i) => byte !== this.#ownProof[i])) throw new Error("the device's proof is wrong");
    if (String(nonce.slice(8)) !== "0,0,0,1") throw new Error(`the counter does not begin with 1: ${nonce}`);
    this.#cipher = new AESGCM(this.#key, nonce);
    return 0;
  }

  open(password: string): this {
    const status = this.challenge() || this.verify(this.proof(password));
    if (status) throw new Error(`no session, status ${status}`);
    return this;
  }

  /** With the header in front, when there is one. */
  seal(data: Uint8Array, ...header: number[]): Uint8Array {
    const value = bytes(header, data, new Uint8Array(16));
    this.#cipher!.seal(value, header.length);
    return value;
  }

  unseal(sealed: Uint8Array, headerLength = 0): Uint8Array {
    const value = sealed.slice();
    if (!this.#cipher!.open(value, headerLength)) throw new Error("the camera's message is not authentic");
    return value.slice(headerLength, -16);
  }

  /** The message cut and sealed. */
  fragments(message: object | string, size = 512): Uint8Array[] {
    const plain = bytes(typeof message === "string" ? message : JSON.stringify(message));
    const room = size - 17;
    const count = Math.max(1, Math.ceil(plain.length / room));
    return Array.from({ length: count }, (_, i) => {
      const header = (i % 127) | (i === count - 1 ? 0x80 : 0);
      return this.seal(plain.slice(i * room, (i + 1) * room), header);
    });
  }

  async ask(endpoint: string, message: object, size = 512): Promise<string> {
    for (const fragment of this.fragments(message, size)) this.write(endpoint, fragment);
    return text(await this.answer(endpoint, size));
  }

  async answer(endpoint: string, size = 512): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    for (let waits = 0; ; ) {
      const value = this.read(endpoint, size);
      if (!value.length) {
        if (++waits > 100) throw new Error("no answer");
        await null;
        continue;
      }
      if (value.length > size) throw new Error("value longer than allowed");
      pieces.push(this.unseal(value, 1));
      if (value[0] & 0x80) return bytes(...pieces);
    }
  }

  /** Code of the error that can be read in the clear. */
  refusal(endpoint: string): string {
    const value = this.read(endpoint, 20);
    if (value[0] !== 0xff) return "";
    return JSON.parse(text(value.slice(1))).error.code;
  }
}
