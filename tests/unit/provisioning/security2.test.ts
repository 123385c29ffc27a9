import type { ProvisioningCrypto } from "../../../modules/provisioning/crypto-types";
import { Security2 } from "../../../modules/provisioning/security2";
import { srpAccount } from "../../../modules/provisioning/srp-account";
import * as crypto from "../../../native/tls/crypto";
import { assert, equal, test, throws } from "../harness";
import { bytes, device, fromHex, Phone, proofOfPossession, Storage, statusOf, text } from "./phone";
import { clientKey, command0, command1, Phone2, toBytes, toNumber } from "./phone2";

const Status = {
  invalidScheme: 1,
  invalidProtocol: 2,
  tooManySessions: 3,
  invalidArgument: 4,
  internal: 5,
  crypto: 6,
  invalidSession: 7,
};

/** N of RFC 5054 appendix A, 3072 bits. */
const primeHex =
  "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404ddef9519b3cd3a431b302b0a6df25f1437" +
  "4fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7edee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3dc2007cb8a163bf05" +
  "98da48361c55d39a69163fa8fd24cf5f83655d23dca3ad961c62f356208552bb9ed529077096966d670c354e4abc9804f1746c08ca18217c32905e462e36ce3b" +
  "e39e772c180e86039b2783a2ec07a28fb5c55df06f4c52c9de2bcbf6955817183995497cea956ae515d2261898fa051015728e5a8aaac42dad33170d04507a33" +
  "a85521abdf1cba64ecfb850458dbef0a8aea71575d060c7db3970f85a6e1e4c7abf5ae8cdb0933d71e8c94e04a25619dcee3d2261ad2ee6bf12ffa06d98a0864" +
  "d87602733ec86a64521f2b18177b200cbbe117577a615d6c770988c0bad946e208e24fa074e5ab3143db5bfce0fd108e4b82d120a93ad2caffffffffffffffff";

/** Computed with Python (hashlib, pow, cryptography's AESGCM): client's secret 41..60, device's 01..20, salt a1..b0, nonce a0..a7 00000001. */
const vector = {
  salt: Uint8Array.from({ length: 16 }, (_, i) => 0xa1 + i),
  proof:
    "77034fb38f9245492d3b0cdbbaf7f358c22d9f28b58c05e802f7339462d6218a6d11387c8b68325a003f10601dda644ef57cb7a29281d01ba0cc473d52e6a885",
  deviceProof:
    "5be01b5c6b57770f133eda99d05f0d21d94a2ee1c6a4a14afe0062ccbf6c247f12ef5132b49d4832a6a26b62e291c1812574ddc2156c8b733335bd5fe1dc9c98",
  publicKeyStart: "be4af9a253a3a86d5bd6846703fe2b11",
  nonce: "a0a1a2a3a4a5a6a700000001",
  message: '{"type":"GetDeviceInfo"}',
  sealed: "25145a7ad6cc460bf129e146331e60cac71ebec878fea6a2d5eb9cd9a710cb6837a0f4c374697496",
  answer: '{"ok":true}',
  sealedAnswer: "d3cca2f21e582ec684643896171ac5879206eea8ebb1c9805d58c4",
};

/** The real crypto with secrets that are known. */
const fixedCrypto: ProvisioningCrypto = {
  ...crypto,
  SRPServer: class extends crypto.SRPServer {
    override challenge(key: Uint8Array) {
      return super.challenge(
        key,
        Uint8Array.from({ length: 32 }, (_, i) => i + 1),
      );
    }
  },
  randomBytes: (count) => Uint8Array.from({ length: count }, (_, i) => 0xa0 + i),
};
const verifier = new Uint8Array(crypto.srpVerifier(vector.salt, "wifiprov", "abcd1234"));

const open = (security: Security2, value: Uint8Array, headerLength = 0) => security.open(value.slice(), headerLength);

function challenged(): Security2 {
  const security = new Security2(fixedCrypto);
  security.challenge({ salt: vector.salt, verifier }, clientKey);
  return security;
}

function established(): Security2 {
  const security = challenged();
  security.verify("wifiprov", fromHex(vector.proof));
  return security;
}

test("answers a challenge, both proofs and messages byte for byte as Espressif's tool computes them", () => {
  const security = new Security2(fixedCrypto);
  const challenge = security.challenge({ salt: vector.salt, verifier }, clientKey)!;
  equal(challenge.publicKey.slice(0, 16), fromHex(vector.publicKeyStart));
  equal([challenge.publicKey.length, challenge.salt], [384, vector.salt]);
  assert(security.challenged && !security.established);
  const answer = security.verify("wifiprov", fromHex(vector.proof))!;
  equal([answer.proof, answer.nonce], [fromHex(vector.deviceProof), fromHex(vector.nonce)]);
  assert(security.established && !security.challenged);
  equal(open(security, fromHex(vector.sealed)), bytes(vector.message));
  const answered = bytes(vector.answer, new Uint8Array(security.overhead));
  security.seal(answered, 0);
  equal(answered, fromHex(vector.sealedAnswer));
  security.close();
});

