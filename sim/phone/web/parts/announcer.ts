import { fill, h } from "../dom.ts";

const toastTime = 5000;

/** Says things: to everybody as a note at the edge of the page, or to screen readers alone. */
export class Announcer {
  readonly element: HTMLElement;
  #polite = h("p", { class: "hidden-visually", role: "status", "aria-live": "polite" });
  #toasts = h("div", { class: "toasts", role: "status", "aria-live": "polite" });

  constructor() {
    this.element = h("div", {}, this.#polite, this.#toasts);
  }

  /** For screen readers: what the others see for themselves. */
  say(text: string): void {
    if (this.#polite.textContent !== text) fill(this.#polite, text);
  }

  /** A note that goes away again; nothing that has to be acted on. */
  note(text: string): void {
    const toast = h("p", { class: "toast" }, text);
    this.#toasts.append(toast);
    setTimeout(() => toast.remove(), toastTime);
  }
}
