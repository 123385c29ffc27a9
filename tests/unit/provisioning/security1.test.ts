import type { ProvisioningCrypto } from "../../../modules/provisioning/crypto-types";
import { Security1 } from "../../../modules/provisioning/security1";
import * as crypto from "../../../native/tls/crypto";
import { assert, equal, test } from "../harness";
import { bytes, fromHex } from "./phone";

/** Computed with Python's cryptography package, along esp_prov's security1.py: device key 01..20, client key 41..60. */
const vector = {
  devicePrivateKey: Uint8Array.from({ length: 32 }, (_, i) => i + 1),
  random: Uint8Array.from({ length: 16 }, (_, i) => 0xa0 + i),
  devicePublicKey: "07a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c",
  clientPublicKey: "64b101b1d0be5a8704bd078f9895001fc03e8e9f9522f188dd128d9846d48466",
  proof: "a7bae6170801d15b921aa14e009cb4b0c52afaa34b27a37a8d8213c036877ed3",
  deviceProof: "4ab099c557ef3cb957180291b08f7d7067984abf14e26ccd0dc68b9aedeb8ce2",
  message: '{"type":"GetDeviceInfo"}',
  encrypted: "28adc106ad61ba8fda9fa5717c9bc61130756d64210f246c",
};

/** The real crypto with a key and a random number that are known. */
const fixedCrypto: ProvisioningCrypto = {
  X25519: class extends crypto.X25519 {
    constructor() {
      super(vector.devicePrivateKey);
    }
  },
  AESCTR: crypto.AESCTR,
  SRPServer: crypto.SRPServer,
  srpVerifier: crypto.srpVerifier,
  AESGCM: crypto.AESGCM,
  Digest: crypto.Digest,
  randomBytes: () => vector.random,
  timingSafeEqual: crypto.timingSafeEqual,
};

function challenged(proofOfPossession = "abcd1234"): Security1 {
  const security = new Security1({ crypto: fixedCrypto, proofOfPossession });
  security.challenge(fromHex(vector.clientPublicKey));
  return security;
}

test("answers a challenge, both proofs and the stream byte for byte as Espressif's tool computes them", () => {
  const security = new Security1({ crypto: fixedCrypto, proofOfPossession: "abcd1234" });
  const challenge = security.challenge(fromHex(vector.clientPublicKey))!;
  equal(challenge.publicKey, fromHex(vector.devicePublicKey));
  equal(challenge.random, vector.random);
  assert(!security.established);
  equal(security.verify(fromHex(vector.proof)), fromHex(vector.deviceProof));
  assert(security.established);
  const message = fromHex(vector.encrypted);
  equal(security.open(message, 0), bytes(vector.message));
  equal(security.overhead, 0);
});

test("one stream for both directions, in pieces of any length", () => {
  const whole = challenged();
  whole.verify(fromHex(vector.proof));
  const pieces = challenged();
  pieces.verify(fromHex(vector.proof));
  const expected = new Uint8Array(100);
  whole.seal(expected, 0);
  const actual = new Uint8Array(100);
  for (let at = 0, size = 1; at < 100; at += size++) pieces.open(actual.subarray(at, Math.min(100, at + size)), 0);
  equal(actual, expected);
});

test("refuses every proof with one bit changed, and one of another proof of possession", () => {
  for (let bit = 0; bit < 256; bit += 5) {
    const proof = fromHex(vector.proof);
    proof[bit >> 3] ^= 1 << (bit & 7);
    equal(challenged().verify(proof), undefined);
  }
  equal(challenged("abcd1235").verify(fromHex(vector.proof)), undefined);
});

test("refuses proofs of another length, and gives no second try", () => {
  for (const length of [0, 1, 16, 31, 33, 64]) equal(challenged().verify(new Uint8Array(length)), undefined);
  equal(challenged().verify(undefined), undefined);
  const security = challenged();
  equal(security.verify(new Uint8Array(32)), undefined);
  equal(security.verify(fromHex(vector.proof)), undefined);
  assert(!security.established && !security.challenged);
});

test("refuses keys that are no keys, and keeps the session that there is", () => {
  const security = challenged();
  security.verify(fromHex(vector.proof));
  for (const key of [undefined, new Uint8Array(0), new Uint8Array(31), new Uint8Array(33)])
    equal(security.challenge(key), undefined);
  // Points of small order (RFC 7748 section 6.1): the secret would be zero, whatever the device's key is.
  equal(security.challenge(new Uint8Array(32)), undefined);
  equal(security.challenge(bytes(1, [...new Uint8Array(31)])), undefined);
  assert(security.established);
});

test("a verified proof cannot be played again", () => {
  const security = challenged();
  security.verify(fromHex(vector.proof));
  equal(security.verify(fromHex(vector.proof)), undefined);
});

test("without a session the stream changes nothing", () => {
  const security = challenged();
  const data = bytes("secret");
  security.seal(data, 0);
  equal(data, bytes("secret"));
  security.close();
  security.seal(data, 0);
  equal(data, bytes("secret"));
});

test("a session that was closed is none", () => {
  const security = challenged();
  security.verify(fromHex(vector.proof));
  security.close();
  assert(!security.established && !security.challenged);
  const data = bytes("secret");
  security.seal(data, 0);
  equal(data, bytes("secret"));
});
