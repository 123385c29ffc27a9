import type { Picture } from "../../gallery.ts";
import type { PhotoAnnouncement } from "../../live-camera.ts";
import type { App } from "../app/app.ts";
import { follow } from "../app/live.ts";
import type { ScreenMaker } from "../app/screen.ts";
import { fill, h } from "../dom.ts";
import { bytes, day, time } from "../format.ts";
import { icon } from "../icon.ts";
import { button, buttonLink } from "../parts/button.ts";
import { failureNotice } from "../parts/failure.ts";
import { emptyState, waiting } from "../parts/notice.ts";
import { lazyPhoto, whenNear } from "../parts/photo.ts";
import { Viewer } from "../parts/viewer.ts";

/** All pictures of all cameras, newest first. */
export const galleryScreen: ScreenMaker = (app, _, signal) => {
  const gallery = new GalleryPage(app, signal);
  void gallery.start();
  return { title: "Gallery", tab: "gallery", element: gallery.element };
};

class GalleryPage {
  readonly element: HTMLElement;
  #app: App;
  #signal: AbortSignal;
  #pictures: Picture[] = [];
  #next?: string;
  #isLoaded = false;
  #names = new Map<string, string>();
  /** By key: what is shown already stays as it is when others come or go. */
  #tiles = new Map<string, HTMLElement>();
  #content = h("div", { class: "stack wide" });
  #foot = h("div");
  #count = h("p", { class: "lead figures" });

