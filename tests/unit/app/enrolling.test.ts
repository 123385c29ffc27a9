import { Enrolling, provisioningClientId, templateParameters } from "../../../modules/app/enrolling";
import { EventLog } from "../../../modules/app/event-log";
import { CloudError } from "../../../modules/cloud/cloud-error";
import { type Enrolment, type Identity, IdentityStore } from "../../../modules/storage/identity-store";
import { RecordStore } from "../../../modules/storage/record-store";
import { KeyPair } from "../../../native/tls/crypto";
import { equal, test, throws, until } from "../harness";
import { giveIdentity } from "../storage/given-identity";
import { selfSigned } from "./self-signed";

const identity = (thingName: string): Identity => ({
  thingName,
  endpoint: "e",
  certificate: "c",
  key: "k",
  rootCA: "r",
});
const claim: Enrolment = { endpoint: "claimed", template: "t", certificate: "cc", key: "ck", rootCA: "cr" };
const refused = new CloudError("Refused", "no");
const lost = new CloudError("ConnectionClosed", "gone");

function setUp() {
  const records = new RecordStore("enrol-test");
  const identities = new IdentityStore(records);
  identities.erase();
  const host = {
    identities,
    changes: 0,
    time: 1000,
    now: () => host.time,
    confirmedNow: () => host.time,
    onEvent: () => {},
    identityChanged: () => {
      host.changes += 1;
    },
    events: undefined as unknown as EventLog,
  };
  host.events = new EventLog(host);
  return { identities, host, enrolling: new Enrolling(host) };
}

const result = (thingName: string) => ({ thingName, certificate: "new", key: "new key" });

test("a camera without an identity cannot rotate; one whose identity is being replaced is busy", async () => {
  const { identities, host, enrolling } = setUp();
  throws(() => enrolling.rotate({ template: "t" }), "NoIdentity");
  giveIdentity(identities, identity("one"));
  equal(enrolling.rotate({ template: "t", parameters: [["Batch", "7"]] }), { applyState: "enrolling" });
  equal(identities.enrolment, { endpoint: "e", template: "t", parameters: [["Batch", "7"]] });
  throws(() => enrolling.rotate({ template: "t" }), "Busy");
  await until(() => host.changes === 1, 3000);
});

test("the answer goes out before the session ends", async () => {
  const { identities, host, enrolling } = setUp();
  giveIdentity(identities, identity("one"));
  enrolling.rotate({ template: "t" });
  equal(host.changes, 0);
  await until(() => host.changes === 1, 3000);
});

test("fields are checked before anything is stored", () => {
  const { identities, enrolling } = setUp();
  giveIdentity(identities, identity("one"));
  for (const template of [undefined, "", "a/b", "x".repeat(37), 7])
    throws(() => enrolling.rotate({ template }), "BadField");
  const many = Array.from({ length: 17 }, (_, i) => [`p${i}`, "x"]);
  for (const parameters of [
    "x",
    7,
    [["Batch", 7]],
    many,
    [["n".repeat(31), "x"]],
    [["n", "x".repeat(257)]],
    [1, 2, 3, 4].map((n) => [`${n}`, "x".repeat(256)]),
    [["", "x"]],
  ])
    throws(() => enrolling.rotate({ template: "t", parameters }), "BadField");
  const fields = { endpoint: "e", template: "t", certPem: "no certificate", privKey: "no key" };
  throws(() => enrolling.provisionByClaim(fields), "BadKey");
  throws(() => enrolling.provisionByClaim({ ...fields, privKey: undefined }), "BadField");
  equal(identities.enrolment, undefined);
});