test("every byte of a message counts, and its header; what was altered is not counted as a message", () => {
  const security = established();
  const sealed = fromHex(vector.sealed);
  for (let i = 0; i < sealed.length; i++) {
    const altered = sealed.slice();
    altered[i] ^= 1 << (i & 7);
    equal(open(security, altered), undefined, `byte ${i}`);
  }
  for (const length of [0, 1, 15, 16, sealed.length - 1]) equal(open(security, sealed.slice(0, length)), undefined);
  equal(open(security, bytes(sealed, 0)), undefined);
  equal(open(security, bytes(0x80, sealed), 1), undefined, "a header that was not there");
  equal(open(security, sealed), bytes(vector.message));
  equal(open(security, sealed), undefined, "the same once more");
});

test("a nonce is used once: the counter runs through all four bytes, and its end is the key's end", () => {
  const at = (counter: string) => new crypto.AESGCM(new Uint8Array(32), fromHex(`0000000000000000${counter}`));
  const sealed = (cipher: crypto.AESGCM, ...message: number[]) => {
    const value = bytes(message, new Uint8Array(16));
    cipher.seal(value, 0);
    return value;
  };
  const one = at("00fffffe");
  const other = at("00fffffe");
  for (let i = 0; i < 4; i++) assert(other.open(sealed(one, i), 0), `message ${i}`);
  assert(at("01000002").open(sealed(one, 9), 0), "the fifth after fffffe");
  const last = at("ffffffff");
  const message = sealed(last, 1);
  throws(() => sealed(last, 2));
  const reader = at("ffffffff");
  assert(reader.open(message.slice(), 0));
  assert(!reader.open(message.slice(), 0) && !reader.open(sealed(at("00000000"), 1), 0), "it begins anew");
});

test("what has no room for a tag, or is longer than an attribute value, is neither sealed nor opened", () => {
  const cipher = new crypto.AESGCM(new Uint8Array(32), new Uint8Array(12));
  for (const [length, header] of [
    [15, 0],
    [16, 1],
    [513, 1],
    [20, -1],
  ]) {
    throws(() => cipher.seal(new Uint8Array(length), header), RangeError);
    assert(!cipher.open(new Uint8Array(length), header));
  }
  for (const length of [16, 17, 512]) cipher.seal(new Uint8Array(length), length === 16 ? 0 : 1);
});

test("refuses proofs of another length, of another user, and gives no second try", () => {
  const right = fromHex(vector.proof);
  assert(right[0] !== 0, "a first byte that is zero may be left out");
  const short = [right.slice(1), right.slice(63), right.slice(0, 63)];
  for (const proof of [undefined, bytes(), ...short, new Uint8Array(63), new Uint8Array(65), new Uint8Array(512)]) {
    const security = challenged();
    equal(security.verify("wifiprov", proof), undefined);
    equal(security.verify("wifiprov", fromHex(vector.proof)), undefined);
    assert(!security.established && !security.challenged);
  }
  equal(challenged().verify("wifiprof", fromHex(vector.proof)), undefined);
});

test("refuses keys that are no keys, and keeps the session that there is", () => {
  const security = established();
  const account = { salt: vector.salt, verifier };
  const prime = fromHex(primeHex);
  for (const key of [bytes(), bytes(0), new Uint8Array(384), prime, bytes(0, prime), new Uint8Array(385).fill(1)])
    equal(security.challenge(account, key), undefined);
  equal(security.challenge(account, toBytes(2n * toNumber(prime))), undefined);
  equal(open(security, fromHex(vector.sealed)), bytes(vector.message));
});

test("without a session nothing is opened", () => {
  equal(open(new Security2(fixedCrypto), fromHex(vector.sealed)), undefined);
  const security = established();
  security.close();
  equal(open(security, fromHex(vector.sealed)), undefined);
});

// ---- the account

test("the account is made once and kept; another proof gets another one; what is stored and no account is made anew", () => {
  const storage = new Storage();
  const first = srpAccount(crypto, storage, "one");
  equal([first.salt.length, first.verifier.length, storage.writes], [16, 384, 1]);
  assert(first.salt[0] >= 0x80, "clients may drop leading zeros");
  equal(srpAccount(crypto, storage, "one"), first);
  equal(storage.writes, 1);
  const other = srpAccount(crypto, storage, "two");
  assert(String(other.verifier) !== String(first.verifier));
  equal(new Uint8Array(crypto.srpVerifier(other.salt, "wifiprov", "two")), other.verifier);
  storage.values.set("srp", storage.values.get("srp")!.slice(1));
  assert(String(srpAccount(crypto, storage, "two").salt) !== String(other.salt));
  const full = new Storage();
  full.failing = true;
  equal(srpAccount(crypto, full, "one").verifier.length, 384);
});

