import { ownMember } from "../../../own-member.ts";
import type { Picture } from "../../gallery.ts";
import type { PictureStore } from "../app/pictures.ts";
import { fill, h, setAttribute } from "../dom.ts";
import { bytes, cutWords, dayAndTime } from "../format.ts";
import type { Announcer } from "./announcer.ts";
import { button } from "./button.ts";
import { confirm } from "./dialog.ts";
import { failureNotice } from "./failure.ts";
import { waiting } from "./notice.ts";

interface Options {
  /** May lose pictures while it is open. */
  pictures: Picture[];
  store: PictureStore;
  nameOf(picture: Picture): string;
  /** @throws what adviceFor() has words for */
  remove(picture: Picture): Promise<void>;
  announcer: Announcer;
}

/** One picture as large as the window. Arrow keys, Home and End go to the others, Escape closes. */
export class Viewer {
  #options: Options;
  #closed: (last: Picture) => void = () => {};
  #last?: Picture;
  #view = h("div", { class: "view" });
  #caption = h("p", { class: "caption figures", "aria-live": "polite" });
  #position = h("span", { class: "small figures" });
  #previous = button({ label: "Newer picture", icon: "back", onlyIcon: true, onPress: () => this.#go(this.#at - 1) });
  #next = button({ label: "Older picture", icon: "forward", onlyIcon: true, onPress: () => this.#go(this.#at + 1) });
  #dialog: HTMLDialogElement;

  constructor(options: Options) {
    this.#options = options;
    this.#previous.classList.add("previous");
    this.#next.classList.add("next");
    const tools = h(
      "div",
      { class: "tools" },
      this.#position,
      button({ label: "Download", icon: "download", onlyIcon: true, onPress: () => this.#download() }),
      button({ label: "Delete", icon: "trash", onlyIcon: true, onPress: () => this.#remove() }),
      button({ label: "Close", icon: "cross", onlyIcon: true, onPress: () => this.close() }),
    );
    const on = { keydown: (event: KeyboardEvent) => this.#key(event), close: () => this.#ended() };
    const stage = h("div", { class: "stage" }, this.#view, this.#previous, this.#next);
    this.#dialog = h("dialog", { class: "viewer", "aria-label": "Picture", on }, tools, stage, this.#caption);
  }

  /** @param closed called with the picture that was shown last */
  open(picture: Picture, closed: (last: Picture) => void): void {
    this.#closed = closed;
    document.body.append(this.#dialog);
    this.#dialog.showModal();
    this.#go(this.#options.pictures.findIndex(({ key }) => key === picture.key));
  }

  close(): void {
    if (this.#dialog.open) this.#dialog.close();
  }

  #ended(): void {
    this.#dialog.remove();
    if (this.#last) this.#closed(this.#last);
  }

  /** Newer ones may have come before it since. */
  get #at(): number {
    return this.#options.pictures.findIndex(({ key }) => key === this.#last?.key);
  }

  #key(event: KeyboardEvent): void {
    const last = this.#options.pictures.length - 1;
    const targets: Record<string, number> = { ArrowLeft: this.#at - 1, ArrowRight: this.#at + 1, Home: 0, End: last };
    const target = ownMember(targets, event.key);
    if (target === undefined) return;
    event.preventDefault();
    this.#go(target);
  }

  #go(index: number): void {
    const { pictures, nameOf } = this.#options;
    const picture = pictures[index];
    if (!picture) return;
    this.#last = picture;
    const words = `${nameOf(picture)} · ${dayAndTime(new Date(picture.time))} · ${bytes(picture.bytes)}`;
    fill(this.#caption, words);
    fill(this.#position, `${index + 1} of ${pictures.length}`);
    const focused = document.activeElement;
    setAttribute(this.#previous, "hidden", index === 0);
    setAttribute(this.#next, "hidden", index === pictures.length - 1);
    // A button that goes would take the focus with it, and the arrow keys.
    if (focused === this.#previous && this.#previous.hidden) this.#next.focus();
    if (focused === this.#next && this.#next.hidden) this.#previous.focus();
    void this.#show(picture, words);
  }

  async #show(picture: Picture, alt: string): Promise<void> {
    fill(this.#view, waiting("Loading…"));
    try {
      const src = await this.#options.store.address(picture);
      if (this.#last !== picture) return;
      fill(this.#view, h("img", { src, alt }));
      if (this.#options.store.isCut(picture)) fill(this.#caption, `${alt} · ${cutWords}`);
    } catch (error) {
      if (this.#last === picture) fill(this.#view, failureNotice(error));
    }
  }

  async #download(): Promise<void> {
    const picture = this.#last;
    if (!picture) return;
    const href = await this.#options.store.address(picture).catch(() => undefined);
    if (href) h("a", { href, download: `${picture.thingName}-${picture.imageId}.jpg` }).click();
  }

  async #remove(): Promise<void> {
    const picture = this.#last;
    if (!picture) return;
    const text = "It is deleted from your bucket, for good.";
    if (!(await confirm({ title: "Delete this picture?", text, yes: "Delete", danger: true }))) return;
    const at = this.#at;
    try {
      await this.#options.remove(picture);
      this.#options.announcer.note("The picture is deleted.");
      const { length } = this.#options.pictures;
      if (length) this.#go(Math.min(at, length - 1));
      else this.close();
    } catch (error) {
      fill(this.#view, failureNotice(error));
    }
  }
}
