/** The binding function as Lambda runs it, on a wire that can be cut, or looked at, at any of its steps. */
import { IoTClient } from "@aws-sdk/client-iot";
import ownerPolicy from "../../certs/owner-policy.json" with { type: "json" };
import type { BindingTable } from "../../sim/cloud/bindings/binding.ts";
import {
  type BindingAnswer,
  type BindingHandler,
  createBindingHandler,
} from "../../sim/cloud/bindings/binding-service.ts";
import { CameraRights } from "../../sim/cloud/bindings/camera-rights.ts";
import { leaseLife } from "../../sim/cloud/bindings/owner-lease.ts";
import type { OwnerRecord } from "../../sim/cloud/bindings/owner-record.ts";
import { PolicyStore } from "../../sim/cloud/bindings/policy-store.ts";
import type { PeopleRig } from "./people-rig.ts";

/** Where the wire is cut. */
export interface Cut {
  /** From 1. */
  step: number;
  when: "before" | "after";
}

/** What somebody else does just before a step. */
export interface Visit {
  step: number;
  run(): Promise<void>;
  /** Resolves when it cannot go on before the one that it visits has: the step is taken then. */
  isWaiting?: Promise<unknown>;
}

interface Options {
  rig: PeopleRig;
  /** The table's index does not know of anything yet. */
  stale?: boolean;
  /** Instead of certs/owner-policy.json. */
  template?: object;
}

/** What has passed since, as after a cut: Lambda's second run is not at once. Milliseconds. */
let passed = 0;

/** The function as Lambda runs it, with a wire that can be cut at any of its steps. */
export class Lambda {
  /** Steps that have been taken: calls of the table and of AWS IoT. */
  steps = 0;
  /** The last one. */
  answer: BindingAnswer = { requestId: "", action: "" };
  /** Resolves when another run holds the lease that this one needs. */
  readonly isWaiting: Promise<unknown>;
  #wait!: (value?: unknown) => void;
  #hasWritten = false;
  #cut?: Cut;
  #visit?: Visit;
  #handler: BindingHandler;

  #visits: Promise<void>[] = [];

  constructor({ rig, stale = false, template = ownerPolicy }: Options) {
    const { cloud, table } = rig;
    this.isWaiting = new Promise((resolve) => {
      this.#wait = resolve;
    });
    const iot = new IoTClient({
      region: cloud.region,
      credentials: cloud.accessKey,
      endpoint: cloud.api.url,
      // One connection for all of them: handshakes take longer than all the rest.
      requestHandler: rig.administrator.iot.config.requestHandler,
      maxAttempts: 1,
    });
    iot.middlewareStack.add((next) => (args) => this.#step(() => next(args)), { step: "initialize" });
    const wire = new Proxy<BindingTable>(table, {
      get:
        (target, name: keyof BindingTable) =>
        (...args: never[]) =>
          this.#step(async () => {
            if (stale && name === "ofUser") return [];
            const result = await (target[name] as (...given: never[]) => Promise<unknown>).apply(target, args);
            if (name === "keepOwner") this.#hasWritten = true;
            if (name === "owner" && !this.#hasWritten && (result as OwnerRecord | undefined)?.lease) this.#wait();
            return result;
          }),
    });
    this.#handler = createBindingHandler({
      table: wire,
      rights: new CameraRights(iot),
      policies: new PolicyStore(iot),
      ownerPolicy: template,
      allowUnproven: true,
      now: () => Date.now() + passed,
      publish: (_topic, payload) =>
        this.#step(async () => {
          this.answer = JSON.parse(payload);
        }),
    });
  }

  /** @returns the code of the refusal, or undefined when it was done */
  async run(user: string, message: object, cut?: Cut, visit?: Visit): Promise<string | undefined> {
    this.steps = 0;
    this.#cut = cut;
    this.#visit = visit;
    try {
      const { code } = await this.#handler({ identity: user, requestId: "r", ...message });
      await Promise.all(this.#visits);
      return code;
    } finally {
      this.#cut = undefined;
    }
  }

  async #step<T>(take: () => Promise<T>): Promise<T> {
    this.steps += 1;
    const visit = this.#visit;
    if (visit?.step === this.steps) await this.#receive(visit);
    const isHere = this.#cut?.step === this.steps;
    if (isHere && this.#cut?.when === "before") throw cut();
    const result = take();
    if (!isHere) return result;
    // Also when the answer is a refusal.
    await result.catch(() => {});
    throw cut();
  }

  async #receive({ run, isWaiting }: Visit): Promise<void> {
    const visit = run();
    this.#visits.push(visit);
    await Promise.race([visit, isWaiting ?? visit]);
  }
}

function cut(): Error {
  passed += leaseLife;
  return new Error("cut");
}
