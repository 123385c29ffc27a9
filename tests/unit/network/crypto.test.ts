import { AESCTR, Digest, KeyPair, randomBytes, timingSafeEqual, X25519 } from "../../../native/tls/crypto";
import { assert, equal, test, throws } from "../harness";

function bytes(hex: string): Uint8Array<ArrayBuffer> {
  const pairs = hex.match(/../g) ?? [];
  return Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16));
}

function hex(data: ArrayBuffer | Uint8Array): string {
  let text = "";
  for (const byte of data instanceof Uint8Array ? data : new Uint8Array(data))
    text += (0x100 + byte).toString(16).slice(1);
  return text;
}

function digest(algorithm: "MD5" | "SHA-256" | "SHA-512", ...parts: string[]): string {
  const it = new Digest(algorithm);
  for (const part of parts) if (part) it.write(ArrayBuffer.fromString(part));
  return hex(it.close());
}

test("MD5: the test suite of RFC 1321", () => {
  equal(digest("MD5"), "d41d8cd98f00b204e9800998ecf8427e");
  equal(digest("MD5", "abc"), "900150983cd24fb0d6963f7d28e17f72");
  equal(digest("MD5", "message ", "digest"), "f96b697d7cb7938d525a2f31aaf161d0");
  equal(digest("MD5", "1234567890".repeat(8)), "57edf4a22be3c955ac49da2e2107b67a");
});

test("SHA-512: FIPS 180-2, also in pieces", () => {
  const abc =
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" +
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
  equal(digest("SHA-512", "abc"), abc);
  equal(digest("SHA-512", "a", "", "bc"), abc);
});

