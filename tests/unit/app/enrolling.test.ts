import { Enrolling, provisioningClientId, templateParameters } from "../../../modules/app/enrolling";
import { EventLog } from "../../../modules/app/event-log";
import { CloudError } from "../../../modules/cloud/cloud-error";
import { type Enrolment, type Identity, IdentityStore } from "../../../modules/storage/identity-store";
import { RecordStore } from "../../../modules/storage/record-store";
import { equal, test, throws, until } from "../harness";
import { giveIdentity } from "../storage/given-identity";

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
  equal(enrolling.rotate({ template: "t", parameters: { Batch: "7" } }), { applyState: "enrolling" });
  equal(identities.enrolment, { endpoint: "e", template: "t", parameters: { Batch: "7" } });
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
  for (const parameters of ["x", 7, { Batch: 7 }])
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
  equal(templateParameters({ ...claim, parameters: { Batch: "7" } }, "abc"), { SerialNumber: "abc", Batch: "7" });
  equal(
    provisioningClientId({ ...identity(""), thingName: "" }, "abc", Uint8Array.of(1, 0, 0, 0).buffer),
    "claim-abc-1",
  );
  equal(provisioningClientId(identity("thing"), "abc", new ArrayBuffer(4)), "thing");
});
