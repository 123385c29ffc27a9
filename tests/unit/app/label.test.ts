import { loadLabel, qrPayload } from "../../../modules/app/label";
import { isStrongProof } from "../../../modules/provisioning/proof-strength";
import { RecordStore } from "../../../modules/storage/record-store";
import { randomBytes } from "../../../native/tls/crypto";
import { assert, equal, test } from "../harness";

test("a new label has a proof of 80 bits, and is kept", () => {
  const records = new RecordStore("label-new");
  const label = loadLabel(records, randomBytes);
  assert(/^PROV_[0-9A-F]{6}$/.test(label.name), label.name);
  assert(/^[0-9a-hjkmnp-tv-z]{16}$/.test(label.proofOfPossession), label.proofOfPossession);
  equal(label.name, `PROV_${label.serial}`);
  equal(loadLabel(records, randomBytes), label);
  assert(isStrongProof(label.proofOfPossession), label.proofOfPossession);
});

test("each letter stands for five random bits, and serial and proof share none", () => {
  const bytes = Uint8Array.from({ length: 22 }, (_, i) => (i < 6 ? i : 32 * i + 2 * (i - 6)));
  const { serial, proofOfPossession } = loadLabel(new RecordStore("label-fix"), (count) => {
    equal(count, 22);
    return bytes.buffer as ArrayBuffer;
  });
  equal([serial, proofOfPossession], ["012345", "02468acegjmprtwy"]);
});

test("a label from the factory is taken as it is", () => {
  const records = new RecordStore("label-old");
  const label = { name: "PROV_ABCDEF", proofOfPossession: "k3v9q2m7xw", serial: "ABCDEF" };
  records.write("label", label);
  equal(loadLabel(records, randomBytes), label);
  equal(JSON.parse(qrPayload(label)), {
    ver: "v1",
    name: "PROV_ABCDEF",
    username: "wifiprov",
    pop: "k3v9q2m7xw",
    transport: "ble",
    network: "wifi",
    security: "2",
  });
});

test("which proofs are too long to be guessed away from the camera", () => {
  const strong = [
    "02468acegjmprtwy",
    "abcd-efgh-jkmn-pqrs",
    "0123456789abcdef0123",
    "0123456789012345678901234",
    "Correct horse battery staple",
  ];
  const weak = [
    "",
    "k3v9q2m7xw",
    "02468acegjmprtw",
    "abcd-efgh-jkmn-pqr",
    "0123456789abcdef012",
    "012345678901234567890123",
    "aaaaaaaaaaaaaaaaaaaaaaaa",
    "abcdefgabcdefgabcdefgabcdefg",
    "----------------",
  ];
  for (const proof of strong) assert(isStrongProof(proof), proof);
  for (const proof of weak) assert(!isStrongProof(proof), proof);
});
