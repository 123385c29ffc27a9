import { type Child, fill, h, type Properties, setAttribute, uniqueId } from "../dom.ts";
import { icon } from "../icon.ts";
import { button } from "./button.ts";

export interface FieldOptions {
  label: string;
  name: string;
  hint?: Child;
  value?: string;
  type?: "text" | "password";
  multiline?: boolean;
  /** Further attributes of the input: autocomplete, required, ... */
  attributes?: Properties;
}

/** An input with its label, a hint, and a place for what is wrong with it, all of which a screen reader finds. */
export interface Field {
  element: HTMLElement;
  input: HTMLInputElement | HTMLTextAreaElement;
  value: string;
  /** Says what is wrong and puts the cursor there; without text takes that back. */
  problem(text?: string): void;
}

export function field(options: FieldOptions): Field {
  const id = uniqueId(options.name);
  const hintId = `${id}-hint`;
  const problemId = `${id}-problem`;
  const { type = "text", multiline, attributes } = options;
  const shared = {
    id,
    name: options.name,
    class: "input",
    autocapitalize: "none",
    spellcheck: "false",
    "aria-describedby": [options.hint && hintId, problemId].filter(Boolean).join(" "),
    ...attributes,
  };
  const input = multiline ? h("textarea", shared) : h("input", { type, ...shared });
  if (options.value !== undefined) input.value = options.value;
  const problem = h("p", { id: problemId, class: "problem", role: "alert", hidden: true });
  const setProblem = (text?: string) => {
    setAttribute(problem, "hidden", !text);
    setAttribute(input, "aria-invalid", Boolean(text) && "true");
    fill(problem, text && [icon("alert"), text]);
    if (text) input.focus();
  };
  input.addEventListener("input", () => setProblem());
  const element = h(
    "div",
    { class: "field" },
    h("label", { for: id }, options.label),
    input instanceof HTMLInputElement && type === "password" ? withEye(input) : input,
    options.hint && h("p", { id: hintId, class: "hint" }, options.hint),
    problem,
  );
  return {
    element,
    input,
    problem: setProblem,
    get value() {
      return input.value;
    },
    set value(value: string) {
      input.value = value;
    },
  };
}

/** A switch that shows what has been typed. */
function withEye(input: HTMLInputElement): HTMLElement {
  const eye = button({ label: "Show password", icon: "eye", kind: "quiet", onlyIcon: true });
  eye.setAttribute("aria-pressed", "false");
  eye.addEventListener("click", () => {
    const isShown = input.type === "password";
    input.type = isShown ? "text" : "password";
    eye.setAttribute("aria-pressed", String(isShown));
    fill(eye, icon(isShown ? "eye-off" : "eye"));
  });
  return h("div", { class: "input-box" }, input, eye);
}
