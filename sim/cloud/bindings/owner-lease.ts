import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { changeOwner, type OwnerPage, type OwnerRecord, type OwnerTable } from "./owner-record.ts";

export interface OwnerLeaseOptions {
  table: OwnerTable;
  user: string;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** Longer than the function may run (template.yaml), so that who has lost the lease is not at work any more; milliseconds. */
export const leaseLife = 35_000;
const pollInterval = 200;
/** How long one run waits for another one's end; milliseconds. */
const patience = 12_000;

/** The right to write a person's policies, which one run has at a time. It lies in the person's record, beside the pages. */
export class OwnerLease {
  readonly #table: OwnerTable;
  readonly #user: string;
  readonly #holder: string;
  #record: OwnerRecord;

  private constructor({ table, user }: OwnerLeaseOptions, holder: string, record: OwnerRecord) {
    this.#table = table;
    this.#user = user;
    this.#holder = holder;
    this.#record = record;
  }

  /** @throws Error when another run does not come to its end */
  static async take(options: OwnerLeaseOptions): Promise<OwnerLease> {
    const { table, user, now } = options;
    const holder = randomBytes(12).toString("base64url");
    for (const deadline = now() + patience; ; await delay(pollInterval)) {
      const record = await changeOwner(table, user, (before) =>
        isLeased(before, now()) ? undefined : { ...before, lease: { holder, until: now() + leaseLife } },
      );
      if (record.lease?.holder === holder) return new OwnerLease(options, holder, record);
      if (now() > deadline) throw new Error("another request of this person takes too long");
    }
  }

  /** As they were kept last; undefined as long as there have been none. */
  get pages(): readonly OwnerPage[] | undefined {
    return this.#record.pages;
  }

  /** @throws Error when the lease has been lost */
  async keep(pages: readonly OwnerPage[]): Promise<void> {
    await this.#change((record) => {
      if (record.lease?.holder !== this.#holder) throw new Error("this request has taken too long");
      return { ...record, pages: [...pages] };
    });
  }

  /** Gives it back. Of one that has been lost: nothing. @param pages as they are now; otherwise those that were kept last */
  async end(pages = this.pages): Promise<void> {
    await this.#change(({ lease, ...record }) => {
      if (lease?.holder !== this.#holder) return undefined;
      return pages ? { ...record, pages: [...pages] } : record;
    });
  }

  async #change(change: Parameters<typeof changeOwner>[2]): Promise<void> {
    this.#record = await changeOwner(this.#table, this.#user, change, this.#record);
  }
}

/** Some run is writing the person's policies. */
export function isLeased({ lease }: Pick<OwnerRecord, "lease">, now: number): boolean {
  return lease !== undefined && now < lease.until;
}
