import { type Identity, IdentityStore } from "../../../modules/storage/identity-store";
import { RecordStore } from "../../../modules/storage/record-store";
import { equal, test } from "../harness";
import { giveIdentity } from "./given-identity";

const identity = (thingName: string): Identity => ({ thingName, endpoint: "e", certificate: "c", key: "k" });

function fresh() {
  const records = new RecordStore("identity-test");
  const identities = new IdentityStore(records);
  identities.erase();
  return { records, identities };
}

test("a new camera has no identity", () => equal(fresh().identities.current, undefined));

test("an identity is kept and replaced", () => {
  const { identities } = fresh();
  giveIdentity(identities, identity("one"));
  equal(identities.current?.thingName, "one");
  giveIdentity(identities, identity("two"));
  equal(identities.current?.thingName, "two");
  equal(new IdentityStore(new RecordStore("identity-test")).current?.thingName, "two");
});

test("a pending key belongs to one thing name and is used up when an identity with it is in force", () => {
  const { identities } = fresh();
  identities.keepPendingKey("cam", "k");
  equal(identities.pendingKey("other"), undefined);
  identities.propose(identity("cam"));
  equal(identities.pendingKey("cam"), "k", "kept while its identity is on trial");
  identities.abandon();
  equal(identities.pendingKey("cam"), "k", "and afterwards, for another certificate");
  giveIdentity(identities, identity("cam"));
  equal(identities.pendingKey("cam"), undefined);
});

test("the key of a later request outlives an identity with another key", () => {
  const { identities } = fresh();
  identities.propose(identity("cam"));
  identities.keepPendingKey("cam", "another");
  identities.confirm();
  equal(identities.pendingKey("cam"), "another");
});

test("a damaged record counts as absent", () => {
  const { records, identities } = fresh();
  giveIdentity(identities, identity("cam"));
  records.write("identity", { slot: 7 });
  equal(identities.current, undefined);
});

test("the summary tells the identity in force, and is read without it", () => {
  const { records, identities } = fresh();
  equal(identities.summary, undefined);
  giveIdentity(identities, identity("one"), "id-1");
  equal(identities.summary, { thingName: "one", certificateId: "id-1" });
  identities.propose(identity("two"), "id-2");
  equal(identities.summary, { thingName: "one", certificateId: "id-1" });
  identities.confirm();
  equal(identities.summary, { thingName: "two", certificateId: "id-2" });
  // Stored by whoever knew no summary.
  records.write("identity", { slot: 0 });
  records.write("identity0", identity("three"));
  equal(identities.summary, { thingName: "three" });
});

test("an identity without a summary gets one, once", () => {
  const { records, identities } = fresh();
  const asked: string[] = [];
  const idOf = (certificate: string) => {
    asked.push(certificate);
    return `id of ${certificate}`;
  };
  identities.summarize(idOf);
  records.write("identity0", identity("three"));
  for (const pointer of [{ slot: 0 }, { slot: 0, thingName: "three" }]) {
    records.write("identity", pointer);
    identities.summarize(idOf);
    equal(records.read("identity"), { slot: 0, thingName: "three", certificateId: "id of c" });
  }
  identities.summarize(idOf);
  records.write("identity", { slot: 0, thingName: "three", certificateId: null });
  identities.summarize(idOf);
  equal(asked, ["c", "c"], "no certificate, or one that AWS has no id for, is not read again");
  records.write("identity", { slot: 1 });
  identities.summarize(idOf);
  equal(records.read("identity"), { slot: 1 });
});

test("a storage that is full keeps nobody from starting", () => {
  const { records, identities } = fresh();
  records.write("identity0", identity("three"));
  records.write("identity", { slot: 0 });
  const full = Object.create(records, {
    write: {
      value() {
        throw new Error("full");
      },
    },
  });
  new IdentityStore(full).summarize(() => "id");
  equal(identities.summary, { thingName: "three" });
});

test("an order keeps its parameters, also one that an earlier firmware has written", () => {
  const { records, identities } = fresh();
  const order = { endpoint: "e", template: "t", parameters: [["Batch", "7"] as const, ["Line", "b"] as const] };
  identities.order(order);
  equal(identities.enrolment, order);
  records.write("enrolment", { ...order, parameters: { Batch: "7", Line: "b" } });
  equal(identities.enrolment, order);
});
