import type { Binding, BindingTable } from "./binding.ts";
import type { CameraRights } from "./camera-rights.ts";
import { Challenges } from "./challenges.ts";
import { ClaimCheck, type ClaimRequest } from "./claim-check.ts";
import { countThings, mostCameras, withoutThing } from "./owner-pages.ts";
import { OwnerPolicies } from "./owner-policies.ts";
import type { PolicyStore } from "./policy-store.ts";
import { type BindingErrorCode, type BindingEvent, BindingRefusal, isAnswerable, parseRequest } from "./request.ts";
import { shortText } from "./short-text.ts";

export interface BindingServices {
  table: BindingTable;
  rights: CameraRights;
  policies: PolicyStore;
  /** certs/owner-policy.json, with its placeholders. */
  ownerPolicy: object;
  /** QoS 1. Rejects when the broker does not take it. */
  publish(topic: string, payload: string): Promise<void>;
  /** Milliseconds since 1970. */
  now?: () => number;
  /** ClaimCheckOptions; default false. */
  allowUnproven?: boolean;
}

/** As people see it: nothing of how it is done. */
export interface BoundCamera {
  thingName: string;
  name?: string;
  /** Milliseconds since 1970. */
  since: number;
}

/** What is published on `users/<identityId>/cameras/answer`. */
export interface BindingAnswer {
  requestId: string;
  action: string;
  thingName?: string;
  /** Of `list`; after a claim the one camera. */
  cameras?: BoundCamera[];
  /** After a claim with a request for one: what the camera has to be told. */
  certificate?: { certificateArn: string; certPem: string };
  /** Of `challenge`, with its end in milliseconds since 1970. */
  nonce?: string;
  expires?: number;
  error?: { code: BindingErrorCode; message: string };
}

/** For the log; of what was asked only what is a short text. */
export interface BindingOutcome {
  user?: string;
  action?: string;
  thing?: string;
  status: "done" | "refused";
  /** Of the refusal. */
  code?: BindingErrorCode;
}

export type BindingHandler = (event: BindingEvent) => Promise<BindingOutcome>;

/**
 * The function behind the rule: who owns which camera, and the rights that go with it. A refusal is an answer as well; whatever else goes
 * wrong (table, IoT, broker) rejects, so that Lambda runs it again. Each action may be repeated at any time and finishes what an earlier
 * run has left in the middle: the binding is the first thing that a claim makes and the last that a release removes, so nobody else comes
 * in as long as rights are half given or half taken.
 */
export function createBindingHandler(services: BindingServices): BindingHandler {
  const service = new BindingService(services);
  return async (event) => {
    const [user, action, thing] = [event.identity, event.action, event.thingName].map(shortText);
    try {
      const answer = await service.answer(event);
      await services.publish(answerTopic(user as string), JSON.stringify(answer));
      return { user, action, thing, status: "done" };
    } catch (error) {
      if (!(error instanceof BindingRefusal)) throw error;
      const { code, message } = error;
      if (isAnswerable(event)) await services.publish(answerTopic(user as string), refusal(event, { code, message }));
      return { user, action, thing, status: "refused", code };
    }
  };
}

const answerTopic = (user: string) => `users/${user}/cameras/answer`;

function refusal({ requestId, action, thingName }: BindingEvent, error: BindingAnswer["error"]): string {
  return JSON.stringify({ requestId, action: shortText(action), thingName: shortText(thingName), error });
}

class BindingService {
  readonly #table: BindingTable;
  readonly #rights: CameraRights;
  readonly #now: () => number;
  readonly #challenges: Challenges;
  readonly #check: ClaimCheck;
  readonly #policies: OwnerPolicies;

  constructor(services: BindingServices) {
    const { table, rights, policies: store, ownerPolicy: template, now = Date.now, allowUnproven = false } = services;
    this.#table = table;
    this.#rights = rights;
    this.#now = now;
    this.#challenges = new Challenges(table, now);
    this.#policies = new OwnerPolicies({ table, store, template, now });
    this.#check = new ClaimCheck({ rights, challenges: this.#challenges, allowUnproven });
  }

