/** A phone for the tests of provisioning: builds its messages byte by byte, and talks to a Link directly. */
import { MalformedMessage } from "../../../modules/provisioning/protobuf";
import { type BinaryEndpoints, Protocomm } from "../../../modules/provisioning/protocomm";
import type { ProvisioningStorage } from "../../../modules/provisioning/srp-account";
import * as crypto from "../../../native/tls/crypto";

export type TestLink = ReturnType<Protocomm["open"]>;

/** Strong enough for security 1. */
export const proofOfPossession = "abcd-efgh-jkmn-pqrs";

export function bytes(...parts: (number | number[] | Uint8Array | ArrayBuffer | string)[]): Uint8Array {
  const pieces = parts.map((part) => {
    if (typeof part === "number") return Uint8Array.of(part);
    if (typeof part === "string") return new Uint8Array(ArrayBuffer.fromString(part));
    return new Uint8Array(part);
  });
  const out = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}

export function fromHex(hex: string): Uint8Array {
  const out = new Uint8Array(hex.length / 2);
  for (let i = 0; i < out.length; i++) out[i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return out;
}

export function text(value: ArrayBuffer | Uint8Array): string {
  return String.fromArrayBuffer(value instanceof ArrayBuffer ? value : (value.slice().buffer as ArrayBuffer));
}

/** SessionData with sc0: sec_ver 1, sec1.sc0.client_pubkey */
export function command0(publicKey: Uint8Array): Uint8Array {
  const n = publicKey.length;
  return bytes(0x10, 1, 0x5a, n + 5, 0xa2, 0x01, n + 2, 0x0a, n, publicKey);
}

/** SessionData with sc1: sec_ver 1, sec1.msg 2, sec1.sc1.client_verify_data */
export function command1(proof: Uint8Array): Uint8Array {
  const n = proof.length;
  return bytes(0x10, 1, 0x5a, n + 7, 0x08, 2, 0xb2, 0x01, n + 2, 0x12, n, proof);
}

export interface Device {
  protocomm: Protocomm;
  /** Milliseconds; the test moves it. */
  clock: { now: number };
  /** What the endpoints have been asked, in order: the proof that a refused message has changed nothing. */
  asked: unknown[];
}

/** prov-config takes any two bytes and gives them back swapped. */
class SwapEndpoint implements BinaryEndpoints {
  #asked: unknown[];
  resets = 0;
  constructor(asked: unknown[]) {
    this.#asked = asked;
  }
  has(endpoint: string): boolean {
    return endpoint === "prov-config";
  }
  handle(_endpoint: string, request: Uint8Array): ArrayBuffer {
    if (request.length === 4) throw new RangeError("a bug");
    if (request.length !== 2) throw new MalformedMessage("two bytes");
    this.#asked.push([request[0], request[1]]);
    return Uint8Array.of(request[1], request[0]).buffer as ArrayBuffer;
  }
  reset(): void {
    this.resets += 1;
  }
}

type Handler = (message: object) => object | Promise<object>;

/** As RecordStore, with nothing behind it. */
export class Storage implements ProvisioningStorage {
  readonly values = new Map<string, Uint8Array>();
  writes = 0;
  failing = false;

  readBytes(key: string): ArrayBuffer | undefined {
    return this.values.get(key)?.slice().buffer as ArrayBuffer | undefined;
  }

  writeBytes(key: string, value: Uint8Array): void {
    this.writes += 1;
    if (this.failing) throw new Error("full");
    this.values.set(key, value.slice());
  }

  delete(key: string): void {
    this.values.delete(key);
  }
}

interface DeviceOptions {
  handler?: Handler;
  maximumMessage?: number | undefined;
  secret?: string;
  storage?: Storage;
}

export function device({
  handler = (message) => message,
  maximumMessage,
  secret = proofOfPossession,
  storage = new Storage(),
}: DeviceOptions = {}): Device {
  const clock = { now: 1000 };
  const asked: unknown[] = [];
  const json = {
    shape: { bytes: 6144, depth: 8, values: 64, text: 4096, name: 64 },
    has: (endpoint: string) => endpoint === "camera-command" || endpoint === "camera-cert",
    handle(_endpoint: string, message: object) {
      asked.push(message);
      return handler(message);
    },
  };
  const protocomm = new Protocomm({
    crypto,
    proofOfPossession: secret,
    storage,
    now: () => clock.now,
    binary: new SwapEndpoint(asked),
    json,
    maximumMessage,
    requestTimeout: 5000,
    idleTimeout: 60_000,
  });
  return { protocomm, clock, asked };
}

/** Field `status` of sr0 or sr1, of either scheme; -1 when the answer has no such thing. */
export function statusOf(answer: ArrayBuffer): number {
  const b = new Uint8Array(answer);
  // sec_ver, sec1 or sec2 { msg, sr0 or sr1 { status?, ... } }
  if (b[0] !== 0x10 || b[2] !== (b[1] === 1 ? 0x5a : 0x62)) return -1;
  if (b.length > 300) return 0;
  let at = 4;
  if (b[at] === 0x08) at += 2;
  const inner = at + 3;
  return b[inner] === 0x08 ? b[inner + 1] : 0;
}

export class Phone {
  readonly link: TestLink;
  readonly keys = new crypto.X25519();
  #stream: InstanceType<typeof crypto.AESCTR> | undefined;
  #devicePublicKey = new Uint8Array(0);

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
    this.write("prov-session", command0(new Uint8Array(this.keys.publicKey)));
    const answer = this.link.read("prov-session", 512);
    const b = new Uint8Array(answer);
    if (statusOf(answer) === 0) {
      this.#devicePublicKey = b.slice(b.length - 50, b.length - 18);
      this.#random = b.slice(b.length - 16);
    }
    return statusOf(answer);
  }

  #random = new Uint8Array(16);

  /** Makes the proof, and with it the beginning of the stream. */
  proof(secret = proofOfPossession): Uint8Array {
    const key = new Uint8Array(this.keys.deriveSecret(this.#devicePublicKey));
    const digest = new crypto.Digest("SHA-256");
    digest.write(ArrayBuffer.fromString(secret));
    const mask = new Uint8Array(digest.close());
    for (let i = 0; i < 32; i++) key[i] ^= mask[i];
    this.#stream = new crypto.AESCTR(key, this.#random);
    const proof = this.#devicePublicKey.slice();
    this.#stream.transform(proof);
    return proof;
  }

  /** Sends a proof; returns the status of the answer and checks the device's own proof. */
  verify(proof: Uint8Array): number {
    this.write("prov-session", command1(proof));
    const answer = this.link.read("prov-session", 512);
    if (statusOf(answer) === 0) {
      const own = new Uint8Array(answer).slice(-32);
      this.transform(own);
      const expected = new Uint8Array(this.keys.publicKey);
      if (own.some((byte, i) => byte !== expected[i])) throw new Error("the device's proof is wrong");
    }
    return statusOf(answer);
  }

  open(): this {
    const status = this.challenge() || this.verify(this.proof());
    if (status) throw new Error(`no session, status ${status}`);
    return this;
  }

  transform(data: Uint8Array): Uint8Array {
    this.#stream!.transform(data);
    return data;
  }

  /** The message encrypted and cut. */
  fragments(message: object | string, size = 512): Uint8Array[] {
    const plain = bytes(typeof message === "string" ? message : JSON.stringify(message));
    this.transform(plain);
    const count = Math.max(1, Math.ceil(plain.length / (size - 1)));
    const out: Uint8Array[] = [];
    for (let i = 0; i < count; i++) {
      const last = i === count - 1 ? 0x80 : 0;
      out.push(bytes((i % 127) | last, plain.slice(i * (size - 1), (i + 1) * (size - 1))));
    }
    return out;
  }

  /** One request and its answer as text. */
  async ask(endpoint: string, message: object, size = 512): Promise<string> {
    for (const fragment of this.fragments(message, size)) this.write(endpoint, fragment);
    return text(await this.answer(endpoint, size));
  }

  async answer(endpoint: string, size = 512): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    let waits = 0;
    for (let index = 0; ; ) {
      const value = this.read(endpoint, size);
      if (!value.length) {
        if (++waits > 100) throw new Error("no answer");
        await null;
        continue;
      }
      if (value.length > size) throw new Error("value longer than allowed");
      if ((value[0] & 0x7f) !== index) throw new Error(`fragment ${value[0]} instead of ${index}`);
      pieces.push(this.transform(value.slice(1)));
      index = (index + 1) % 127;
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
