import { type Enrolment, type Identity, IdentityStore } from "../../../modules/storage/identity-store";
import { RecordStore } from "../../../modules/storage/record-store";
import { assert, equal, test } from "../harness";
import { giveIdentity } from "./given-identity";

const identity = (thingName: string): Identity => ({
  thingName,
  endpoint: "e",
  certificate: `c ${thingName}`,
  key: "k",
});
const claim: Enrolment = { endpoint: "e", template: "t", certificate: "claim", key: "k" };
const order: Enrolment = { endpoint: "e", template: "t" };

function fresh() {
  const records = new RecordStore("trial-test");
  const identities = new IdentityStore(records);
  identities.erase();
  return { records, identities };
}

test("a claim is used until there is an identity, and has no thing name", () => {
  const { identities } = fresh();
  identities.order(claim);
  assert(identities.isEnrolling);
  equal(identities.inUse?.certificate, "claim");
  equal(identities.inUse?.thingName, "");
  equal(identities.current, undefined);
});

test("an order without a claim leaves the identity in use", () => {
  const { identities } = fresh();
  giveIdentity(identities, identity("one"));
  identities.order(order);
  assert(identities.isEnrolling);
  equal(identities.inUse?.thingName, "one");
});

test("a certificate without its key is no claim", () => {
  const { identities } = fresh();
  giveIdentity(identities, identity("one"));
  identities.order({ ...claim, key: undefined });
  assert(identities.isEnrolling);
  equal(identities.inUse?.thingName, "one");
  identities.order({ ...claim, certificate: undefined });
  equal(identities.inUse?.thingName, "one");
});

test("an identity on trial is used, and in force only when confirmed", () => {
  const { identities } = fresh();
  giveIdentity(identities, identity("one"));
  identities.order(order);
  identities.propose(identity("two"));
  equal([identities.inUse?.thingName, identities.current?.thingName, identities.isEnrolling], ["two", "one", false]);
  identities.confirm();
  equal([identities.inUse?.thingName, identities.current?.thingName], ["two", "two"]);
  equal([identities.trial, identities.enrolment], [undefined, undefined]);
  identities.confirm();
  equal(identities.current?.thingName, "two");
});

test("an identity that is given up leaves the one in force, and the order", () => {
  const { identities } = fresh();
  giveIdentity(identities, identity("one"));
  identities.order(order);
  identities.propose(identity("two"));
  identities.abandon();
  equal([identities.inUse?.thingName, identities.isEnrolling], ["one", true]);
  identities.cancelEnrolment();
  equal(identities.isEnrolling, false);
});

test("many rotations, one after the other", () => {
  const { identities } = fresh();
  for (let n = 0; n < 5; n += 1) {
    identities.order(n ? order : claim);
    identities.propose(identity(`thing ${n}`));
    identities.confirm();
    equal(identities.current?.thingName, `thing ${n}`);
  }
});

test("an identity in force beats a claim", () => {
  const { identities } = fresh();
  identities.order(claim);
  giveIdentity(identities, identity("owner"));
  equal([identities.inUse?.thingName, identities.isEnrolling], ["owner", false]);
});

test("a trial that comes to nothing leaves the order that was there before", () => {
  const { identities } = fresh();
  identities.order(claim);
  identities.propose(identity("owner"));
  equal([identities.inUse?.thingName, identities.isEnrolling, identities.isTrying], ["owner", false, true]);
  identities.abandon();
  equal([identities.inUse?.certificate, identities.isEnrolling, identities.isTrying], ["claim", true, false]);
});

test("an identity that was given may be another owner's; the successor that was asked for is not", () => {
  const { identities } = fresh();
  equal(identities.isNewcomer, false, "none");
  identities.propose(identity("one"));
  equal(identities.isNewcomer, true, "given");
  identities.confirm();
  equal(identities.isNewcomer, false, "in force");
  identities.order(order);
  identities.propose(identity("two"));
  equal(identities.isNewcomer, false, "asked for");
  identities.confirm();
  identities.order(claim);
  identities.propose(identity("three"));
  equal(identities.isNewcomer, true, "by a claim");
});