test("by claim: tried, connected, applied, and the claim is gone", () => {
  const { identities, host, enrolling } = setUp();
  equal(enrolling.applyState, "none");
  identities.order(claim);
  equal(enrolling.applyState, "enrolling");
  enrolling.provisioned(result("camera"));
  equal([enrolling.applyState, host.changes], ["trying", 1]);
  equal(identities.current, undefined);
  enrolling.sessionChanged(false);
  enrolling.sessionChanged(true);
  equal(enrolling.applyState, "applied");
  equal(identities.current, { ...identity("camera"), ...result("camera"), endpoint: "claimed", rootCA: "cr" });
  equal(identities.enrolment, undefined);
  enrolling.sessionChanged(true);
  equal(
    host.events.since(0).events.map(({ type }) => type),
    ["IdentityApplied"],
  );
});

test("a template that makes another thing of a camera is refused", () => {
  const { identities, enrolling } = setUp();
  giveIdentity(identities, identity("one"));
  identities.order({ endpoint: "e", template: "t" });
  throws(() => enrolling.provisioned(result("two")), "WrongThing");
  equal(identities.trial, undefined);
});

test("an identity on trial survives a few refusals, and then the old one is back", () => {
  const { identities, host, enrolling } = setUp();
  giveIdentity(identities, identity("one"));
  identities.order({ endpoint: "e", template: "t" });
  enrolling.provisioned(result("one"));
  for (let n = 0; n < 4; n += 1) enrolling.sessionChanged(false, refused);
  equal([enrolling.applyState, host.changes], ["trying", 1]);
  enrolling.sessionChanged(false, refused);
  equal([enrolling.applyState, host.changes], ["enrolling", 2]);
  equal(identities.inUse?.certificate, "c");
  equal(enrolling.error, { code: "Refused", message: "no" });
  equal(enrolling.pause, 10_000);
});

test("a bad network costs an identity on trial more patience than a refusal, but not for ever", () => {
  const { identities, enrolling } = setUp();
  identities.order(claim);
  enrolling.provisioned(result("one"));
  for (let n = 0; n < 19; n += 1) enrolling.sessionChanged(false, lost);
  equal(enrolling.applyState, "trying");
  enrolling.sessionChanged(false, lost);
  equal(enrolling.applyState, "enrolling");
});

test("an identity in force is not judged by its connections", () => {
  const { identities, host, enrolling } = setUp();
  giveIdentity(identities, identity("one"));
  for (let n = 0; n < 50; n += 1) enrolling.sessionChanged(false, refused);
  equal([identities.current?.thingName, host.changes], ["one", 0]);
});

test("three rounds, and a camera that has an identity keeps it", () => {
  const { identities, host, enrolling } = setUp();
  giveIdentity(identities, identity("one"));
  identities.order(claim);
  const pauses = [0, 0, 0].map(() => {
    enrolling.roundFailed(refused);
    return enrolling.pause;
  });
  equal(pauses, [10_000, 20_000, 0]);
  equal([enrolling.applyState, identities.inUse?.thingName, host.changes], ["applied", "one", 3]);
  equal(enrolling.error?.code, "Refused");
});

test("a camera that has only a claim keeps trying, every ten minutes in the end", () => {
  const { identities, enrolling } = setUp();
  identities.order(claim);
  for (let n = 0; n < 50; n += 1) enrolling.roundFailed(lost);
  equal([enrolling.applyState, enrolling.pause], ["enrolling", 600_000]);
});

test("a claim whose time is over is dropped", () => {
  const { identities, host, enrolling } = setUp();
  identities.order({ ...claim, expiresAt: 2000 });
  enrolling.roundFailed(refused);
  equal(enrolling.applyState, "enrolling");
  host.time = 2001;
  enrolling.roundFailed(refused);
  equal([enrolling.applyState, enrolling.error?.code], ["none", "ClaimExpired"]);
  equal(identities.inUse, undefined);
});

