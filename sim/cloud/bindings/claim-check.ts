import type { CameraRights } from "./camera-rights.ts";
import type { Challenges } from "./challenges.ts";
import { claimText, isOwnName, isSignedByCertificate, isSignedByName } from "./proof.ts";
import { BindingRefusal, type BindingRequest, type ClaimProof } from "./request.ts";

export type ClaimRequest = Extract<BindingRequest, { action: "claim" }>;

export interface ClaimCheckOptions {
  rights: CameraRights;
  challenges: Challenges;
  /** Cameras whose name is not made of their key may be claimed without a proof, by whoever comes first. */
  allowUnproven: boolean;
}

/** Whether somebody who claims a camera holds it. */
export class ClaimCheck {
  readonly #options: ClaimCheckOptions;

  constructor(options: ClaimCheckOptions) {
    this.#options = options;
  }

  /**
   * @param isOwn the camera is this person's already
   * @throws BindingRefusal NotProven, StaleNonce
   */
  async check(request: ClaimRequest, isOwn: boolean): Promise<void> {
    const { proof, thingName, user, requestId } = request;
    if (!proof) return this.#checkWithout(request, isOwn);
    if (!(await this.#isSigned(request, proof)))
      throw new BindingRefusal("NotProven", `${thingName} has not signed that you hold it`);
    await this.#options.challenges.use(proof.nonce, { user, requestId, thing: thingName });
  }

  /** One's own may be renamed; an old one, which cannot sign, may also get a certificate when it is one's own already. */
  #checkWithout({ thingName, csr }: ClaimRequest, isOwn: boolean): void {
    const canSign = isOwnName(thingName);
    if (isOwn && !(canSign && csr !== undefined)) return;
    if (!canSign && this.#options.allowUnproven) return;
    throw new BindingRefusal("NotProven", `${thingName} has to sign that you hold it`);
  }

  async #isSigned({ user, thingName, csr }: ClaimRequest, proof: ClaimProof): Promise<boolean> {
    const text = claimText({ identity: user, thingName, nonce: proof.nonce, csr });
    if (isOwnName(thingName)) return isSignedByName(thingName, text, proof);
    return isSignedByCertificate(text, proof, await this.#options.rights.activeCertificatesOf(thingName));
  }
}