// ---- the conversation

test("a session opens, carries a request of either kind, and ends with the link", async () => {
  const target = device();
  const phone = new Phone2(target).open(proofOfPossession);
  assert(target.protocomm.busy);
  equal(await phone.ask("camera-command", { type: "Hello" }), '{"type":"Hello"}');
  phone.write("prov-config", phone.seal(bytes(1, 2)));
  equal(phone.unseal(phone.read("prov-config")), bytes(2, 1));
  const text = "Straße 📷".repeat(60);
  equal(JSON.parse(await phone.ask("camera-cert", { text }, 64)), { text });
  phone.link.close();
  assert(!target.protocomm.busy);
  equal(target.asked.length, 3);
});

test("the smallest MTU leaves three bytes of each value, and that is enough", async () => {
  const phone = new Phone2(device()).open(proofOfPossession);
  const message = { text: "x".repeat(500) };
  equal(JSON.parse(await phone.ask("camera-command", message, 20)), message);
});

test("a wrong proof opens nothing and costs an attempt; another try needs a new challenge", () => {
  const target = device();
  const phone = new Phone2(target);
  phone.challenge();
  const right = phone.proof(proofOfPossession);
  equal(phone.verify(phone.proof("abcd1235")), Status.crypto);
  equal(phone.verify(right), Status.invalidSession);
  equal(phone.challenge() || phone.verify(new Uint8Array(64)), Status.crypto);
  equal(phone.challenge() || phone.verify(bytes()), Status.crypto);
  equal(phone.challenge(), Status.invalidSession);
  equal(JSON.parse(text(phone.read("proto-ver"))).devicelink.retryAfter, 1);
  target.clock.now += 1000;
  phone.open(proofOfPossession);
  equal(target.asked, []);
});

test("keys that are no keys are an invalid argument, cost nothing, and leave the session open", async () => {
  const target = device();
  const phone = new Phone2(target).open(proofOfPossession);
  const prime = fromHex(primeHex);
  const refused: Uint8Array[] = [
    command0(bytes()),
    command0(bytes(0)),
    command0(new Uint8Array(384)),
    command0(prime),
    command0(toBytes(2n * toNumber(prime))),
    command0(new Uint8Array(400).fill(1)),
    command0(clientKey, "wifiprof"),
    command0(clientKey, "wifiprov2"),
    command0(clientKey, ""),
    bytes(0x10, 2, 0x62, 0),
  ];
  for (const message of refused) {
    phone.write("prov-session", message);
    equal(statusOf(phone.link.read("prov-session", 512)), Status.invalidArgument);
  }
  equal(await phone.ask("camera-command", { a: 1 }), '{"a":1}');
  equal(target.protocomm.limit.remaining, 0);
});

test("session messages cut at every byte get an error status and change nothing", () => {
  const target = device();
  const phone = new Phone2(target).open(proofOfPossession);
  for (const message of [command0(clientKey), command1(new Uint8Array(64).fill(7))])
    for (let length = 1; length < message.length; length++) {
      phone.write("prov-session", message.slice(0, length));
      assert(statusOf(phone.link.read("prov-session", 512)) > 0, `${length} bytes`);
      assert(phone.link.hasSession, `the session survived ${length} bytes`);
    }
  equal(target.protocomm.limit.remaining, 0);
});

for (const endpoint of ["camera-command", "prov-config"])
  test(`one bit changed anywhere ends the session by name, and nothing is carried out: ${endpoint}`, () => {
    const target = device();
    const plain = endpoint === "prov-config" ? bytes(1, 2) : bytes('{"a":1}');
    const length = plain.length + 16 + (endpoint === "prov-config" ? 0 : 1);
    // A session is long in BigInt: the ends and some bytes between.
    for (const index of [0, 1, length >> 1, length - 17, length - 1]) {
      const phone = new Phone2(target).open(proofOfPossession);
      const message = endpoint === "prov-config" ? phone.seal(plain) : phone.fragments('{"a":1}')[0];
      equal(message.length, length);
      message[index] ^= 0x20;
      phone.write(endpoint, message);
      equal(phone.refusal(endpoint), "NotAuthentic");
      assert(!phone.link.hasSession);
      phone.link.close();
    }
    equal(target.asked, []);
  });

