import { type Identity, IdentityStore } from "../../../modules/storage/identity-store";
import { RecordStore } from "../../../modules/storage/record-store";
import { equal, test } from "../harness";

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
  identities.replace(identity("one"));
  equal(identities.current?.thingName, "one");
  identities.replace(identity("two"));
  equal(identities.current?.thingName, "two");
  equal(new IdentityStore(new RecordStore("identity-test")).current?.thingName, "two");
});

test("a cut at any write leaves the old identity or the new one", () => {
  for (let cut = 0; cut < 6; cut++) {
    const { records, identities } = fresh();
    identities.replace(identity("old"));
    let writes = 0;
    const guard =
      <T extends unknown[]>(operation: (...args: T) => void) =>
      (...args: T) => {
        if (writes++ === cut) throw new Error("power cut");
        operation(...args);
      };
    const failing = {
      read: (key: string) => records.read(key),
      write: guard((key: string, record: object) => records.write(key, record)),
      delete: guard((key: string) => records.delete(key)),
    } as unknown as RecordStore;
    try {
      new IdentityStore(failing).replace(identity("new"));
    } catch {
      // the cut
    }
    const name = new IdentityStore(records).current?.thingName;
    equal(name, cut < 2 ? "old" : "new", `cut at ${cut}`);
  }
});

test("a pending key belongs to one thing name and is used up by the certificate", () => {
  const { identities } = fresh();
  identities.keepPendingKey("cam", "key");
  equal(identities.pendingKey("other"), undefined);
  equal(identities.pendingKey("cam"), "key");
  identities.replace(identity("cam"));
  equal(identities.pendingKey("cam"), undefined);
});

test("a damaged record counts as absent", () => {
  const { records, identities } = fresh();
  identities.replace(identity("cam"));
  records.write("identity", { slot: 7 });
  equal(identities.current, undefined);
});

test("the summary tells the identity in force, and is read without it", () => {
  const { records, identities } = fresh();
  equal(identities.summary, undefined);
  identities.replace(identity("one"), "id-1");
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
