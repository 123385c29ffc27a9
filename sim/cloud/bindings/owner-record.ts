/** What is kept of a person besides the bindings: one record, changed as a whole. */
export interface OwnerRecord {
  /** Counts the changes, from 1. */
  version: number;
  /** The last nonce that was given out. */
  challenge?: Challenge;
  /** The person's IoT policies; undefined until the first change since there are pages. */
  pages?: OwnerPage[];
  /** Who is writing the policies just now. */
  lease?: { holder: string; until: number };
}

/** One IoT policy, for several cameras. */
export interface OwnerPage {
  /** Nobody can guess it, and nobody may be told (README.md). */
  policy: string;
  things: string[];
  /** Digest of the document that was written; absent or another one: it has to be written. */
  applied?: string;
}

/** A nonce that this person's next claim has to be signed with. */
export interface Challenge {
  nonce: string;
  /** Of the request that it was given to: the same one again gets the same nonce. */
  requestId: string;
  /** Milliseconds since 1970. */
  expires: number;
  /** The one claim that has used it. */
  claim?: { requestId: string; thing: string; certificateArn?: string };
}

/** Where the records are kept; each method happens whole or not at all, whoever else calls at the same time. */
export interface OwnerTable {
  /** The newest state. */
  owner(user: string): Promise<OwnerRecord | undefined>;
  /** @returns false when the stored record is not the one before (`version` less one; none before 1): read again */
  keepOwner(user: string, record: OwnerRecord): Promise<boolean>;
}

/** So many others at once on one person's record are none that a person can be. */
const attempts = 10;

/**
 * Changes a record; when somebody else has changed it meanwhile, once more from the new state.
 *
 * @param change undefined when there is nothing to change; what it throws is thrown
 * @param known the record as it was read or written last, if that may still be so
 * @returns the record as it is now
 */
export async function changeOwner(
  table: OwnerTable,
  user: string,
  change: (record: Omit<OwnerRecord, "version">) => Omit<OwnerRecord, "version"> | undefined,
  known?: OwnerRecord,
): Promise<OwnerRecord> {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const stored = attempt === 1 && known ? known : await table.owner(user);
    const { version, ...record } = stored ?? { version: 0 };
    const changed = change(record);
    if (!changed) return { ...record, version };
    const next = { ...changed, version: version + 1 };
    if (await table.keepOwner(user, next)) return next;
  }
  throw new Error("the person's record is changed all the time");
}
