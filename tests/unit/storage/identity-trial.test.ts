import { type Enrolment, type Identity, IdentityStore } from "../../../modules/storage/identity-store";
import { RecordStore } from "../../../modules/storage/record-store";
import { assert, equal, test } from "../harness";

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

/** A store whose power is cut before its n-th change. */
function cutting(records: RecordStore, cut: number): IdentityStore {
  let changes = 0;
  const guard =
    <T extends unknown[]>(operation: (...args: T) => void) =>
    (...args: T) => {
      if (changes++ === cut) throw new Error("power cut");
      operation(...args);
    };
  return new IdentityStore({
    read: (key: string) => records.read(key),
    write: guard((key: string, record: object) => records.write(key, record)),
    delete: guard((key: string) => records.delete(key)),
  } as unknown as RecordStore);
}

/** Runs `change` with a cut before each of its steps, and looks at what a restart finds. */
function cutEverywhere(
  prepare: (identities: IdentityStore) => void,
  change: (identities: IdentityStore) => void,
  look: (identities: IdentityStore, cut: number) => void,
): number {
  for (let cut = 0; ; cut += 1) {
    const { records, identities } = fresh();
    prepare(identities);
    let isWhole = true;
    try {
      change(cutting(records, cut));
    } catch {
      isWhole = false;
    }
    look(new IdentityStore(records), cut);
    if (isWhole) return cut;
  }
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
  identities.replace(identity("one"));
  identities.order(order);
  assert(identities.isEnrolling);
  equal(identities.inUse?.thingName, "one");
});

test("an identity on trial is used, and in force only when confirmed", () => {
  const { identities } = fresh();
  identities.replace(identity("one"));
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
  identities.replace(identity("one"));
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

test("cut while an identity goes on trial: claim or trial, never nothing", () => {
  const steps = cutEverywhere(
    (identities) => identities.order(claim),
    (identities) => identities.propose(identity("new")),
    (identities, cut) => equal(identities.inUse?.certificate, cut < 2 ? "claim" : "c new", `cut ${cut}`),
  );
  equal(steps, 2);
});

test("cut while the first identity is confirmed: it is in use all along", () => {
  cutEverywhere(
    (identities) => {
      identities.order(claim);
      identities.propose(identity("new"));
    },
    (identities) => identities.confirm(),
    (identities, cut) => {
      equal(identities.inUse?.thingName, "new", `cut ${cut}`);
      equal(identities.isEnrolling, false);
      // The next order clears up what the cut left, and does not take the identity along.
      if (identities.current) identities.order(order);
      else identities.confirm();
      equal(identities.current?.thingName, "new", `cut ${cut}, afterwards`);
    },
  );
});

test("cut while a successor is confirmed: the old identity or the new one, never an order done twice", () => {
  cutEverywhere(
    (identities) => {
      identities.replace(identity("old"));
      identities.order(order);
      identities.propose(identity("new"));
    },
    (identities) => identities.confirm(),
    (identities, cut) => {
      equal(identities.inUse?.thingName, "new");
      equal(identities.current?.thingName, cut < 1 ? "old" : "new", `cut ${cut}`);
      if (cut) equal(identities.enrolment, undefined);
      identities.abandon();
      equal(identities.current?.thingName, cut < 1 ? "old" : "new", `cut ${cut}, afterwards`);
      if (cut) equal(identities.enrolment, undefined, "still done");
    },
  );
});

test("cut while a trial is given up, or a new order is written: the identity in force stays", () => {
  for (const change of [
    (identities: IdentityStore) => identities.abandon(),
    (identities: IdentityStore) => identities.order(claim),
    (identities: IdentityStore) => identities.propose(identity("another")),
  ])
    cutEverywhere(
      (identities) => {
        identities.replace(identity("old"));
        identities.order(order);
        identities.propose(identity("new"));
      },
      change,
      (identities, cut) => {
        equal(identities.current?.thingName, "old", `cut ${cut}`);
        assert(identities.inUse?.certificate, `cut ${cut}`);
      },
    );
});

test("the owner's own registration puts an end to claim and trial", () => {
  cutEverywhere(
    (identities) => {
      identities.order(claim);
      identities.propose(identity("trial"));
    },
    (identities) => identities.replace(identity("owner")),
    (identities, cut) => assert(identities.inUse, `cut ${cut}`),
  );
  const { identities } = fresh();
  identities.order(claim);
  identities.replace(identity("owner"));
  equal([identities.inUse?.thingName, identities.isEnrolling], ["owner", false]);
});