test("the template gets the serial number, and a claim a client id of its own", () => {
  const own = "camera-abc";
  const ordered = { ...claim, parameters: [["Batch", "7"]] } as const;
  const forNewThing = [
    ["SerialNumber", "abc"],
    ["Batch", "7"],
  ];
  equal(templateParameters(ordered, undefined, own), forNewThing);
  equal(templateParameters(ordered, "camera-0001", own), forNewThing, "a claim is for a new thing");
  const rotation: Enrolment = { endpoint: "e", template: "t" };
  equal(templateParameters(rotation, "camera-0001", own), [["SerialNumber", "0001"]], "the same thing once more");
  equal(templateParameters(rotation, "robot-1", own), [["SerialNumber", "abc"]]);
  equal(templateParameters({ ...rotation, parameters: [["SerialNumber", "7"]] }, "camera-0001", own), [
    ["SerialNumber", "7"],
  ]);
  equal(
    provisioningClientId({ ...identity(""), thingName: "" }, "abc", Uint8Array.of(1, 0, 0, 0).buffer),
    "claim-abc-1",
  );
  equal(provisioningClientId(identity("thing"), "abc", new ArrayBuffer(4)), "thing");
});

function trying(...before: ((identities: IdentityStore) => void)[]) {
  const rig = setUp();
  for (const change of before) change(rig.identities);
  rig.identities.propose(identity("new"), "id-new");
  const errors = () => rig.host.events.since(0).events.filter(({ type }) => type === "Error");
  return { ...rig, errors, fail: (error: CloudError) => rig.enrolling.sessionChanged(false, error) };
}

/** From now on the storage is full for this change. */
function fill(identities: IdentityStore, change: "confirm" | "order" | "propose"): void {
  const value = () => {
    throw new Error("full");
  };
  Object.defineProperty(identities, change, { value, configurable: true });
}

const owned = (identities: IdentityStore) => giveIdentity(identities, identity("old"), "id-old");
const ordered = (identities: IdentityStore) => identities.order(claim);

const verdicts = [
  "Refused",
  "PeerAlert",
  "UnknownCA",
  "BadChain",
  "NameMismatch",
  "WeakKey",
  "BadCertificate",
  "ProtocolVersion",
  "NoApplicationProtocol",
  "HandshakeFailure",
  "BadRoots",
  "BadClientCertificate",
  "BadKey",
  "BadOptions",
];

for (const code of verdicts)
  test(`five times ${code}, and the old identity is back`, () => {
    const { identities, host, enrolling, errors, fail } = trying(owned);
    for (let n = 0; n < 4; n += 1) fail(new CloudError(code, "why"));
    equal([enrolling.applyState, host.changes, errors().length], ["trying", 0, 0]);
    equal(enrolling.error, { code, message: "why" }, "told from the first time on");
    fail(new CloudError(code, "why"));
    equal([enrolling.applyState, host.changes, enrolling.pause], ["applied", 1, 0]);
    equal([identities.inUse?.thingName, identities.isTrying], ["old", false]);
    equal(enrolling.error, { code, message: "why" });
    equal([errors()[0].code, errors().length], [code, 1]);
    enrolling.sessionChanged(true);
    equal(enrolling.error, { code, message: "why" }, "and still when the old one is online");
  });

for (const code of [
  "ResolveFailed",
  "ConnectTimeout",
  "ConnectionFailed",
  "NoEndpoint",
  "Expired",
  "NotYetValid",
  "NoTime",
])
  test(`six times ${code}, which may be the network's or the clock's fault, and the old identity is back`, () => {
    const { enrolling, host, fail } = trying(owned);
    for (let n = 0; n < 5; n += 1) fail(new CloudError(code, "why"));
    equal([enrolling.applyState, host.changes], ["trying", 0]);
    fail(new CloudError(code, "why"));
    equal([enrolling.applyState, host.changes], ["applied", 1]);
  });

test("counts begin anew with each trial", () => {
  const { identities, enrolling, fail } = trying(owned);
  for (let n = 0; n < 5; n += 1) fail(refused);
  identities.propose(identity("newer"));
  for (let n = 0; n < 4; n += 1) fail(refused);
  equal(enrolling.applyState, "trying");
  fail(lost);
  equal(enrolling.applyState, "trying", "five failures, four of them refusals");
  fail(lost);
  equal(enrolling.applyState, "applied");
});

