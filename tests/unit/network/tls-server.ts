/**
 * A TLS 1.2 server without I/O (RFC 5246, 5288, 8422), written against the wire: ECDHE on X25519, ECDSA on P-256, AES-128-GCM. It lets a unit
 * test decide what arrives, record by record.
 */
import { AESCTR, AESGCM, Digest, randomBytes, X25519 } from "../../../native/tls/crypto";
import { join, uint, vector } from "./bytes";
import type { ServerCredentials } from "./certificates";

export const ContentType = { changeCipherSpec: 20, alert: 21, handshake: 22, applicationData: 23 } as const;

const version = [3, 3];
const cipherSuite = [0xc0, 0x2b];
const tagLength = 16;
const explicitLength = 8;
/** The cipher takes 512 bytes with header and tag. */
const largestMessage = 512 - 13 - tagLength;

function sha256(...parts: Uint8Array[]): Uint8Array {
  const digest = new Digest("SHA-256");
  for (const part of parts) digest.write(part);
  return new Uint8Array(digest.close());
}

/** HMAC (RFC 2104) with a key of at most a block. */
function hmac(key: Uint8Array, ...parts: Uint8Array[]): Uint8Array {
  const pad = (value: number) => Uint8Array.from({ length: 64 }, (_, i) => (key[i] ?? 0) ^ value);
  return sha256(pad(0x5c), sha256(pad(0x36), ...parts));
}

/** The pseudo-random function of TLS 1.2. */
function derive(secret: Uint8Array, label: string, seed: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  const labelled = join(label, seed);
  let output = new Uint8Array(0);
  for (let a = hmac(secret, labelled); output.length < length; a = hmac(secret, a))
    output = join(output, hmac(secret, a, labelled));
  return output.slice(0, length);
}

/** One direction of the connection. */
interface Keys {
  key: Uint8Array;
  salt: Uint8Array;
  sequence: number;
}

export class TLSServer {
  /** Plaintext that the client has sent, and the length of each record of it. */
  received = new Uint8Array(0);
  records: number[] = [];
  /** Descriptions of the client's alerts; 0 is close_notify. */
  alerts: number[] = [];
  connected = false;
  #credentials: ServerCredentials;
  #protocol?: string;
  #input = new Uint8Array(0);
  #output = new Uint8Array(0);
  #transcript: Uint8Array[] = [];
  #randoms = new Uint8Array(0);
  #exchange = new X25519();
  #master = new Uint8Array(0);
  #client?: Keys;
  #server?: Keys;
  #isClientSealed = false;
  #isSealed = false;

  constructor(credentials: ServerCredentials, protocol?: string) {
    this.#credentials = credentials;
    this.#protocol = protocol;
  }

  /** Ciphertext from the client. */
  feed(data: Uint8Array): void {
    this.#input = join(this.#input, data);
    while (this.#input.length >= 5) {
      const end = 5 + this.#input[3] * 256 + this.#input[4];
      if (this.#input.length < end) return;
      const record = this.#input.slice(0, end);
      this.#input = this.#input.slice(end);
      this.#onRecord(record[0], record.slice(5));
    }
  }

  /** All ciphertext for the client that there is. */
  take(): Uint8Array<ArrayBuffer> {
    const output = this.#output;
    this.#output = new Uint8Array(0);
    return output;
  }

  send(data: Uint8Array): void {
    for (let at = 0; at < data.length; at += largestMessage)
      this.#write(ContentType.applicationData, data.slice(at, at + largestMessage));
  }

  alert(level: number, description: number): void {
    this.#write(ContentType.alert, Uint8Array.of(level, description));
  }

  closeNotify(): void {
    this.alert(1, 0);
  }

  #onRecord(type: number, body: Uint8Array): void {
    const content = this.#isClientSealed ? this.#open(type, body) : body;
    if (type === ContentType.changeCipherSpec) this.#isClientSealed = true;
    else if (type === ContentType.alert) this.alerts.push(content[1]);
    else if (type === ContentType.handshake) this.#onHandshake(content);
    else {
      this.received = join(this.received, content);
      this.records.push(content.length);
    }
  }

