import type { Picture } from "../../gallery.ts";
import type { PictureStore } from "../app/pictures.ts";
import { fill, h } from "../dom.ts";
import { icon } from "../icon.ts";

/** A picture of the bucket that is fetched when it comes near the window, with a sign in its place until then. */
export function lazyPhoto(
  pictures: PictureStore,
  picture: Pick<Picture, "key">,
  options: { alt: string; signal: AbortSignal; tag?: "span" | "div" },
): HTMLElement {
  const { alt, signal, tag = "div" } = options;
  const frame = h(tag, { class: "photo" }, icon("pictures"));
  const show = async () => {
    try {
      const src = await pictures.address(picture);
      if (!signal.aborted) fill(frame, h("img", { src, alt, decoding: "async" }));
    } catch {
      if (!signal.aborted) fill(frame, icon("alert"), h("span", { class: "hidden-visually" }, "not available"));
    }
  };
  whenNear(frame, show, signal);
  return frame;
}

/** Calls `run` once, when the element is in the window or nearly. */
export function whenNear(element: Element, run: () => void, signal: AbortSignal): void {
  const observer = new IntersectionObserver(
    (entries) => {
      if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
      observer.disconnect();
      run();
    },
    { rootMargin: "300px" },
  );
  observer.observe(element);
  signal.addEventListener("abort", () => observer.disconnect());
}
