import { fill, h, uniqueId } from "../dom.ts";

/** A bar with its words. Without a value it shows only that something is going on. */
export interface Meter {
  element: HTMLElement;
  set(progress: { label: string; figure?: string; part?: number; total?: number }): void;
}

export function meter(): Meter {
  const id = uniqueId("meter");
  const label = h("span", { id, class: "small" });
  const figure = h("span", { class: "small soft figures" });
  const bar = h("progress", { "aria-labelledby": id });
  const element = h("div", { class: "meter" }, h("div", { class: "row spread" }, label, figure), bar);
  return {
    element,
    set(progress) {
      if (label.textContent !== progress.label) fill(label, progress.label);
      fill(figure, progress.figure);
      if (progress.total) {
        bar.max = progress.total;
        bar.value = progress.part ?? 0;
      } else bar.removeAttribute("value");
    },
  };
}
