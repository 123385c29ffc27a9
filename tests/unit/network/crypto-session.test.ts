/** What security 2 is made of, at its bounds; whole conversations: tests/unit/provisioning/security2.test.ts. */
import { AESCTR, AESGCM, KeyPair, SRPServer, srpVerifier, X25519 } from "../../../native/tls/crypto";
import { assert, equal, test, throws } from "../harness";
import type { TestLink } from "../provisioning/phone";
import { clientKey, Phone2 } from "../provisioning/phone2";
import { join, pattern } from "./bytes";

function bytes(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** McGrew and Viega, The Galois/Counter Mode of Operation, test case 4. */
const vector = {
  key: bytes("feffe9928665731c6d6a8f9467308308"),
  nonce: bytes("cafebabefacedbaddecaf888"),
  header: bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
  message: bytes(
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
  ),
  sealed: bytes(
    "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091" +
      "5bc94fbc3221a5db94fae95ae7121a47",
  ),
};
const tag = new Uint8Array(16);

test("AES-GCM: a published answer, sealed and opened in place", () => {
  const { key, nonce, header, message, sealed } = vector;
  const data = join(header, message, tag);
  new AESGCM(key, nonce).seal(data, header.length);
  equal(data, join(header, sealed));
  assert(new AESGCM(key, nonce).open(data, header.length));
  equal(data.slice(0, header.length + message.length), join(header, message));
});

/** The message sealed as the first one of that nonce. */
function sealedWith(nonce: Uint8Array): Uint8Array<ArrayBuffer> {
  const data = join(pattern(20), tag);
  new AESGCM(vector.key, nonce).seal(data);
  return data;
}

const nonceAt = (...counter: number[]) => join(vector.nonce.slice(0, 8), counter);

test("AES-GCM: the nonce counts messages in its last four bytes, and the key ends with it", () => {
  for (const [first, second] of [
    [nonceAt(0, 0, 0, 0), nonceAt(0, 0, 0, 1)],
    [nonceAt(0, 0, 0, 255), nonceAt(0, 0, 1, 0)],
    [nonceAt(0, 255, 255, 255), nonceAt(1, 0, 0, 0)],
  ]) {
    const sender = new AESGCM(vector.key, first);
    const receiver = new AESGCM(vector.key, first);
    sender.seal(join(pattern(5), tag));
    const data = join(pattern(20), tag);
    sender.seal(data);
    equal(data, sealedWith(second));
    assert(receiver.open(sealedWith(first)));
    assert(receiver.open(data));
    equal(data.slice(0, 20), pattern(20));
  }
  const last = nonceAt(255, 255, 255, 255);
  for (const use of ["seal", "open"] as const) {
    const cipher = new AESGCM(vector.key, last);
    if (use === "seal") cipher.seal(join(pattern(20), tag));
    else assert(cipher.open(sealedWith(last)));
    assert(/used up/.test(throws(() => cipher.seal(join(pattern(20), tag))).message));
    equal(cipher.open(sealedWith(nonceAt(0, 0, 0, 0))), false);
  }
});

test("AES-GCM: what is not the next message changes and counts nothing", () => {
  const cipher = new AESGCM(vector.key, vector.nonce);
  const good = sealedWith(vector.nonce);
  for (let at = 0; at < good.length; at += 1) {
    const data = good.slice();
    data[at] ^= 1;
    const before = data.slice();
    equal(cipher.open(data), false);
    equal(data, before);
  }
  equal(cipher.open(good.slice(), 1), false, "another header");
  equal(cipher.open(sealedWith(nonceAt(0, 0, 0, 9))), false, "another's turn");
  assert(cipher.open(good));
});

test("AES-GCM: 512 bytes in all, with room for the tag behind the header", () => {
  const cipher = () => new AESGCM(vector.key, vector.nonce);
  for (const [size, header] of [
    [512, 0],
    [512, 496],
    [16, 0],
    [21, 5],
  ]) {
    const data = pattern(size);
    cipher().seal(data, header);
    assert(cipher().open(data, header), `${size}, ${header}`);
    equal(data.slice(0, size - 16), pattern(size).slice(0, size - 16));
  }
  for (const [size, header] of [
    [513, 0],
    [15, 0],
    [20, 5],
    [100, -1],
  ]) {
    throws(() => cipher().seal(pattern(size), header), RangeError);
    equal(cipher().open(pattern(size), header), false);
  }
  for (const length of [0, 11, 13]) throws(() => new AESGCM(vector.key, pattern(length)), RangeError);
  for (const length of [0, 15, 33]) throws(() => new AESGCM(pattern(length), vector.nonce), RangeError);
});

const salt = pattern(16);
const verifier = srpVerifier(salt, "wifiprov", "abcd1234");

test("SRP: verifiers have 384 bytes, salts at most 32", () => {
  equal(verifier.byteLength, 384);
  for (const length of [0, 383, 385]) throws(() => new SRPServer(salt, pattern(length)), RangeError);
  throws(() => new SRPServer(pattern(33), verifier), RangeError);
  for (const length of [0, 32]) new SRPServer(pattern(length), verifier).close();
});

test("SRP: names have up to 63 bytes, passwords up to 127", () => {
  const longest = ["u".repeat(63), "p".repeat(127)];
  equal(srpVerifier(salt, longest[0], longest[1]).byteLength, 384);
  throws(() => srpVerifier(salt, `${longest[0]}u`, longest[1]));
  throws(() => srpVerifier(salt, longest[0], `${longest[1]}p`));
});

test("SRP: a challenge is that of the device's secret, or of a random one", () => {
  const server = new SRPServer(salt, verifier);
  const first = server.challenge(clientKey, pattern(32)) as ArrayBuffer;
  equal(first.byteLength, 384);
  equal(server.challenge(clientKey, pattern(32)) as ArrayBuffer, first);
  const random = new Uint8Array(server.challenge(clientKey) as ArrayBuffer);
  const other = new Uint8Array(server.challenge(clientKey, undefined) as ArrayBuffer);
  assert(random.some((byte, i) => byte !== other[i]));
  for (const length of [0, 31, 33]) throws(() => server.challenge(clientKey, pattern(length)), RangeError);
  for (const key of [new Uint8Array(0), new Uint8Array(384), pattern(385)]) equal(server.challenge(key), undefined);
});

test("SRP: no key without a proof, and one guess a challenge", () => {
  const server = new SRPServer(salt, verifier);
  const unproven = () => assert(/not proven/.test(throws(() => server.key).message));
  unproven();
  equal(server.verify("wifiprov", pattern(64)), undefined, "no challenge");
  server.challenge(clientKey);
  for (const length of [64, 0, 65]) equal(server.verify("wifiprov", pattern(length)), undefined);
  unproven();
});

/** The proof of who knows the password, for that challenge. */
function proofFor(deviceKey: ArrayBuffer, password: string): Uint8Array {
  const answer = join(deviceKey, [0x1a, salt.length], salt);
  const link = { write() {}, read: () => answer } as unknown as TestLink;
  const phone = new Phone2(link);
  phone.challenge();
  return phone.proof(password);
}

test("SRP: whoever proves the password shares a key, once, until the next challenge", () => {
  const server = new SRPServer(salt, verifier);
  const proof = proofFor(server.challenge(clientKey)!, "abcd1234");
  equal(server.verify("wifiprov", proof)?.byteLength, 64);
  const { key } = server;
  equal(key.byteLength, 32);
  equal(server.key, key);
  server.challenge(clientKey);
  throws(() => server.key, /not proven/);
  equal(server.verify("wifiprov", proof), undefined, "the proof of another challenge");
  throws(() => server.key, /not proven/);
});

test("closing twice is closing once, and then nothing can be done", () => {
  const server = new SRPServer(salt, verifier);
  const gcm = new AESGCM(vector.key, vector.nonce);
  const ctr = new AESCTR(vector.key, pattern(16));
  const exchange = new X25519();
  const pair = new KeyPair();
  const all: [{ close(): void }, () => unknown][] = [
    [server, () => server.challenge(clientKey)],
    [server, () => server.key],
    [gcm, () => gcm.seal(pattern(20))],
    [gcm, () => gcm.open(pattern(20))],
    [ctr, () => ctr.transform(pattern(20))],
    [exchange, () => exchange.publicKey],
    [pair, () => pair.publicKey],
  ];
  for (const [it, use] of all) {
    it.close();
    it.close();
    assert(/closed/.test(throws(use).message));
  }
});

test("keys that are closed leave their place: the library has few", () => {
  for (let count = 0; count < 100; count += 1) {
    new AESGCM(vector.key, vector.nonce).close();
    new AESCTR(vector.key, pattern(16)).close();
    new X25519(pattern(32)).close();
    for (const length of [15, 17])
      for (const make of [() => new AESGCM(pattern(length), vector.nonce), () => new AESCTR(pattern(length), salt)])
        throws(make, RangeError);
  }
  const exchange = new X25519(pattern(32));
  equal(exchange.publicKey.byteLength, 32);
  exchange.close();
});
