import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { BindingTable } from "./binding.ts";
import { OwnerDocument, withoutThing, withThing } from "./owner-pages.ts";
import { changeOwner, type OwnerPage, type OwnerRecord } from "./owner-record.ts";
import type { PolicyStore } from "./policy-store.ts";

export interface OwnerPoliciesOptions {
  table: BindingTable;
  store: PolicyStore;
  /** certs/owner-policy.json, with its placeholders. */
  template: object;
  /** Milliseconds since 1970. */
  now: () => number;
}

type Edit = (pages: readonly OwnerPage[]) => Promise<readonly OwnerPage[]>;
type Content = Omit<OwnerRecord, "version">;

/** Longer than the function may run (template.yaml), so that who has lost the lease is not at work any more; milliseconds. */
export const leaseLife = 35_000;
const pollInterval = 200;
/** How long one run waits for another one's end; milliseconds. */
const patience = 12_000;

/**
 * The IoT policies that give a person their cameras' topics: a page for several cameras each, since AWS attaches ten policies to an identity. The person's record says
 * which camera is on which page; a lease in it lets one run at a time write policies, so that they come to be what the record says. What was cut short is found by the next
 * run: a page without the digest of what it has to be.
 */
export class OwnerPolicies {
  readonly #table: BindingTable;
  readonly #store: PolicyStore;
  readonly #document: OwnerDocument;
  readonly #now: () => number;

  constructor({ table, store, template, now }: OwnerPoliciesOptions) {
    this.#table = table;
    this.#store = store;
    this.#document = new OwnerDocument(template);
    this.#now = now;
  }

  /**
   * Gives the person a camera that is bound to them. Of one that is not (any more), nothing: a release was quicker.
   *
   * @returns false when the person can have no more cameras
   */
  async add(user: string, thing: string): Promise<boolean> {
    let isOurs = false;
    const pages = await this.#change(user, async (before) => {
      isOurs = await this.#isOurs(user, thing);
      return (isOurs && withThing(before, thing, this.#document, newPolicyName)) || before;
    });
    return !isOurs || pages.some((page) => page.things.includes(thing) && this.#isApplied(page));
  }

  /** @param legacy the policy of this camera alone, of a binding from before there were pages */
  async remove(user: string, thing: string, legacy?: string): Promise<void> {
    const pages = await this.#change(user, async (before) => withoutThing(before, thing));
    if (legacy && !pages.some(({ policy }) => policy === legacy)) await this.#store.drop(legacy, user);
  }

  /**
   * What the table and the file say is what the person has: bindings of before there were pages, bindings that were written or deleted by hand, another
   * certs/owner-policy.json. Nothing is done while another run is at it.
   */
  async follow(user: string): Promise<void> {
    const record = await this.#table.owner(user);
    if (record?.lease && this.#isAlive(record.lease)) return;
    const bound = (await this.#table.ofUser(user)).filter(({ releasing }) => !releasing).map(({ thing }) => thing);
    const paged = thingsOf(record?.pages ?? []);
    const isSame = bound.length === paged.length && bound.every((thing) => paged.includes(thing));
    if (isSame && (record?.pages ?? []).every((page) => this.#isApplied(page))) return;
    await this.#change(user, (pages) => this.#likeTable(user, pages, bound));
  }

  /** @param bound what the index says, which may be a second old */
  async #likeTable(user: string, pages: readonly OwnerPage[], bound: string[]): Promise<readonly OwnerPage[]> {
    let changed = pages;
    for (const thing of new Set([...thingsOf(pages), ...bound])) {
      if (!(await this.#isOurs(user, thing))) changed = withoutThing(changed, thing);
      else changed = withThing(changed, thing, this.#document, newPolicyName) ?? changed;
    }
    return changed;
  }

  async #isOurs(user: string, thing: string): Promise<boolean> {
    const binding = await this.#table.get(thing);
    return binding?.user === user && !binding.releasing;
  }

  /**
   * Nobody else changes this person's pages while `edit` looks at the table, and until the policies are written: a release that marks a binding meanwhile comes after it
   * and takes the camera out again.
   *
   * @returns the pages as they are then
   */
  async #change(user: string, edit: Edit): Promise<readonly OwnerPage[]> {
    const holder = randomBytes(12).toString("base64url");
    try {
      const { pages } = await this.#lease(user, holder);
      const changed = await edit(pages ?? (await this.#legacyPages(user)));
      await this.#keep(user, holder, (record) => ({ ...record, pages: [...changed] }));
      return await this.#apply(user, holder, changed);
    } finally {
      await changeOwner(this.#table, user, (record) =>
        record.lease?.holder === holder ? unleased(record) : undefined,
      );
    }
  }

  /** @throws Error when another run does not come to its end */
  async #lease(user: string, holder: string): Promise<OwnerRecord> {
    for (const deadline = this.#now() + patience; ; await delay(pollInterval)) {
      const record = await changeOwner(this.#table, user, (before) =>
        before.lease && this.#isAlive(before.lease)
          ? undefined
          : { ...before, lease: { holder, until: this.#now() + leaseLife } },
      );
      if (record.lease?.holder === holder) return record;
      if (this.#now() > deadline) throw new Error("another request of this person takes too long");
    }
  }

  #isAlive({ until }: { until: number }): boolean {
    return this.#now() < until;
  }

  /** @throws Error when the lease has been lost */
  #keep(user: string, holder: string, change: (record: Content) => Content): Promise<OwnerRecord> {
    return changeOwner(this.#table, user, (record) => {
      if (record.lease?.holder !== holder) throw new Error("this request has taken too long");
      return change(record);
    });
  }

  /** Writes each page that is not yet what it has to be; one that has become empty goes. */
  async #apply(user: string, holder: string, pages: readonly OwnerPage[]): Promise<readonly OwnerPage[]> {
    let now = pages;
    for (const page of pages) {
      if (this.#isApplied(page)) continue;
      const { policy, things } = page;
      const isEmpty = things.length === 0;
      if (isEmpty) await this.#store.drop(policy, user);
      else if (!(await this.#store.put(policy, (prefix) => this.#document.render(things, prefix), things[0], user)))
        continue;
      const written = isEmpty ? [] : [{ ...page, applied: this.#document.digest(things) }];
      now = now.flatMap((one) => (one.policy === policy ? written : [one]));
      await this.#keep(user, holder, (record) => ({ ...record, pages: [...now] }));
    }
    return now;
  }

  #isApplied({ things, applied }: OwnerPage): boolean {
    return things.length > 0 && applied === this.#document.digest(things);
  }

  /** Bindings from before there were pages have a policy each; of one that is being given up it goes. */
  async #legacyPages(user: string): Promise<OwnerPage[]> {
    const pages: OwnerPage[] = [];
    for (const { thing, policy } of await this.#table.ofUser(user))
      if (policy) pages.push({ policy, things: (await this.#isOurs(user, thing)) ? [thing] : [] });
    return pages;
  }
}

/** Whoever knows the name of a policy can attach it to an identity of their own, since IAM cannot tell policies apart: nobody can know this one. */
const newPolicyName = () => `devicelink-owner-${randomBytes(16).toString("hex")}`;

const thingsOf = (pages: readonly OwnerPage[]): string[] => pages.flatMap(({ things }) => things);

function unleased({ lease: _over, ...rest }: Content): Content {
  return rest;
}
