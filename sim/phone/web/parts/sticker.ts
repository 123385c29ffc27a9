import { h } from "../dom.ts";
import { button } from "./button.ts";

/** A thing that one reads from, such as a label: its lines, and a press that copies them into the form. */
export function sticker(options: {
  title: string;
  lines: [name: string, value: string][];
  use: () => void;
}): HTMLElement {
  const { title, lines, use } = options;
  return h(
    "section",
    { class: "sticker", "aria-label": title },
    h(
      "div",
      { class: "stack tight" },
      h("h2", { class: "tiny soft" }, title),
      h(
        "dl",
        {},
        lines.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", { class: "mono" }, value))),
      ),
    ),
    button({ label: "Use it", onPress: use }),
  );
}