test("a camera that has nothing to go back to keeps trying, and says why it does not come online", () => {
  const { identities, host, enrolling, errors, fail } = trying();
  for (let n = 0; n < 104; n += 1) fail(refused);
  equal([enrolling.applyState, identities.inUse?.thingName, host.changes], ["trying", "new", 0]);
  equal(errors()[0].code, "Refused");
  equal(host.events.errors, 20);
  equal(enrolling.error?.code, "Refused");
  for (let n = 0; n < 20; n += 1) fail(lost);
  equal(host.events.errors, 21);
  enrolling.sessionChanged(true);
  equal([enrolling.applyState, enrolling.error, identities.current?.thingName], ["applied", null, "new"]);
});

test("back to a claim or an order that was there before", () => {
  const { identities, enrolling, errors, fail } = trying(ordered);
  for (let n = 0; n < 5; n += 1) fail(refused);
  equal([enrolling.applyState, identities.inUse?.certificate, enrolling.pause], ["enrolling", "cc", 10_000]);
  equal(errors().length, 1);
});

test("with an order a bad network has more patience, also when there is an identity", () => {
  const { enrolling, fail } = trying(owned, ordered);
  for (let n = 0; n < 19; n += 1) fail(lost);
  equal(enrolling.applyState, "trying");
  fail(lost);
  equal(enrolling.applyState, "enrolling");
});

test("an identity that no session can be made of is given up at once", () => {
  const error = new CloudError("InvalidEndpoint", "no host");
  const { host, enrolling } = trying(owned);
  enrolling.openFailed(error);
  equal([enrolling.applyState, enrolling.error?.code, host.changes], ["applied", "InvalidEndpoint", 1]);
  enrolling.openFailed(new CloudError("Closed", "again"));
  equal([enrolling.error?.code, host.changes], ["InvalidEndpoint", 1], "the old one is not judged");
  const alone = trying();
  alone.enrolling.openFailed(error);
  equal(
    [alone.enrolling.applyState, alone.enrolling.error?.code, alone.host.changes],
    ["trying", "InvalidEndpoint", 0],
  );
});

test("the end of a connection without an error is no failure", () => {
  const { enrolling } = trying(owned);
  for (let n = 0; n < 30; n += 1) enrolling.sessionChanged(false);
  equal([enrolling.applyState, enrolling.error], ["trying", null]);
});

test("a confirmation that cannot be written is told of, and done with the next connection", () => {
  const { identities, host, enrolling, errors } = trying(owned);
  fill(identities, "confirm");
  enrolling.sessionChanged(true);
  equal([enrolling.applyState, errors()[0].code], ["trying", "StorageFailed"]);
  delete (identities as Partial<IdentityStore>).confirm;
  enrolling.sessionChanged(true);
  const { type, thingName } = host.events.since(0).events.slice(-1)[0];
  equal([enrolling.applyState, type, thingName], ["applied", "IdentityApplied", "new"]);
});

test("RegisterDevice: what cannot be used changes nothing", () => {
  const rig = setUp();
  owned(rig.identities);
  const key = new KeyPair().exportPEM();
  rig.identities.keepPendingKey("waiting", key);
  const good = { thingName: "waiting", endpoint: "broker.example", certPem: "-----BEGIN", rootCA: undefined };
  const bad: [object, string][] = [
    [{ thingName: undefined }, "BadField"],
    [{ thingName: "a/b" }, "BadField"],
    [{ thingName: "x".repeat(129) }, "BadField"],
    [{ endpoint: "https://broker.example" }, "BadField"],
    [{ certPem: undefined }, "BadField"],
    [{ certPem: "x".repeat(4097) }, "BadField"],
    [{ rootCA: "" }, "BadField"],
    [{ rootCA: "x".repeat(4097) }, "BadField"],
    [{ region: "x".repeat(33) }, "BadField"],
    [{ privKey: "x".repeat(4097) }, "BadField"],
    [{ thingName: "another" }, "NoKey"],
    [{ privKey: "no key" }, "BadKey"],
    [{}, "BadCertificate"],
  ];
  for (const [fields, code] of bad) throws(() => rig.enrolling.register({ ...good, ...fields }), code);
  equal([rig.enrolling.applyState, rig.enrolling.error, rig.host.changes], ["applied", null, 0]);
  equal([rig.identities.current?.thingName, rig.identities.pendingKey("waiting")], ["old", key]);
});

