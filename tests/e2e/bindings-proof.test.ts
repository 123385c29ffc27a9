/** Whoever claims a camera proves that they hold it: the cloud's side, every way to claim without the camera's signature. */
import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { after, before, test } from "node:test";
import { Challenges, challengeLife } from "../../sim/cloud/bindings/challenges.ts";
import { registerThing } from "../../sim/phone/aws.ts";
import { makeRequest } from "./iot-rig.ts";
import { KeyedCamera } from "./keyed-camera.ts";
import { PeopleRig, type Person } from "./people-rig.ts";

let rig: PeopleRig;
let alice: Person;
let bob: Person;

before(async () => {
  rig = await PeopleRig.open();
  alice = await rig.person();
  bob = await rig.person();
});
after(() => rig?.close());

const codeOf = async (answer: Promise<{ error?: { code: string } }>) => (await answer).error?.code;

async function nonceOf(person: Person): Promise<string> {
  const { nonce = "", expires = 0 } = await person.ask({ action: "challenge" });
  assert.match(nonce, /^[\w-]{32}$/);
  assert.ok(expires > Date.now() + challengeLife - 60_000 && expires <= Date.now() + challengeLife);
  return nonce;
}

/** A claim with everything that is right, and what a test changes in it. */
async function claimOf(person: Person, camera: KeyedCamera, changes: object = {}): Promise<object> {
  const nonce = await nonceOf(person);
  const proof = camera.sign({ identity: person.identityId, nonce });
  return { action: "claim", thingName: camera.thingName, nonce, ...proof, ...changes };
}

const activeCertificatesOf = (thingName: string) => {
  const { registry } = rig.cloud;
  const { principals = [] } = registry.things.find((thing) => thing.thingName === thingName) ?? {};
  return principals.filter((arn) => registry.certificateOf(arn).status === "ACTIVE");
};

test("a claim with the camera's signature binds it, and brings the certificate for the camera's request", async () => {
  const camera = new KeyedCamera();
  const { csr, key } = await makeRequest(camera.thingName);
  const { cameras = [], certificate, error } = await alice.claim(camera, { csr, name: "Door" });
  assert.deepEqual([error, cameras[0]?.thingName, cameras[0]?.name], [undefined, camera.thingName, "Door"]);
  const { certificateArn, certPem } = certificate!;
  assert.ok(new X509Certificate(certPem).checkPrivateKey(createPrivateKey(key)), "for the camera's key");
  assert.deepEqual(activeCertificatesOf(camera.thingName), [certificateArn]);
  assert.deepEqual(rig.cloud.registry.certificateOf(certificateArn).policies, ["devicelink-camera"]);
  assert.equal((await alice.claim(camera)).certificate, undefined, "without a request no certificate");
  assert.deepEqual(activeCertificatesOf(camera.thingName), [certificateArn]);
});

test("who only knows the name gets nothing: not the binding, not a certificate", async () => {
  const [camera, another] = [new KeyedCamera(), new KeyedCamera()];
  const { thingName } = camera;
  const csr = await camera.request();
  const nonce = await nonceOf(bob);
  const proof = camera.sign({ identity: alice.identityId, nonce });
  const attempts: [string, object][] = [
    ["no proof", { action: "claim", thingName }],
    ["no proof, but a request", { action: "claim", thingName, csr }],
    ["another camera's signature", await claimOf(bob, another, { thingName })],
    ["another camera's key", await claimOf(bob, camera, { publicKey: another.publicKey })],
    ["signed for somebody else", { action: "claim", thingName, nonce, ...proof }],
    ["a request that was not signed over", await claimOf(bob, camera, { csr })],
    ["no signature at all", await claimOf(bob, camera, { signature: "A".repeat(96) })],
  ];
  for (const [what, message] of attempts) assert.equal(await codeOf(bob.ask(message)), "NotProven", what);
  const made = { ...(await claimOf(bob, camera)), nonce: "n".repeat(32) };
  const forged = camera.sign({ identity: bob.identityId, nonce: "n".repeat(32) });
  assert.equal(await codeOf(bob.ask({ ...made, ...forged })), "StaleNonce", "a nonce of one's own");
  assert.equal(await rig.table.get(thingName), undefined);
  assert.equal(
    rig.cloud.registry.things.some((thing) => thing.thingName === thingName),
    false,
  );
  assert.equal(await codeOf(bob.claim(camera)), undefined, "who holds it gets it");
});

