/** The camera signs that somebody holds it: the firmware's signature, and what the cloud makes of it. */
import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, X509Certificate } from "node:crypto";
import { after, before, test } from "node:test";
import { LocalCA } from "../../certs/local-ca.ts";
import {
  type ClaimStatement,
  claimText,
  isOwnName,
  isSignedByCertificate,
  isSignedByName,
  type Proof,
  thingNameOf,
} from "../../sim/cloud/bindings/proof.ts";
import { LineRig } from "./line-rig.ts";

const identity = "eu-west-1:5e0f5b4c-6d2e-4f6a-9a57-3a1c6d3e9f00";
const nonce = "bm9uY2Utb2YtdGhlLWNsb3Vk";

interface Answer extends Proof {
  thingName: string;
  csr?: string;
}

let rig: LineRig;

before(async () => {
  rig = await LineRig.open();
  await rig.provision();
});
after(() => rig?.close());

const prove = (fields: object = {}) =>
  rig.client.request("camera-cert", { type: "ProveOwnership", identity, nonce, ...fields }) as Promise<Answer>;

const isSigned = (statement: ClaimStatement, proof: Proof) =>
  isSignedByName(statement.thingName, claimText(statement), proof);

test("the camera's own name is the hash of the key that signs; nothing that was signed can be changed", async () => {
  const { ownThingName } = await rig.owner.deviceInfo();
  assert.ok(isOwnName(ownThingName as string));
  const { thingName, csr, ...proof } = await prove();
  assert.deepEqual([thingName, csr], [ownThingName, undefined]);
  assert.equal(thingNameOf(Buffer.from(proof.publicKey, "base64")), thingName);
  const statement = { identity, thingName, nonce };
  assert.ok(isSigned(statement, proof));
  const stranger = await LocalCA.create();
  for (const [what, changed] of Object.entries({
    identity: { identity: identity.replace("5e0f", "5e0e") },
    name: { thingName: `camera-${"a".repeat(24)}` },
    nonce: { nonce: `${nonce}x` },
    request: { csr: stranger.certPem },
  }))
    assert.ok(!isSigned({ ...statement, ...changed }, proof), what);
  const broken = Buffer.from(proof.signature, "base64");
  broken[broken.length - 1] ^= 1;
  for (const signature of [broken.toString("base64"), "", "AAAA"])
    assert.ok(!isSigned(statement, { ...proof, signature }));
});

test("the request that comes with it is signed over, and registers the camera under its name", async () => {
  const { thingName, csr, ...proof } = await prove({ csr: true });
  assert.ok(isSigned({ identity, thingName, nonce, csr }, proof));
  assert.ok(!isSigned({ identity, thingName, nonce }, proof), "without the request it is another statement");
  const { certPem, endpoint } = await rig.registrar.registerThing({ thingName, csrPem: csr! });
  assert.notDeepEqual(
    new X509Certificate(certPem).publicKey.export({ type: "spki", format: "der" }),
    Buffer.from(proof.publicKey, "base64"),
    "the certificate has a key of its own",
  );
  const message = { type: "RegisterDevice", thingName, endpoint, certPem, rootCA: rig.rootCA };
  await rig.client.request("camera-cert", message);
  await rig.untilOnline(thingName);
});

test("a key that somebody else has makes no name of this camera's", () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const publicKey = createPublicKey(createPrivateKey(privateKey.export({ type: "sec1", format: "pem" })));
  const der = publicKey.export({ type: "spki", format: "der" });
  const thingName = thingNameOf(der);
  const text = ["devicelink-claim-v1", identity, thingName, nonce, "-"].join("\n");
  const signature = sign("sha256", Buffer.from(text), privateKey).toString("base64");
  assert.ok(isSigned({ identity, thingName, nonce }, { publicKey: der.toString("base64"), signature }));
  const other = generateKeyPairSync("ec", { namedCurve: "prime256v1" }).publicKey.export({
    type: "spki",
    format: "der",
  });
  assert.ok(!isSigned({ identity, thingName, nonce }, { publicKey: other.toString("base64"), signature }));
  assert.ok(!isSigned({ identity, thingName, nonce }, { publicKey: "?", signature }));
  const wrongCurve = generateKeyPairSync("ec", { namedCurve: "secp384r1" });
  const odd = wrongCurve.publicKey.export({ type: "spki", format: "der" });
  const statement = { identity, thingName: thingNameOf(odd), nonce };
  const oddText = text.replace(thingName, statement.thingName);
  const oddSignature = sign("sha256", Buffer.from(oddText), wrongCurve.privateKey).toString("base64");
  assert.ok(!isSigned(statement, { publicKey: odd.toString("base64"), signature: oddSignature }));
});

test("a thing of another name is signed for with the key of the certificate that it is registered with", async () => {
  const thingName = "camera-0001";
  const { csr } = (await rig.client.request("camera-cert", { type: "CreateCsr", thingName })) as { csr: string };
  const { certPem, endpoint } = await rig.registrar.registerThing({ thingName, csrPem: csr });
  await rig.client.request("camera-cert", { type: "RegisterDevice", thingName, endpoint, certPem, rootCA: rig.rootCA });
  await rig.untilOnline(thingName);
  const proof = await prove({ thingName });
  const statement = { identity, thingName, nonce };
  const other = await LocalCA.create();
  assert.ok(isSignedByCertificate(claimText(statement), proof, [other.certPem, certPem]));
  assert.ok(!isSignedByCertificate(claimText(statement), proof, [other.certPem, "no certificate"]));
  assert.ok(!isSignedByCertificate(claimText({ ...statement, thingName: "camera-0002" }), proof, [certPem]));
  assert.ok(!isSigned(statement, proof));
  await assert.rejects(prove({ thingName: "camera-0002" }), { code: "NoKey" });
});
