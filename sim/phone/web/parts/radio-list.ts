import { type Child, fill, h, uniqueId } from "../dom.ts";

export interface ListItem {
  value: string;
  content: Child;
}

/** A choice of one out of several, as radio buttons that are cards. */
export class RadioList {
  readonly element: HTMLFieldSetElement;
  #name = uniqueId("choice");
  #list = h("div", { class: "choices" });
  #value: string | undefined;
  #onChange: (value: string) => void;

  constructor(legend: string, onChange: (value: string) => void = () => {}) {
    this.#onChange = onChange;
    this.element = h("fieldset", { class: "plain" }, h("legend", { class: "label" }, legend), this.#list);
  }

  get value(): string | undefined {
    return this.#value;
  }

  set value(value: string | undefined) {
    this.#value = value;
    for (const input of this.#list.querySelectorAll("input")) input.checked = input.value === value;
  }

  /** The focus stays on what it was on, if that is still there. */
  show(items: ListItem[]): void {
    const focused = (document.activeElement as HTMLInputElement | null)?.value;
    const hadFocus = this.#list.contains(document.activeElement);
    fill(this.#list, items.map(this.#item));
    if (!items.some(({ value }) => value === this.#value)) this.#value = undefined;
    if (!hadFocus) return;
    for (const input of this.#list.querySelectorAll("input")) if (input.value === focused) input.focus();
  }

  #item = ({ value, content }: ListItem): HTMLElement => {
    const input = h("input", { type: "radio", name: this.#name, value });
    input.checked = value === this.#value;
    input.addEventListener("change", () => {
      this.#value = value;
      this.#onChange(value);
    });
    return h("label", { class: "choice" }, input, content);
  };
}
