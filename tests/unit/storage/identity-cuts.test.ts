/**
 * The power is cut before each single change of the storage, in every situation and for every operation. What the next start finds is the state before
 * or the one after, or one that is named here; and no private key is left that no part of that state has.
 */
import { type Enrolment, type Identity, IdentityStore } from "../../../modules/storage/identity-store";
import type { RecordStore } from "../../../modules/storage/record-store";
import { assert, equal, test } from "../harness";
import { giveIdentity } from "./given-identity";

/** Thousands of starts: a storage that makes nothing durable. */
class Flash {
  #texts = new Map<string, string>();

  read<T extends object>(key: string): T | undefined {
    const text = this.#texts.get(key);
    return text === undefined ? undefined : JSON.parse(text);
  }

  write(key: string, record: object): void {
    this.#texts.set(key, JSON.stringify(record));
  }

  delete(key: string): void {
    this.#texts.delete(key);
  }
}

const flash = new Flash();
const records = flash as unknown as RecordStore;
const names = ["identity", "trial", "identity0", "identity1", "enrolment", "pendingKey", "endpoint"];

const identity = (name: string): Identity => ({ thingName: name, endpoint: "e", certificate: "c", key: `key ${name}` });
const claim: Enrolment = { endpoint: "e", template: "t", certificate: "claim", key: "key claim" };
const rotation: Enrolment = { endpoint: "e", template: "t" };

type Change = (identities: IdentityStore) => void;

const situations: Record<string, Change> = {
  "a new camera": () => {},
  "with a claim": (it) => it.order(claim),
  "with a claim and a trial": (it) => {
    it.order(claim);
    it.propose(identity("trial"));
  },
  "with a trial": (it) => it.propose(identity("trial")),
  "with an identity": (it) => giveIdentity(it, identity("old")),
  "with an identity in the other slot": (it) => {
    giveIdentity(it, identity("older"));
    giveIdentity(it, identity("old"));
  },
  "that rotates": (it) => {
    giveIdentity(it, identity("old"));
    it.order(rotation);
  },
  "that has rotated and tries": (it) => {
    giveIdentity(it, identity("old"));
    it.order(rotation);
    it.propose(identity("trial"));
  },
  "whose request was answered": (it) => {
    giveIdentity(it, identity("old"));
    it.keepPendingKey("trial", "key trial");
    it.propose(identity("trial"));
  },
  "whose request waits": (it) => {
    giveIdentity(it, identity("old"));
    it.keepPendingKey("waiting", "key waiting");
    it.goodEndpoint = "e";
  },
};

const operations: Record<string, Change> = {
  propose: (it) => it.propose(identity("new"), "id"),
  confirm: (it) => it.confirm(),
  abandon: (it) => it.abandon(),
  order: (it) => it.order({ ...claim, key: "key other claim" }),
  cancelEnrolment: (it) => it.cancelEnrolment(),
  keepPendingKey: (it) => it.keepPendingKey("new", "key new"),
  goodEndpoint: (it) => {
    it.goodEndpoint = "another";
  },
  erase: (it) => it.erase(),
};

/** Changes of two steps: in between, the trial that makes way is gone already, and nothing else. */
const betweens: Record<string, Change> = { propose: (it) => it.abandon(), order: (it) => it.abandon() };

/** A store whose power is cut before its n-th change. */
function cutting(cut: number): { identities: IdentityStore; changes(): number } {
  let changes = 0;
  const count = () => {
    if (changes++ === cut) throw new Error("power cut");
  };
  const failing = {
    read: (key: string) => records.read(key),
    write: (key: string, record: object) => {
      count();
      records.write(key, record);
    },
    delete: (key: string) => {
      count();
      records.delete(key);
    },
  };
  return { identities: new IdentityStore(failing as unknown as RecordStore), changes: () => changes };
}

/** All that lies in the storage. */
const contents = () => names.map((name) => JSON.stringify(records.read(name)));

/** As the camera finds itself after a start. */
function view(): object {
  const it = new IdentityStore(records);
  it.settle();
  const { current, trial, trialSummary, enrolment, inUse, summary, isTrying, isEnrolling, goodEndpoint } = it;
  const pendingKeys = ["trial", "waiting", "new"].map((name) => it.pendingKey(name));
  return { current, trial, trialSummary, enrolment, inUse, summary, isTrying, isEnrolling, goodEndpoint, pendingKeys };
}

function prepare(...changes: Change[]): void {
  for (const name of names) records.delete(name);
  for (const change of changes) change(new IdentityStore(records));
}

function viewAfter(...changes: Change[]): object {
  prepare(...changes);
  return view();
}

/** Every private key that lies in the storage. */
function storedKeys(): string[] {
  const keys = names.map((name) => records.read<{ key?: string }>(name)?.key);
  return keys.filter((key): key is string => key !== undefined).sort();
}

