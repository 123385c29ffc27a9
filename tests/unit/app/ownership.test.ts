import Base64 from "base64";
import { claimStatement, ownThingName, proveOwnership, provisioningProof } from "../../../modules/app/ownership";
import { IdentityStore } from "../../../modules/storage/identity-store";
import { RecordStore } from "../../../modules/storage/record-store";
import { Digest, KeyPair } from "../../../native/tls/crypto";
import { equal, test, throws } from "../harness";
import { giveIdentity } from "../storage/given-identity";

interface Proof {
  thingName: string;
  publicKey: string;
  signature: string;
  csr?: string;
}

const identity = "eu-west-1:6f1c2e0a-8f5b-4b0e-9a7d-0123456789ab";
const nonce = "bm9uY2U_-0";

function setUp() {
  const records = new RecordStore("ownership-test");
  const identities = new IdentityStore(records);
  identities.erase();
  return { records, identities };
}

const prove = (host: ReturnType<typeof setUp>, message: object) =>
  proveOwnership(host, { identity, nonce, ...message }) as Proof;

test("the name is made of the camera's first key, which stays", () => {
  const host = setUp();
  const name = ownThingName(host);
  equal(/^camera-[a-z2-7]{24}$/.test(name), true, name);
  host.identities.erase();
  equal(ownThingName({ ...host, records: new RecordStore("ownership-test") }), name, "after a restart");
  const { publicKey, thingName, csr } = prove(host, {});
  equal([thingName, csr, Base64.decode(publicKey).byteLength], [name, undefined, 91]);
  host.records.delete("ownKey");
  equal(ownThingName(host) === name, false, "another key, another name");
});

test("a key that cannot be kept is not used", () => {
  const { identities } = setUp();
  const full = {
    read: () => undefined,
    write() {
      throw new Error("full");
    },
  } as unknown as RecordStore;
  throws(() => ownThingName({ records: full, identities }), "StorageFailed");
});

test("a request is made for the name, and its key kept until the certificate comes", () => {
  const host = setUp();
  const { csr = "", thingName } = prove(host, { csr: true });
  equal(csr.startsWith("-----BEGIN CERTIFICATE REQUEST-----"), true);
  equal(host.identities.pendingKey(thingName)?.startsWith("-----BEGIN"), true);
});

test("a thing of another name is signed for with the key of its certificate", () => {
  const host = setUp();
  const pair = new KeyPair();
  const identityOf = (thingName: string) => ({ thingName, endpoint: "e", certificate: "c", key: pair.exportPEM() });
  giveIdentity(host.identities, identityOf("camera-0001"));
  const { publicKey } = prove(host, { thingName: "camera-0001" });
  equal(publicKey, Base64.encode(pair.publicKey));
  equal(prove(host, {}).publicKey === publicKey, false);
  giveIdentity(host.identities, identityOf(ownThingName(host)));
  equal(prove(host, {}).publicKey === publicKey, false, "its own name is its own key's");
  throws(() => prove(host, { thingName: "camera-0001" }), "NoKey");
});

test("what is signed cannot be made of other fields", () => {
  equal(claimStatement("i", "t", "n"), "devicelink-claim-v1\ni\nt\nn\n-");
  const digest = "039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81";
  equal(claimStatement("i", "t", "n", "-----BEGIN X-----\nAQ\nID\r\n-----END X-----\n").endsWith(`\n${digest}`), true);
  const host = setUp();
  const bad = [undefined, null, "", 7, "a\nb", "a b", "x".repeat(65), "é"];
  for (const value of bad) {
    throws(() => prove(host, { identity: value }), "BadField");
    throws(() => prove(host, { nonce: value }), "BadField");
  }
  for (const csr of [undefined, null, false]) equal(prove(host, { nonce: "x".repeat(64), csr }).csr, undefined);
  for (const csr of [1, "true", {}]) throws(() => prove(host, { csr }), "BadField");
  throws(() => prove(host, { thingName: "x".repeat(129) }), "BadField");
});

test("the name is the first 120 bits of the key's digest, in base32: five bits a letter", () => {
  const host = setUp();
  for (let i = 0; i < 4; i += 1) {
    host.records.delete("ownKey");
    const { thingName, publicKey } = prove(host, {});
    const digest = new Digest("SHA-256");
    digest.write(Base64.decode(publicKey));
    const bytes = [...new Uint8Array(digest.close())].slice(0, 15);
    const bits = bytes.map((byte) => byte.toString(2).padStart(8, "0")).join("");
    const letters = (bits.match(/.{5}/g) ?? []).map((five) => "abcdefghijklmnopqrstuvwxyz234567"[parseInt(five, 2)]);
    equal(thingName, `camera-${letters.join("")}`);
  }
});

test("for the certificate that it has been given the camera signs as the thing that it is, and as no other", () => {
  const host = setUp();
  const name = ownThingName(host);
  const serialNumber = name.slice("camera-".length);
  const proof = provisioningProof(host, serialNumber, "id-1");
  equal(proof[0], ["PublicKey", prove(host, {}).publicKey]);
  const [kind, signature] = proof[1];
  equal([proof.length, kind], [2, "Signature"]);
  equal(new Uint8Array(Base64.decode(signature))[0], 0x30, "a signature in DER");
  for (const other of [undefined, "", "0A1B2C", name]) equal(provisioningProof(host, other, "id-1"), [], other);
});