/** A key and its certificate, in the time in which it is good. */
function credentials(rig: ReturnType<typeof setUp>) {
  const pair = new KeyPair();
  rig.host.time = Date.UTC(2027, 0, 1);
  return { certificate: selfSigned(pair), key: pair.exportPEM() };
}

test("RegisterDevice: the key is the one that waited, or comes along; what failed before is forgotten", () => {
  const rig = setUp();
  const { certificate, key } = credentials(rig);
  const fields = { thingName: "thing", endpoint: "broker.example", certPem: certificate };
  rig.identities.order(claim);
  for (let n = 0; n < 2; n += 1) rig.enrolling.roundFailed(refused);
  equal([rig.enrolling.error?.code, rig.enrolling.pause, rig.host.changes], ["Refused", 20_000, 2]);
  equal(rig.enrolling.register({ ...fields, privKey: key, region: "r".repeat(32) }), { applyState: "trying" });
  equal([rig.enrolling.error, rig.enrolling.pause, rig.host.changes], [null, 0, 3]);
  const { trial } = rig.identities;
  equal(
    [trial?.thingName, trial?.endpoint, trial?.certificate, trial?.key, trial?.region, trial?.rootCA],
    ["thing", "broker.example", certificate, key, "r".repeat(32), undefined],
  );
  const waiting = setUp();
  waiting.identities.keepPendingKey("thing", key);
  rig.host.time = waiting.host.time = Date.UTC(2027, 0, 1);
  const message: Record<string, unknown> = { ...fields };
  waiting.enrolling.register(message);
  // What stays of it for the answer has no room for kilobytes, and no use for a key.
  equal([message.certPem, message.rootCA, message.privKey], [undefined, undefined, undefined]);
  equal(waiting.identities.trial?.key, key);
});

test("ProvisionByClaim: all of the order is kept; an end that is no number is none", async () => {
  const rig = setUp();
  const { certificate, key } = credentials(rig);
  const fields = { endpoint: "broker.example", template: "t", certPem: certificate, privKey: key };
  rig.identities.order(claim);
  rig.enrolling.roundFailed(refused);
  const all = { ...fields, region: "r".repeat(32), expiration: 7, parameters: [["Batch", "7"]] };
  equal(rig.enrolling.provisionByClaim(all), { applyState: "enrolling" });
  equal([rig.enrolling.error, rig.enrolling.pause], [null, 0]);
  const order = { endpoint: "broker.example", template: "t", certificate, key };
  equal(rig.identities.enrolment, { ...order, parameters: [["Batch", "7"]], region: "r".repeat(32), expiresAt: 7 });
  for (const expiration of [undefined, null, "7", true]) {
    rig.enrolling.provisionByClaim({ ...fields, expiration });
    equal(rig.identities.enrolment, order);
  }
  throws(() => rig.enrolling.provisionByClaim({ ...fields, region: "r".repeat(33) }), "BadField");
  await until(() => rig.host.changes === 6, 3000);
});

test("a storage that is full: the order and the trial are refused, and the identity in force stays", () => {
  const { identities, enrolling } = setUp();
  owned(identities);
  fill(identities, "order");
  throws(() => enrolling.rotate({ template: "t" }), "StorageFailed");
  const other = setUp();
  other.identities.order(claim);
  fill(other.identities, "propose");
  throws(() => other.enrolling.provisioned(result("camera")), "StorageFailed");
  equal(other.enrolling.applyState, "enrolling");
});