  /** The client sends each message in a record of its own. */
  #onHandshake(message: Uint8Array): void {
    if (message[0] === 1) this.#hello(message);
    else if (message[0] === 16) this.#exchangeKeys(message);
    else this.#finish(message);
  }

  #hello(message: Uint8Array): void {
    const serverRandom = randomBytes(32);
    this.#randoms = join(message.slice(6, 38), serverRandom);
    this.#transcript.push(message);
    const { certificate, key } = this.#credentials;
    const alpn = this.#protocol ? join(uint(2, 16), vector(2, vector(2, vector(1, this.#protocol)))) : [];
    const extensions = vector(2, [0xff, 1, 0, 1, 0], alpn);
    this.#say(2, version, serverRandom, 0, cipherSuite, 0, extensions);
    this.#say(11, vector(3, vector(3, certificate)));
    const parameters = join([3, 0, 0x1d], vector(1, this.#exchange.publicKey));
    this.#say(12, parameters, [4, 3], vector(2, key.sign(join(this.#randoms, parameters))));
    this.#say(14);
  }

  #exchangeKeys(message: Uint8Array): void {
    this.#transcript.push(message);
    const secret = new Uint8Array(this.#exchange.deriveSecret(message.slice(5)));
    this.#exchange.close();
    this.#master = derive(secret, "master secret", this.#randoms, 48);
    const seed = join(this.#randoms.slice(32), this.#randoms.slice(0, 32));
    const block = derive(this.#master, "key expansion", seed, 40);
    this.#client = { key: block.slice(0, 16), salt: block.slice(32, 36), sequence: 0 };
    this.#server = { key: block.slice(16, 32), salt: block.slice(36, 40), sequence: 0 };
  }

  #finish(message: Uint8Array): void {
    this.#transcript.push(message);
    this.#write(ContentType.changeCipherSpec, Uint8Array.of(1));
    this.#isSealed = true;
    this.#say(20, derive(this.#master, "server finished", sha256(...this.#transcript), 12));
    this.#transcript = [];
    this.connected = true;
  }

  #say(type: number, ...parts: Parameters<typeof join>): void {
    const message = join(type, vector(3, ...parts));
    this.#transcript.push(message);
    this.#write(ContentType.handshake, message);
  }

  #write(type: number, content: Uint8Array): void {
    const body = this.#isSealed ? this.#seal(type, content) : content;
    this.#output = join(this.#output, type, version, vector(2, body));
  }

  #seal(type: number, content: Uint8Array): Uint8Array {
    const { key, salt, sequence } = this.#server!;
    this.#server!.sequence += 1;
    const explicit = uint(explicitLength, sequence);
    const header = join(explicit, type, version, uint(2, content.length));
    const data = join(header, content, new Uint8Array(tagLength));
    const cipher = new AESGCM(key, join(salt, explicit));
    cipher.seal(data, header.length);
    cipher.close();
    return join(explicit, data.slice(header.length));
  }

  #open(type: number, body: Uint8Array): Uint8Array {
    const { key, salt, sequence } = this.#client!;
    this.#client!.sequence += 1;
    const nonce = join(salt, body.slice(0, explicitLength));
    const length = body.length - explicitLength - tagLength;
    if (length > largestMessage)
      return this.#openLarge(key, nonce, body.slice(explicitLength, explicitLength + length));
    const header = join(uint(explicitLength, sequence), type, version, uint(2, length));
    const data = join(header, body.slice(explicitLength));
    const cipher = new AESGCM(key, nonce);
    const isGenuine = cipher.open(data, header.length);
    cipher.close();
    if (!isGenuine) throw new Error("bad_record_mac");
    return data.slice(header.length, header.length + length);
  }

  /** GCM without its tag is counter mode. */
  #openLarge(key: Uint8Array, nonce: Uint8Array, content: Uint8Array): Uint8Array {
    const cipher = new AESCTR(key, join(nonce, uint(4, 2)));
    cipher.transform(content);
    cipher.close();
    return content;
  }
}
