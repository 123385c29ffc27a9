import type { BoundCamera } from "../../phone-cloud.ts";
import type { App } from "../app/app.ts";
import { follow, onlinePill } from "../app/live.ts";
import type { ScreenMaker } from "../app/screen.ts";
import { fill, h } from "../dom.ts";
import { ago } from "../format.ts";
import { icon } from "../icon.ts";
import { button, buttonLink } from "../parts/button.ts";
import { failureNotice } from "../parts/failure.ts";
import { emptyState, notice, waiting } from "../parts/notice.ts";
import { lazyPhoto } from "../parts/photo.ts";
import { toHash } from "../router.ts";

/** Milliseconds; "a minute ago" gets old. */
const tickInterval = 15_000;

/** The person's cameras, each with its last picture and whether it is online. */
export const camerasScreen: ScreenMaker = (app, _, signal) => {
  const add = buttonLink({ label: "Add a camera", icon: "plus", href: "#/add", kind: "primary" });
  add.hidden = true;
  const content = h("div", { class: "stack" }, waiting("Loading your cameras…"));
  const load = async () => {
    try {
      const cameras = await app.cloud.cameras();
      if (signal.aborted) return;
      add.hidden = cameras.length === 0;
      fill(content, unfinished(app), cameras.length ? cards(app, cameras, signal) : noCamera(app));
    } catch (error) {
      if (signal.aborted) return;
      const again = button({ label: "Try again", icon: "refresh", onPress: load });
      fill(content, failureNotice(error, again));
    }
  };
  void load();
  const element = h("div", { class: "screen" }, h("div", { class: "head" }, h("h1", {}, "Cameras"), add), content);
  return { title: "Cameras", tab: "cameras", element };
};

/** A camera that somebody began to add. */
function unfinished({ setup }: App): HTMLElement | undefined {
  const { camera } = setup.draft;
  if (!camera) return undefined;
  const onwards = setup.flow ? "#/register" : "#/add";
  return notice({
    kind: "warn",
    title: `Adding ${camera} is not finished`,
    text: "Nothing is lost: go on where you stopped.",
    actions: buttonLink({ label: "Go on", href: onwards }),
  });
}

const noCamera = (app: App) =>
  app.setup.draft.camera
    ? undefined
    : emptyState({
        art: icon("camera"),
        title: "No camera yet",
        text: "Switch your camera on and keep its label at hand. Adding it takes about a minute.",
        action: buttonLink({ label: "Add a camera", icon: "plus", href: "#/add", kind: "primary" }),
      });

function cards(app: App, cameras: BoundCamera[], signal: AbortSignal): HTMLElement {
  return h(
    "ul",
    { class: "grid" },
    cameras.map((camera) => h("li", {}, card(app, camera, signal))),
  );
}

function card(app: App, { thingName, name, since }: BoundCamera, signal: AbortSignal): HTMLElement {
  const live = follow(app.cloud, thingName);
  const state = h("span");
  const showState = () => fill(state, onlinePill(live.state));
  signal.addEventListener("abort", live.on("change", showState));
  const tick = setInterval(showState, tickInterval);
  signal.addEventListener("abort", () => clearInterval(tick));
  showState();
  const element = h(
    "a",
    { class: "camera-card", href: toHash("camera", thingName) },
    h("span", { class: "photo" }, icon("camera")),
    h(
      "span",
      { class: "words" },
      h("span", { class: "row spread" }, h("strong", {}, name), state),
      h("span", { class: "last small soft" }, `Added ${ago(new Date(since))}`),
    ),
  );
  const showLast = () => void showLastPicture(app, element, thingName, signal);
  signal.addEventListener("abort", live.on("photo", showLast));
  showLast();
  return element;
}

/** A camera without a picture keeps its sign. */
async function showLastPicture(app: App, card: Element, thingName: string, signal: AbortSignal): Promise<void> {
  const picture = await app.cloud.gallery.last(thingName, signal).catch(() => undefined);
  if (!picture || signal.aborted) return;
  card.querySelector(".photo")?.replaceWith(lazyPhoto(app.pictures, picture, { alt: "", signal, tag: "span" }));
  fill(card.querySelector(".last")!, `Last picture ${ago(new Date(picture.time))}`);
}