test("SHA-256: FIPS 180-2, also in pieces and from views", () => {
  equal(digest("SHA-256", "abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  equal(
    digest("SHA-256", "abcdbcdecdefdefgefghfghighij", "hijkijkljklmklmnlmnomnopnopq"),
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
  );
  const million = new Digest("SHA-256");
  const chunk = new Uint8Array(1002).fill(97);
  for (let i = 0; i < 1000; i++) million.write(chunk.subarray(1, 1001));
  equal(hex(million.close()), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
});

test("a digest that was closed is of no use", () => {
  const it = new Digest("MD5");
  it.close();
  throws(() => it.close());
  throws(() => it.write(new Uint8Array(1)));
  throws(() => new Digest("SHA-1" as "MD5"), RangeError);
});

test("X25519: RFC 7748, section 6.1", () => {
  const alice = new X25519(bytes("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"));
  const bob = new X25519(bytes("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));
  equal(hex(alice.publicKey), "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  equal(hex(bob.publicKey), "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  const shared = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
  equal(hex(alice.deriveSecret(bob.publicKey)), shared);
  equal(hex(bob.deriveSecret(new Uint8Array(alice.publicKey))), shared);
});

test("X25519: fresh keys differ and agree; keys that force a known secret are refused", () => {
  const a = new X25519();
  const b = new X25519();
  assert(hex(a.publicKey) !== hex(b.publicKey), "the same key twice");
  equal(hex(a.deriveSecret(b.publicKey)), hex(b.deriveSecret(a.publicKey)));
  throws(() => a.deriveSecret(new Uint8Array(32)), /BadPeerKey/);
  throws(() => a.deriveSecret(bytes(`01${"00".repeat(31)}`)), /BadPeerKey/);
  throws(() => a.deriveSecret(new Uint8Array(31)), /BadPeerKey/);
  a.close();
  throws(() => a.publicKey);
});

test("AES-CTR: NIST SP 800-38A, F.5.1 and F.5.5, as a running stream", () => {
  const plain =
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";
  const counter = bytes("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
  const cases = [
    [
      "2b7e151628aed2a6abf7158809cf4f3c",
      "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee",
    ],
    [
      "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
      "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c52b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6",
    ],
  ];
  for (const [key, cipher] of cases) {
    for (const step of [64, 16, 7, 1]) {
      const data = bytes(plain);
      const stream = new AESCTR(bytes(key), counter);
      for (let i = 0; i < data.length; i += step) stream.transform(data.subarray(i, i + step));
      equal(hex(data), cipher, `in steps of ${step}`);
      stream.close();
    }
  }
});

test("AES-CTR: long data goes there and back; the counter carries over", () => {
  const key = bytes("000102030405060708090a0b0c0d0e0f");
  const data = new Uint8Array(5000).map((_, i) => i * 7);
  const counter = bytes("ffffffffffffffffffffffffffffffff");
  new AESCTR(key, counter).transform(data);
  assert(data[100] !== ((100 * 7) & 255) || data[101] !== ((101 * 7) & 255), "not encrypted");
  new AESCTR(key, counter).transform(data.buffer);
  equal(
    data,
    new Uint8Array(5000).map((_, i) => i * 7),
  );
  throws(() => new AESCTR(key, new Uint8Array(15)), RangeError);
  throws(() => new AESCTR(new Uint8Array(15), counter), RangeError);
});

test("random bytes", () => {
  equal(randomBytes(0).byteLength, 0);
  equal(randomBytes(17).byteLength, 17);
  const first = hex(randomBytes(16));
  assert(hex(randomBytes(16)) !== first, "the same twice");
  throws(() => randomBytes(-1), RangeError);
  throws(() => randomBytes(65537), RangeError);
});

test("comparison", () => {
  assert(timingSafeEqual(bytes("010203"), bytes("010203").buffer));
  assert(!timingSafeEqual(bytes("010203"), bytes("010204")));
  assert(!timingSafeEqual(bytes("010203"), bytes("0102")));
});

test("KeyPair: request, export, import", () => {
  const pair = new KeyPair();
  const request = pair.createRequest("camera-0001");
  assert(
    request.startsWith("-----BEGIN CERTIFICATE REQUEST-----\n") &&
      request.endsWith("-----END CERTIFICATE REQUEST-----\n"),
  );
  const der = pair.export();
  assert(der.byteLength > 100 && der.byteLength < 140, `${der.byteLength} bytes`);
  const pem = pair.exportPEM();
  const label = "EC PRIVATE KEY";
  assert(pem.startsWith(`-----BEGIN ${label}-----\n`), pem.slice(0, 30));
  equal(hex(new KeyPair(pem).export()), hex(der));
  equal(new KeyPair(new Uint8Array(der)).exportPEM(), pem);
  assert(new KeyPair().exportPEM() !== pem, "the same key twice");
  pair.close();
  throws(() => pair.export(), /closed/);
});

test("KeyPair: public key and signature (the key of RFC 6979, A.2.5)", () => {
  const scalar = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721";
  const pair = new KeyPair(bytes(`30310201010420${scalar}a00a06082a8648ce3d030107`));
  const point =
    "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6" +
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
  equal(hex(pair.publicKey), `3059301306072a8648ce3d020106082a8648ce3d03010703420004${point}`);
  const signature = new Uint8Array(pair.sign(ArrayBuffer.fromString("sample")));
  equal([signature[0], signature[1]], [0x30, signature.length - 2]);
  equal([signature[2], signature.length >= 68 && signature.length <= 72], [2, true]);
  pair.close();
  throws(() => pair.sign(new ArrayBuffer(1)), /closed/);
  throws(() => pair.publicKey, /closed/);
});

test("KeyPair: what is no key, and names that would need quoting", () => {
  throws(() => new KeyPair("no key"), /BadKey/);
  throws(() => new KeyPair(new Uint8Array([0x30, 0x00])), /BadKey/);
  const pair = new KeyPair();
  for (const name of ["", "a".repeat(65), "a,b", "a=b", "caf\u00e9", "a\\b", " a"])
    throws(() => pair.createRequest(name), RangeError);
  assert(!pair.matches("no certificate"));
});
