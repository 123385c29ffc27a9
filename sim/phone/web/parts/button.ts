import { type Child, h, type Properties, setAttribute } from "../dom.ts";
import { type IconName, icon } from "../icon.ts";

export interface ButtonOptions {
  label: string;
  icon?: IconName;
  kind?: "primary" | "danger" | "quiet";
  /** The icon alone is seen; the label is for screen readers and as the tip. */
  onlyIcon?: boolean;
  block?: boolean;
  type?: "button" | "submit";
  /** While its promise is open the button shows that it is busy and takes no further press. */
  onPress?: () => void | Promise<void>;
  attributes?: Properties;
}

export function button(options: ButtonOptions): HTMLButtonElement {
  const { label, kind, onlyIcon, block, type = "button", onPress, attributes } = options;
  const classes = ["button", kind, onlyIcon && "only-icon", block && "block"].filter(Boolean).join(" ");
  const text: Child = onlyIcon ? undefined : h("span", {}, label);
  const element = h(
    "button",
    { type, class: classes, "aria-label": onlyIcon && label, title: onlyIcon && label, ...attributes },
    options.icon && icon(options.icon),
    text,
  );
  if (onPress) element.addEventListener("click", () => void press(element, onPress));
  return element;
}

/** A link that looks like a button. */
export function buttonLink(options: { label: string; icon?: IconName; href: string; kind?: "primary" | "quiet" }) {
  const { label, href, kind } = options;
  return h("a", { class: `button ${kind ?? ""}`, href }, options.icon && icon(options.icon), h("span", {}, label));
}

export const isDisabled = (element: Element) => element.getAttribute("aria-disabled") === "true";

/** Stays in the tab order, so that nobody loses the place, and does nothing when it is pressed. */
export function setDisabled(element: Element, disabled: boolean): void {
  setAttribute(element, "aria-disabled", disabled && "true");
}

export function setBusy(element: HTMLButtonElement, busy: boolean): void {
  setDisabled(element, busy);
  setAttribute(element, "aria-busy", busy && "true");
  element.querySelector(":scope > .spinner")?.remove();
  if (busy) element.prepend(h("span", { class: "spinner", "aria-hidden": "true" }));
}

async function press(element: HTMLButtonElement, onPress: () => void | Promise<void>): Promise<void> {
  if (isDisabled(element)) return;
  const result = onPress();
  if (!result) return;
  setBusy(element, true);
  try {
    await result;
  } finally {
    setBusy(element, false);
  }
}