  constructor(app: App, signal: AbortSignal) {
    this.#app = app;
    this.#signal = signal;
    const refresh = button({
      label: "Refresh",
      icon: "refresh",
      kind: "quiet",
      onlyIcon: true,
      onPress: () => this.start(),
    });
    const head = h("div", { class: "head" }, h("div", {}, h("h1", {}, "Gallery"), this.#count), refresh);
    this.element = h("div", { class: "screen" }, head, this.#content, this.#foot);
  }

  /** Loads the first page, and listens for pictures that arrive meanwhile. */
  async start(): Promise<void> {
    if (!this.#content.hasChildNodes()) fill(this.#content, waiting("Loading your pictures…"));
    await Promise.all([this.#nameCameras(), this.#load({ isFirst: true })]);
  }

  async #nameCameras(): Promise<void> {
    const cameras = await this.#app.cloud.cameras().catch(() => []);
    if (this.#signal.aborted) return;
    for (const { thingName, name } of cameras) {
      const isNew = !this.#names.has(thingName);
      if (this.#names.get(thingName) !== name) this.#tiles.clear();
      this.#names.set(thingName, name);
      if (isNew) this.#listen(thingName);
    }
    this.#show();
  }

  #listen(thingName: string): void {
    const arrived = ({ imageId }: PhotoAnnouncement) => {
      if (!this.#pictures.some((picture) => picture.imageId === imageId)) void this.#loadNewest();
    };
    this.#signal.addEventListener("abort", follow(this.#app.cloud, thingName).on("photo", arrived));
  }

  /** What has come since; whoever looks at older ones keeps their place. */
  async #loadNewest(): Promise<void> {
    const page = await this.#app.cloud.gallery.list({ signal: this.#signal }).catch(() => undefined);
    if (!page || this.#signal.aborted) return;
    this.#add(page.pictures);
    this.#show();
  }

  /** The viewer may be looking at the same list. */
  #add(pictures: Picture[]): void {
    const known = new Set(this.#pictures.map(({ key }) => key));
    this.#pictures.push(...pictures.filter(({ key }) => !known.has(key)));
    this.#pictures.sort((a, b) => b.time - a.time || (a.key < b.key ? 1 : -1));
  }

  async #load({ isFirst = false } = {}): Promise<void> {
    try {
      const after = isFirst ? undefined : this.#next;
      const page = await this.#app.cloud.gallery.list({ after, signal: this.#signal });
      if (this.#signal.aborted) return;
      if (isFirst) {
        this.#pictures.length = 0;
        this.#tiles.clear();
      }
      this.#add(page.pictures);
      this.#next = page.next;
      this.#isLoaded = true;
      this.#show();
      this.#showFoot();
    } catch (error) {
      if (this.#signal.aborted) return;
      const again = button({ label: "Try again", icon: "refresh", onPress: () => this.#load({ isFirst }) });
      fill(this.#pictures.length ? this.#foot : this.#content, failureNotice(error, again));
    }
  }

  #show(): void {
    if (!this.#pictures.length) {
      fill(this.#count);
      if (this.#isLoaded) fill(this.#content, noPictures());
      return;
    }
    fill(
      this.#count,
      `${this.#pictures.length}${this.#next ? "+" : ""} picture${this.#pictures.length > 1 ? "s" : ""}, newest first`,
    );
    const days = byDay(this.#pictures);
    const focused = document.activeElement;
    const { scrollY } = window;
    fill(
      this.#content,
      [...days].map(([name, pictures]) => this.#day(name, pictures)),
    );
    if (focused instanceof HTMLElement && this.#content.contains(focused)) focused.focus({ preventScroll: true });
    window.scrollTo(0, scrollY);
  }

  #day(name: string, pictures: Picture[]): HTMLElement {
    const tiles = pictures.map((picture) => h("li", {}, this.#tileOf(picture)));
    return h(
      "section",
      { class: "stack", "aria-label": name },
      h("h2", {}, name),
      h("ul", { class: "gallery" }, tiles),
    );
  }

  #tile(picture: Picture): HTMLElement {
    const camera = this.#nameOf(picture);
    const when = new Date(picture.time);
    return h(
      "button",
      {
        type: "button",
        class: "tile",
        on: { click: () => this.#open(picture) },
      },
      lazyPhoto(this.#app.pictures, picture, { alt: "", signal: this.#signal, tag: "span" }),
      h(
        "span",
        { class: "words" },
        h("span", {}, camera, h("span", { class: "hidden-visually" }, `, ${day(when)}, `)),
        h("span", { class: "soft figures" }, `${time(when)} · ${bytes(picture.bytes)}`),
      ),
    );
  }

  /** A camera that was removed has only its own name left. */
  #nameOf({ thingName }: Picture): string {
    return this.#names.get(thingName) ?? thingName;
  }

  #showFoot(): void {
    fill(this.#foot);
    if (!this.#next) return;
    const more = button({ label: "Show more", block: true, onPress: () => this.#load() });
    fill(this.#foot, more);
    whenNear(more, () => more.click(), this.#signal);
  }

  #open(picture: Picture): void {
    const viewer = new Viewer({
      pictures: this.#pictures,
      store: this.#app.pictures,
      nameOf: (each) => this.#nameOf(each),
      remove: (each) => this.#remove(each),
      announcer: this.#app.announcer,
    });
    viewer.open(picture, ({ key }) => this.#tiles.get(key)?.focus());
    this.#signal.addEventListener("abort", () => viewer.close());
  }

  #tileOf(picture: Picture): HTMLElement {
    let tile = this.#tiles.get(picture.key);
    if (!tile) {
      tile = this.#tile(picture);
      this.#tiles.set(picture.key, tile);
    }
    return tile;
  }

  /** @throws PhoneCloudError */
  async #remove(picture: Picture): Promise<void> {
    await this.#app.cloud.gallery.remove(picture);
    this.#app.pictures.forget(picture.key);
    this.#tiles.delete(picture.key);
    const at = this.#pictures.findIndex(({ key }) => key === picture.key);
    if (at >= 0) this.#pictures.splice(at, 1);
    this.#show();
  }
}

function byDay(pictures: Picture[]): Map<string, Picture[]> {
  const days = new Map<string, Picture[]>();
  for (const picture of pictures) {
    const name = day(new Date(picture.time));
    days.set(name, [...(days.get(name) ?? []), picture]);
  }
  return days;
}

const noPictures = () =>
  emptyState({
    art: icon("pictures"),
    title: "No pictures yet",
    text: "Pictures show up here as soon as a camera has sent them, also those that it takes by itself.",
    action: buttonLink({ label: "To the cameras", icon: "camera", href: "#/cameras", kind: "primary" }),
  });