test("a nonce is good for one claim, for its person, the last one of them, for ten minutes", async () => {
  const [first, second] = [new KeyedCamera(), new KeyedCamera()];
  const [old, claim] = [await claimOf(alice, first), await claimOf(alice, second)];
  assert.equal(await codeOf(alice.ask(old)), "StaleNonce", "another one was asked for since");
  assert.equal(await codeOf(alice.ask(claim)), undefined);
  assert.equal(await codeOf(alice.ask(claim)), "StaleNonce", "used");
  const nonce = await nonceOf(alice);
  const stolen = { nonce, ...first.sign({ identity: bob.identityId, nonce }) };
  assert.equal(await codeOf(bob.ask({ action: "claim", thingName: first.thingName, ...stolen })), "StaleNonce");
  const late = await claimOf(alice, first);
  const record = (await rig.table.owner(alice.identityId))!;
  const challenge = { ...record.challenge!, expires: Date.now() };
  assert.ok(await rig.table.keepOwner(alice.identityId, { ...record, version: record.version + 1, challenge }));
  assert.equal(await codeOf(alice.ask(late)), "StaleNonce", "too old");
});

test("the same claim again, as Lambda may run it, is the same claim with the same certificate", async () => {
  const camera = new KeyedCamera();
  const csr = await camera.request();
  const nonce = await nonceOf(alice);
  const proof = camera.sign({ identity: alice.identityId, nonce, csr });
  const claim = { action: "claim", requestId: "twice", thingName: camera.thingName, nonce, ...proof };
  const first = await alice.ask(claim);
  const again = await alice.ask(claim);
  assert.deepEqual([again.error, again.certificate], [undefined, first.certificate]);
  assert.deepEqual(activeCertificatesOf(camera.thingName), [first.certificate?.certificateArn]);
  const { nonce: one } = await alice.ask({ action: "challenge", requestId: "same" });
  assert.equal((await alice.ask({ action: "challenge", requestId: "same" })).nonce, one);
  const renewed = await alice.claim(camera, { csr });
  assert.deepEqual(
    activeCertificatesOf(camera.thingName),
    [renewed.certificate?.certificateArn],
    "the old one is retired",
  );
  assert.notEqual(renewed.certificate?.certificateArn, first.certificate?.certificateArn);
});

test("a claim that comes once more after the camera was given away brings nothing back", async () => {
  const camera = new KeyedCamera();
  const claim = { ...(await claimOf(alice, camera)), requestId: "late" };
  assert.equal(await codeOf(alice.ask(claim)), undefined);
  assert.equal(await codeOf(alice.ask({ action: "release", thingName: camera.thingName })), undefined);
  assert.equal(await codeOf(alice.ask(claim)), "StaleNonce");
  assert.equal(await rig.table.get(camera.thingName), undefined);
});

test("two who hold the same camera and race: one has it, the other is told whose it is not", async () => {
  const camera = new KeyedCamera();
  const csr = await camera.request();
  const answers = await Promise.all([alice.claim(camera, { csr }), bob.claim(camera, { csr })]);
  const winner = answers.findIndex(({ error }) => !error);
  assert.equal(answers[1 - winner].error?.code, "NotYours");
  assert.equal((await rig.table.get(camera.thingName))?.user, [alice, bob][winner].identityId);
  assert.deepEqual(activeCertificatesOf(camera.thingName), [answers[winner].certificate?.certificateArn]);
  const loser = [bob, alice][winner];
  assert.equal(
    await codeOf(loser.claim(camera, { csr })),
    "NotYours",
    "holding it is not enough: it has to be released",
  );
});

test("a request that AWS refuses is a BadRequest, and the camera stays bound", async () => {
  const camera = new KeyedCamera();
  const csr = (await camera.request()).replace(/\n[A-Za-z0-9+/]{4}/, "\nAAAA");
  assert.equal(await codeOf(alice.claim(camera, { csr })), "BadRequest");
  assert.equal((await rig.table.get(camera.thingName))?.user, alice.identityId);
});

