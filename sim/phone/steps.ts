import type { Advice } from "./advice.ts";

/** One step of something long. */
export interface Step<Name extends string = string> {
  name: Name;
  state: "pending" | "active" | "done" | "failed";
  /** A few words of what came out, such as an address. */
  detail?: string;
  /** Of the failure: what happened and what to do. `advice.code` is the error's code. */
  advice?: Advice;
}
