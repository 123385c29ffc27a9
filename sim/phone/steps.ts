import { type Advice, adviceFor } from "./advice.ts";

/** One step of something long. */
export interface Step<Name extends string = string> {
  readonly name: Name;
  readonly state: "pending" | "active" | "done" | "failed";
  /** A few words of what came out, such as an address. */
  readonly detail?: string;
  /** Of the failure: what happened and what to do. `advice.code` is the error's code. */
  readonly advice?: Advice;
}

/** The steps of a flow, in order. */
export class StepList<Name extends string> {
  #steps: Step<Name>[];
  #changed: () => void;

  constructor(names: readonly Name[], changed: () => void) {
    this.#steps = names.map((name) => ({ name, state: "pending" }));
    this.#changed = changed;
  }

  get all(): readonly Step<Name>[] {
    return this.#steps;
  }

  isDone(name: Name): boolean {
    return this.#steps.some((step) => step.name === name && step.state === "done");
  }

  /** Runs what belongs to a step, which is active meanwhile. What it returns is its detail; what it throws goes on to the caller. */
  async run(name: Name, work: () => Promise<string | undefined>): Promise<void> {
    this.#set({ name, state: "active" });
    try {
      this.#set({ name, state: "done", detail: await work() });
    } catch (error) {
      this.fail(name, error);
      throw error;
    }
  }

  done(name: Name, detail?: string): void {
    this.#set({ name, state: "done", detail });
  }

  /** Words for a step that is still active. */
  describe(name: Name, detail: string): void {
    const known = this.#steps.find((step) => step.name === name);
    if (known?.state === "active" && known.detail !== detail) this.#set({ name, state: "active", detail });
  }

  fail(name: Name, error: unknown): void {
    this.#set({ name, state: "failed", advice: adviceFor(error) });
  }

  reset(...names: Name[]): void {
    for (const name of names) this.#set({ name, state: "pending" });
  }

  #set(step: Step<Name>): void {
    this.#steps = this.#steps.map((each) => (each.name === step.name ? step : each));
    this.#changed();
  }
}
