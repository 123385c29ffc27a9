import { h } from "../dom.ts";

const places = ["Find", "Wi-Fi", "Register"] as const;

/** Where the person is on the way to a new camera. */
export function trail(current: (typeof places)[number]): HTMLElement {
  const at = places.indexOf(current);
  return h(
    "ol",
    { class: "trail", "aria-label": "Steps of adding a camera" },
    places.map((place, i) => h("li", { class: i < at && "done", "aria-current": i === at && "step" }, place)),
  );
}
