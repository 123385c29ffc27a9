import { randomBytes } from "node:crypto";
import { type Challenge, changeOwner, type OwnerTable } from "./owner-record.ts";
import { BindingRefusal } from "./request.ts";

/** Of a nonce, milliseconds: the camera signs at once, but Bluetooth may have to be connected anew. */
export const challengeLife = 10 * 60_000;

/** A claim that has used a nonce. */
interface Claim {
  user: string;
  requestId: string;
  thing: string;
}

/**
 * Nonces for claims. Each person has one at a time, each can be used for one claim. The same request again, as Lambda may run it, is the
 * same claim: it gets the same nonce, and the certificate that was made for it.
 */
export class Challenges {
  readonly #table: OwnerTable;
  readonly #now: () => number;

  constructor(table: OwnerTable, now: () => number) {
    this.#table = table;
    this.#now = now;
  }

  async issue(user: string, requestId: string): Promise<Challenge> {
    const fresh = { nonce: randomBytes(24).toString("base64url"), requestId, expires: this.#now() + challengeLife };
    const { challenge } = await changeOwner(this.#table, user, (record) => {
      const { challenge: old } = record;
      const isSame = old?.requestId === requestId && !old.claim && this.#isAlive(old);
      return isSame ? undefined : { ...record, challenge: fresh };
    });
    return challenge as Challenge;
  }

  /** @throws BindingRefusal StaleNonce */
  async use(nonce: string, { user, requestId, thing }: Claim): Promise<void> {
    await changeOwner(this.#table, user, (record) => {
      const { challenge } = record;
      const isGood = challenge?.nonce === nonce && this.#isAlive(challenge);
      const isFree = !challenge?.claim || (challenge.claim.requestId === requestId && challenge.claim.thing === thing);
      if (!challenge || !isGood || !isFree)
        throw new BindingRefusal("StaleNonce", "the nonce is too old, has been used, or is not yours: ask for another");
      return challenge.claim ? undefined : { ...record, challenge: { ...challenge, claim: { requestId, thing } } };
    });
  }

  /** Of two runs of the same claim the first one's certificate counts. @returns it */
  async certificateOf(
    { user, requestId, thing }: Claim,
    make: () => Promise<string>,
    discard: (certificateArn: string) => Promise<void>,
  ): Promise<string> {
    const known = (await this.#table.owner(user))?.challenge?.claim;
    if (known?.requestId === requestId && known.thing === thing && known.certificateArn) return known.certificateArn;
    const made = await make();
    const { challenge } = await changeOwner(this.#table, user, (record) => {
      const { challenge } = record;
      const isThis = challenge?.claim?.requestId === requestId && challenge.claim.thing === thing;
      if (!challenge?.claim || !isThis || challenge.claim.certificateArn) return undefined;
      return { ...record, challenge: { ...challenge, claim: { ...challenge.claim, certificateArn: made } } };
    });
    const kept = challenge?.claim?.requestId === requestId ? challenge.claim.certificateArn : undefined;
    if (kept === undefined || kept === made) return made;
    await discard(made);
    return kept;
  }

  /** A claim of the past, delivered once more, must not bring a camera back that was released since. */
  async forget(user: string, thing: string): Promise<void> {
    await changeOwner(this.#table, user, (record) => {
      if (record.challenge?.claim?.thing !== thing) return undefined;
      const { challenge: _used, ...rest } = record;
      return rest;
    });
  }

  #isAlive({ expires }: Challenge): boolean {
    return this.#now() < expires;
  }
}