  /** @throws BindingRefusal */
  async answer(event: BindingEvent): Promise<BindingAnswer> {
    const request = parseRequest(event);
    const { user, requestId, action } = request;
    if (request.action === "list") return { requestId, action, cameras: await this.#list(user) };
    if (request.action === "challenge") {
      const { nonce, expires } = await this.#challenges.issue(user, requestId);
      return { requestId, action, nonce, expires };
    }
    const { thingName } = request;
    const common = { requestId, action, thingName };
    switch (request.action) {
      case "claim":
        return { ...common, ...(await this.#claim(request)) };
      case "attach":
        await this.#attach(user, thingName, request.certificateArn);
        return common;
      case "release":
        await this.#release(user, thingName);
        return common;
    }
  }

  async #list(user: string): Promise<BoundCamera[]> {
    const bindings = (await this.#table.ofUser(user)).filter(({ releasing }) => !releasing);
    await this.#policies.follow(
      user,
      bindings.map(({ thing }) => thing),
    );
    return bindings.sort((a, b) => a.since - b.since).map(describe);
  }

  async #claim(request: ClaimRequest): Promise<Pick<BindingAnswer, "cameras" | "certificate">> {
    const { user, thingName: thing, name, csr } = request;
    const before = await this.#table.get(thing);
    if (before && before.user !== user) throw notYours(thing);
    const isOwn = before !== undefined && !before.releasing;
    await this.#check.check(request, isOwn);
    const cameras = [await this.#bind(user, thing, isOwn, name)];
    if (csr === undefined) return { cameras };
    const certificateArn = await this.#certify(request, csr);
    await this.#attach(user, thing, certificateArn);
    return { cameras, certificate: { certificateArn, certPem: await this.#rights.pemOf(certificateArn) } };
  }

  async #bind(user: string, thing: string, isOwn: boolean, name?: string): Promise<BoundCamera> {
    const { pages = [] } = (await this.#table.owner(user)) ?? {};
    if (!isOwn && countThings(withoutThing(pages, thing)) >= mostCameras) throw tooMany();
    const binding = await this.#table.claim({ thing, user, name, since: this.#now() });
    if (!binding) throw notYours(thing);
    await this.#rights.createThing(thing);
    if (await this.#policies.add(user, thing)) return describe(binding);
    // Several claims at the same time have seen each other too late, or AWS attaches no further policy.
    if (!isOwn) await this.#release(user, thing);
    throw tooMany();
  }

  /** @returns the ARN of the certificate for the camera's request */
  #certify({ user, requestId, thingName: thing, proof }: ClaimRequest, csr: string): Promise<string> {
    const make = async () => {
      const certificateArn = await this.#rights.createCertificate(csr);
      if (!certificateArn) throw new BindingRefusal("BadRequest", "AWS makes no certificate for this request");
      return certificateArn;
    };
    if (!proof) return make();
    const discard = (certificateArn: string) => this.#rights.discardCertificate(certificateArn);
    return this.#challenges.certificateOf({ user, requestId, thing }, make, discard);
  }

  async #attach(user: string, thing: string, certificateArn: string): Promise<void> {
    await this.#checkOwner(user, thing);
    if (!(await this.#rights.isFresh(certificateArn, thing)))
      throw new BindingRefusal("BadRequest", "the certificate is unknown, not active, or of something else");
    await this.#rights.attachCertificate(thing, certificateArn);
    try {
      // A release that began meanwhile may have looked for certificates before this one was there.
      await this.#checkOwner(user, thing);
    } catch (error) {
      if (error instanceof BindingRefusal) await this.#rights.retireCertificate(thing, certificateArn);
      throw error;
    }
    await this.#rights.retireOtherCertificates(thing, certificateArn);
  }

  async #release(user: string, thing: string): Promise<void> {
    const binding = await this.#table.get(thing);
    if (!binding) return;
    if (binding.user !== user) throw notYours(thing);
    // When it is gone by now, somebody was quicker: look again.
    if (!(await this.#table.startRelease(thing, user))) return this.#release(user, thing);
    await this.#challenges.forget(user, thing);
    await this.#policies.remove(user, thing, binding.policy);
    await this.#rights.retireOtherCertificates(thing);
    if (await this.#table.finishRelease(thing, user)) return;
    // Another release was quicker, or the same person has claimed the camera again: then that counts, with the rights that go with it.
    const now = await this.#table.get(thing);
    if (now?.user === user && !now.releasing) await this.#policies.add(user, thing);
  }

  async #checkOwner(user: string, thing: string): Promise<void> {
    const binding = await this.#table.get(thing);
    if (binding && binding.user !== user) throw notYours(thing);
    if (!binding || binding.releasing)
      throw new BindingRefusal("NoSuchCamera", `${thing} is not bound: claim it first`);
  }
}

function describe({ thing, name, since }: Binding): BoundCamera {
  return { thingName: thing, ...(name === undefined ? {} : { name }), since };
}

const notYours = (thing: string) => new BindingRefusal("NotYours", `${thing} belongs to somebody else`);
const tooMany = () => new BindingRefusal("TooManyCameras", `a person can have ${mostCameras} cameras`);