function keysOf({ current, trial, enrolment, pendingKeys }: Record<string, unknown>): string[] {
  const holders = [current, trial, enrolment].map((it) => (it as { key?: string } | undefined)?.key);
  return [...holders, ...(pendingKeys as unknown[])].filter((key): key is string => typeof key === "string").sort();
}

function cutEverywhere(situation: Change, change: Change, between?: Change): number {
  const allowed = [viewAfter(situation), viewAfter(situation, change)];
  if (between) allowed.push(viewAfter(situation, between));
  const texts = allowed.map((it) => JSON.stringify(it));
  for (let cut = 0; ; cut += 1) {
    prepare(situation);
    const { identities, changes } = cutting(cut);
    let isWhole = true;
    try {
      change(identities);
    } catch {
      isWhole = false;
    }
    isWhole &&= changes() <= cut;
    const left = contents();
    const found = view();
    if (isWhole) equal(contents(), left, "a start has nothing to do after a whole change");
    assert(texts.includes(JSON.stringify(found)), `cut ${cut}: ${JSON.stringify(found)} of ${texts.join(" or ")}`);
    equal(storedKeys(), keysOf(found as Record<string, unknown>), `keys in the storage, cut ${cut}`);
    if (!isWhole) continue;
    equal(found, allowed[1], "the whole change");
    return cut;
  }
}

for (const [operation, change] of Object.entries(operations))
  test(`the power is cut at every step of ${operation}`, () => {
    let steps = 0;
    for (const [name, situation] of Object.entries(situations))
      try {
        steps += cutEverywhere(situation, change, betweens[operation]);
      } catch (error) {
        throw new Error(`a camera ${name}: ${(error as Error).message}`);
      }
    assert(steps >= 1, "nothing was cut");
  });

test("a camera without an identity in force is never without the one on trial", () => {
  for (const name of ["with a trial", "with a claim and a trial"])
    for (let cut = 0; cut < 3; cut += 1) {
      prepare(situations[name]);
      try {
        operations.propose(cutting(cut).identities);
      } catch {}
      const it = new IdentityStore(records);
      equal(it.trial?.thingName, cut < 2 ? "trial" : "new", `${name}, cut ${cut}`);
    }
});

test("the power is cut while a start ends what was cut before", () => {
  for (const change of [operations.confirm, operations.erase])
    for (let first = 1; first < 8; first += 1)
      for (let second = 0; second < 8; second += 1) {
        const whole = viewAfter(situations["whose request was answered"], change);
        prepare(situations["whose request was answered"]);
        for (const [cut, step] of [
          [first, change],
          [second, (it: IdentityStore) => it.settle()],
        ] as const)
          try {
            step(cutting(cut).identities);
          } catch {}
        const found = view();
        equal(found, whole, `cuts ${first} and ${second}`);
        equal(storedKeys(), keysOf(found as Record<string, unknown>), `keys, cuts ${first} and ${second}`);
      }
});

test("what a cut confirmation has left counts as absent, and goes with the next trial, order or refusal", () => {
  const situation: Change = (it) => {
    situations["that has rotated and tries"](it);
    it.keepPendingKey("trial", "key trial");
  };
  for (const operation of ["propose", "order", "abandon"])
    for (let cut = 1; cut < 5; cut += 1) {
      const whole = viewAfter(situation, operations.confirm, operations[operation]);
      prepare(situation);
      try {
        cutting(cut).identities.confirm();
      } catch {}
      const it = new IdentityStore(records);
      const { current, inUse, trial, trialSummary, enrolment, isTrying, isEnrolling } = it;
      equal([current?.thingName, inUse?.thingName], ["trial", "trial"]);
      equal([trial, trialSummary, enrolment, isTrying, isEnrolling], [undefined, undefined, undefined, false, false]);
      operations[operation](it);
      const left = contents();
      equal(view(), whole, `${operation}, cut ${cut}`);
      equal(contents(), left, `a start has nothing to do after ${operation}, cut ${cut}`);
    }
});

test("a full storage keeps nothing from being erased, and is told by all that has to write", () => {
  const full = {
    read: (key: string) => records.read(key),
    write: () => {
      throw new Error("full");
    },
    delete: (key: string) => records.delete(key),
  } as unknown as RecordStore;
  for (const [name, situation] of Object.entries(situations)) {
    prepare(situation);
    new IdentityStore(full).erase();
    equal(
      names.filter((key) => records.read(key)),
      [],
      name,
    );
  }
  prepare(situations["with an identity"]);
  for (const operation of ["propose", "order", "keepPendingKey", "goodEndpoint"]) {
    let message = "";
    try {
      operations[operation](new IdentityStore(full));
    } catch (error) {
      message = (error as Error).message;
    }
    equal(message, "full", operation);
    equal(new IdentityStore(records).current?.thingName, "old", operation);
  }
});

test("what is still good is not settled away", () => {
  for (const [name, situation] of Object.entries(situations)) {
    prepare(situation);
    const before = contents();
    new IdentityStore(records).settle();
    equal(contents(), before, name);
  }
});
