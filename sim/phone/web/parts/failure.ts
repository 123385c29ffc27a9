import type { Advice } from "../../advice.ts";
import { adviceFor } from "../../advice.ts";
import { codeOf } from "../../cloud-errors.ts";
import { type Child, h } from "../dom.ts";
import { notice } from "./notice.ts";

/** A failure in words: what happened, what to do next, and the buttons for that. */
export function failureNotice(error: unknown, actions?: Child): HTMLElement {
  return adviceNotice(adviceFor(error), actions);
}

export function adviceNotice({ what, next }: Advice, actions?: Child): HTMLElement {
  return notice({ kind: "bad", title: what, text: h("p", {}, next), actions });
}

/** The person stopped it, or left the screen: nothing to complain about. */
export const isCancelled = (error: unknown) => codeOf(error) === "Cancelled" || codeOf(error) === "AbortError";
