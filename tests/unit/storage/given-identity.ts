import type { Identity, IdentityStore } from "../../../modules/storage/identity-store";

/** Puts an identity in force, as a camera has it whose identity has proven itself. */
export function giveIdentity(identities: IdentityStore, identity: Identity, certificateId?: string): void {
  identities.propose(identity, certificateId);
  identities.confirm();
}