test("a thing that was registered elsewhere signs with the key of its certificate, while that is active", async () => {
  const thingName = "camera-0001";
  const { iot } = rig.administrator;
  const { csr, key } = await makeRequest(thingName);
  const { certificateArn } = await registerThing(iot, { thingName, csrPem: csr });
  const camera = KeyedCamera.of(key, thingName);
  const stranger = new KeyedCamera();
  const forged = await claimOf(bob, stranger, { thingName });
  assert.equal(await codeOf(bob.ask(forged)), "NotProven");
  assert.equal(await codeOf(bob.ask({ action: "claim", thingName })), "NotProven");
  assert.equal(await codeOf(alice.claim(camera)), undefined);
  assert.deepEqual(activeCertificatesOf(thingName), [certificateArn], "it keeps the certificate that it has");
  assert.equal(await codeOf(alice.ask({ action: "release", thingName })), undefined);
  assert.equal(await codeOf(alice.claim(camera)), "NotProven", "the certificate is retired");
});

test("an old camera, which cannot sign: bound by the administrator its owner gets a certificate, nobody else does", async () => {
  const thingName = "camera-24A6CC";
  const { csr } = await makeRequest(thingName);
  assert.equal(await codeOf(alice.ask({ action: "claim", thingName, csr })), "NotProven");
  await rig.table.put({ thing: thingName, user: alice.identityId });
  const { certificate, cameras = [] } = await alice.ask({ action: "claim", thingName, csr, name: "Old" });
  assert.deepEqual(activeCertificatesOf(thingName), [certificate?.certificateArn]);
  assert.equal(cameras[0].name, "Old");
  assert.equal(await codeOf(bob.ask({ action: "claim", thingName, csr })), "NotYours");
});

test("a camera that can sign has to: its owner gets no certificate without, but may rename it", async () => {
  const camera = new KeyedCamera();
  await alice.claim(camera);
  const { thingName } = camera;
  assert.equal(await codeOf(alice.ask({ action: "claim", thingName, csr: await camera.request() })), "NotProven");
  assert.equal(await codeOf(alice.ask({ action: "claim", thingName, name: "New" })), undefined);
});

test("where it is allowed, an old camera is claimed by whoever comes first; one that can sign still has to", async () => {
  const lenient = await PeopleRig.open({ allowUnproven: true });
  try {
    const carol = await lenient.person();
    const thingName = "camera-24A6CC";
    const { csr } = await makeRequest(thingName);
    const { certificate } = await carol.ask({ action: "claim", thingName, csr });
    assert.ok(certificate?.certPem);
    const { thingName: own } = new KeyedCamera();
    assert.equal(await codeOf(carol.ask({ action: "claim", thingName: own })), "NotProven");
  } finally {
    await lenient.close();
  }
});

test("two runs of one claim at the same time make two certificates, and keep the first", async () => {
  const challenges = new Challenges(rig.table, Date.now);
  const claim = { user: alice.identityId, requestId: "both", thing: "camera-x" };
  const { nonce } = await challenges.issue(alice.identityId, "nonce");
  await Promise.all([challenges.use(nonce, claim), challenges.use(nonce, claim)]);
  await assert.rejects(challenges.use(nonce, { ...claim, thing: "camera-y" }), { code: "StaleNonce" });
  await assert.rejects(challenges.use(nonce, { ...claim, requestId: "other" }), { code: "StaleNonce" });
  const made: string[] = [];
  const discarded: string[] = [];
  const make = async () => `certificate ${made.push("")}`;
  const discard = async (arn: string) => void discarded.push(arn);
  const kept = await Promise.all([1, 2].map(() => challenges.certificateOf(claim, make, discard)));
  assert.equal(made.length, 2);
  assert.equal(kept[0], kept[1]);
  assert.deepEqual([...discarded, kept[0]].sort(), ["certificate 1", "certificate 2"]);
  assert.equal(await challenges.certificateOf(claim, make, discard), kept[0], "a third run makes none");
  assert.equal(made.length, 2);
});
