import { randomBytes } from "node:crypto";
import type { BindingTable } from "./binding.ts";
import { isLeased, OwnerLease } from "./owner-lease.ts";
import { OwnerDocument, thingsOf, withFittingPages, withoutThing, withThing } from "./owner-pages.ts";
import type { OwnerPage } from "./owner-record.ts";
import type { PolicyStore } from "./policy-store.ts";

export interface OwnerPoliciesOptions {
  table: BindingTable;
  store: PolicyStore;
  /** certs/owner-policy.json, with its placeholders. */
  template: object;
  /** Milliseconds since 1970. */
  now: () => number;
}

type Pages = readonly OwnerPage[];

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
      return isOurs ? this.#with(before, thing) : before;
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
   *
   * @param bound the person's cameras as the index says, which may be a second old
   */
  async follow(user: string, bound: readonly string[]): Promise<void> {
    const record = await this.#table.owner(user);
    if (record && isLeased(record, this.#now())) return;
    const pages = record?.pages ?? [];
    const paged = thingsOf(pages);
    const isSame = bound.length === paged.length && bound.every((thing) => paged.includes(thing));
    if (isSame && pages.every((page) => this.#isApplied(page))) return;
    await this.#change(user, (before) => this.#likeTable(user, before, bound));
  }

  async #likeTable(user: string, pages: Pages, bound: readonly string[]): Promise<Pages> {
    let changed = pages;
    for (const thing of new Set([...thingsOf(pages), ...bound]))
      changed = (await this.#isOurs(user, thing)) ? this.#with(changed, thing) : withoutThing(changed, thing);
    return changed;
  }

  /** Without it, where there is no room. */
  #with(pages: Pages, thing: string): Pages {
    return withThing(pages, thing, this.#document, newPolicyName) ?? pages;
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
  async #change(user: string, edit: (pages: Pages) => Promise<Pages>): Promise<Pages> {
    const lease = await OwnerLease.take({ table: this.#table, user, now: this.#now });
    let written: Pages | undefined;
    try {
      const before = lease.pages ?? (await this.#legacyPages(user));
      const edited = await edit(withFittingPages(before, this.#document, newPolicyName));
      // A digest from before must not outlive the first write: if the run is cut and the page then changed back, the digest would be right and the policy wrong.
      const marked = edited.map((page) => (this.#isApplied(page) ? page : unapplied(page)));
      await lease.keep(marked);
      written = await this.#apply(user, lease, marked);
      return written;
    } finally {
      await lease.end(written);
    }
  }

  /** Writes each page that is not yet what it has to be; one that has become empty goes. */
  async #apply(user: string, lease: OwnerLease, pages: Pages): Promise<Pages> {
    let now = pages;
    const waiting = pages.filter((page) => !this.#isApplied(page));
    for (const [index, page] of waiting.entries()) {
      // A run that is cut after many pages is not begun anew.
      if (index > 0) await lease.keep(now);
      const written = await this.#write(user, page);
      now = now.flatMap((one) => (one.policy === page.policy ? written : [one]));
    }
    return now;
  }

  /** @returns the page as it is then; none when it was empty */
  async #write(user: string, page: OwnerPage): Promise<OwnerPage[]> {
    const { policy, things } = page;
    if (things.length === 0) {
      await this.#store.drop(policy, user);
      return [];
    }
    const isWritten = await this.#store.put(policy, (prefix) => this.#document.render(things, prefix), things[0], user);
    return [isWritten ? { ...page, applied: this.#document.digest(things) } : page];
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

const unapplied = ({ policy, things }: OwnerPage): OwnerPage => ({ policy, things });
