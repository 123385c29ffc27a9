import { type Child, h } from "../dom.ts";
import { icon } from "../icon.ts";

export interface NoticeOptions {
  kind?: "info" | "warn" | "bad";
  title: string;
  /** What happened, and what to do next. */
  text?: Child;
  actions?: Child;
}

/** A message that stays. A bad one is read out at once, the others when the reader has time. */
export function notice({ kind = "info", title, text, actions }: NoticeOptions): HTMLElement {
  return h(
    "div",
    { class: `notice ${kind}`, role: kind === "bad" ? "alert" : "status" },
    icon(kind === "info" ? "info" : "alert"),
    h(
      "div",
      {},
      h("strong", {}, title),
      text && h("div", { class: "small" }, text),
      actions && h("div", { class: "row" }, actions),
    ),
  );
}

export type PillKind = "good" | "warn" | "bad" | "off";

export const pill = (kind: PillKind, text: string) => h("span", { class: `pill ${kind}` }, text);

/** What a screen shows where there is nothing yet, with the way out of that. */
export function emptyState(options: { art: SVGElement; title: string; text: string; action?: Child }): HTMLElement {
  const { art, title, text, action } = options;
  return h(
    "div",
    { class: "empty" },
    h("div", { class: "art" }, art),
    h("div", { class: "stack tight" }, h("h2", {}, title), h("p", {}, text)),
    action,
  );
}

/** For a wait of unknown length. */
export const waiting = (text: string) =>
  h("p", { class: "row soft", role: "status" }, h("span", { class: "spinner", "aria-hidden": "true" }), text);