test("the last fragment's mark is protected: a message cannot be cut short or put together anew", () => {
  const target = device();
  for (const change of [
    (fragments: Uint8Array[]) => bytes(fragments[0][0] | 0x80, fragments[0].slice(1)),
    (fragments: Uint8Array[]) => fragments[1],
  ]) {
    const phone = new Phone2(target).open(proofOfPossession);
    phone.write("camera-command", change(phone.fragments({ text: "x".repeat(40) }, 40)));
    equal(phone.refusal("camera-command"), "NotAuthentic");
    phone.link.close();
  }
  equal(target.asked, []);
});

test("a message that is played again, in this session or another, is not authentic", async () => {
  const target = device();
  const phone = new Phone2(target).open(proofOfPossession);
  const [recorded] = phone.fragments({ a: 1 });
  phone.write("camera-command", recorded);
  await phone.answer("camera-command");
  phone.write("camera-command", recorded);
  equal(phone.refusal("camera-command"), "NotAuthentic");
  phone.open(proofOfPossession).write("camera-command", recorded);
  equal(phone.refusal("camera-command"), "NotAuthentic");
  equal(target.asked, [{ a: 1 }]);
});

test("a recorded handshake cannot be played to another link", () => {
  const target = device();
  const phone = new Phone2(target);
  phone.challenge();
  const proof = phone.proof(proofOfPossession);
  equal(phone.verify(proof), 0);
  phone.link.close();
  const thief = new Phone2(target);
  equal(thief.challenge() || thief.verify(proof), Status.crypto);
  assert(!target.protocomm.busy);
});

test("a proof of one scheme is none of the other", () => {
  const target = device();
  const phone = new Phone2(target);
  phone.challenge();
  const other = new Phone(phone.link);
  equal(other.verify(new Uint8Array(32)), Status.invalidSession);
  equal(phone.verify(phone.proof(proofOfPossession)), 0);
});

test("security 1 needs a proof that cannot be guessed away from the camera; security 2 does not", async () => {
  const weak = device({ secret: "k3v9q2m7xw" });
  const old = new Phone(weak);
  equal(old.challenge(), Status.invalidScheme);
  equal(old.verify(new Uint8Array(32)), Status.invalidScheme);
  equal(weak.protocomm.limit.remaining, 0);
  const phone = new Phone2(weak).open("k3v9q2m7xw");
  equal(await phone.ask("camera-command", { a: 1 }), '{"a":1}');
  new Phone(device()).open();
});

test("arithmetic that finds no memory is an internal error, and the next try works", () => {
  const target = device();
  const { crypto: real } = target.protocomm.options;
  const failing = {
    ...real,
    SRPServer: class {
      constructor() {
        throw new Error("no memory");
      }
    } as unknown as ProvisioningCrypto["SRPServer"],
  };
  const phone = new Phone2(target);
  target.protocomm.options.crypto = failing;
  equal(phone.challenge(), Status.internal);
  target.protocomm.options.crypto = real;
  phone.open(proofOfPossession);
});

test("a camera that was switched off and on knows its phones by the same account, and how often somebody guessed", () => {
  const storage = new Storage();
  const before = device({ storage });
  new Phone2(before).open(proofOfPossession).link.close();
  const account = storage.values.get("srp");
  for (let i = 0; i < 3; i++) {
    const phone = new Phone2(before);
    equal(phone.challenge() || phone.verify(new Uint8Array(64)), Status.crypto);
  }
  const after = device({ storage });
  equal(after.protocomm.limit.remaining, 1000);
  equal(new Phone2(after).challenge(), Status.invalidSession);
  after.clock.now += 1000;
  new Phone2(after).open(proofOfPossession);
  equal(storage.values.get("srp"), account);
  equal(storage.values.has("guesses"), false);
});

test("of every handshake, good, bad or given up, the arithmetic's memory is let go", () => {
  let open = 0;
  const counting: ProvisioningCrypto = {
    ...fixedCrypto,
    SRPServer: class extends fixedCrypto.SRPServer {
      #isOpen = true;
      constructor(salt: Uint8Array, verifier: Uint8Array) {
        super(salt, verifier);
        open += 1;
      }
      override close() {
        if (this.#isOpen) open -= 1;
        this.#isOpen = false;
        super.close();
      }
    },
  };
  const account = { salt: vector.salt, verifier };
  for (const [key, proof] of [
    [bytes(0), undefined],
    [clientKey, undefined],
    [clientKey, new Uint8Array(64)],
    [clientKey, fromHex(vector.proof)],
  ] as const) {
    const security = new Security2(counting);
    security.challenge(account, key);
    security.challenge(account, key);
    if (proof) security.verify("wifiprov", proof);
    security.close();
    equal(open, 0);
  }
});
