import { adviceFor } from "../../advice.ts";
import type { Picture } from "../../gallery.ts";
import { PhotoFlow, type PhotoStepName } from "../../photo-flow.ts";
import type { App } from "../app/app.ts";
import { type Child, fill, h } from "../dom.ts";
import { bytes, bytesOf, dayAndTime } from "../format.ts";
import { icon } from "../icon.ts";
import { button, buttonLink } from "../parts/button.ts";
import { adviceNotice, failureNotice, isCancelled } from "../parts/failure.ts";
import { meter } from "../parts/meter.ts";
import { notice } from "../parts/notice.ts";

const words: Record<PhotoStepName, string> = {
  take: "The camera takes a picture…",
  thumbnail: "Fetching the thumbnail…",
  grant: "Making the permission to upload…",
  upload: "The camera sends the picture…",
  announce: "Waiting for the camera's word…",
};

/** The camera's last picture, and a new one from the shutter to the bucket. */
export class PhotoCard {
  readonly element: HTMLElement;
  #app: App;
  #thingName: string;
  #signal: AbortSignal;
  #frame = h("div", { class: "photo whole" }, icon("camera"));
  #caption = h("p", { class: "small soft" }, "No picture yet.");
  #status = h("div", { class: "stack tight" });
  #progress = meter();
  #take;
  #stop;
  #running?: AbortController;
  #shown?: string;
  #thumbnail?: string;

  constructor(app: App, thingName: string, signal: AbortSignal) {
    this.#app = app;
    this.#thingName = thingName;
    this.#signal = signal;
    this.#take = button({ label: "Take picture", icon: "camera", kind: "primary", onPress: () => this.#shoot() });
    this.#stop = button({ label: "Stop", onPress: () => this.#running?.abort() });
    this.#stop.hidden = true;
    this.element = h(
      "section",
      { class: "card stage-card", "aria-label": "Picture" },
      this.#frame,
      h(
        "div",
        { class: "under" },
        this.#caption,
        this.#status,
        h(
          "div",
          { class: "row" },
          this.#take,
          this.#stop,
          buttonLink({ label: "All pictures", href: "#/gallery", kind: "quiet" }),
        ),
      ),
    );
    signal.addEventListener("abort", () => this.#left());
    const flow = app.photos.get(thingName);
    if (flow) this.#follow(flow);
    else void this.showLast();
  }

  /** The newest picture of this camera that is in the bucket. */
  async showLast(): Promise<void> {
    const page = await this.#app.cloud.gallery.list({ signal: this.#signal }).catch(() => undefined);
    const picture = page?.pictures.find(({ thingName }) => thingName === this.#thingName);
    if (picture && !this.#running) await this.#showStored(picture);
  }

  get isBusy(): boolean {
    return this.#app.photos.get(this.#thingName)?.isRunning === true;
  }

  async #shoot(): Promise<void> {
    if (this.isBusy) return;
    const before = this.#app.photos.get(this.#thingName);
    // After a failed upload the same picture is sent once more, as long as the camera has it.
    const isLeft = before?.photo && !before.picture;
    const client = this.#app.setup.linkTo(this.#thingName);
    const flow = isLeft ? before : new PhotoFlow({ cloud: this.#app.cloud, thingName: this.#thingName, client });
    this.#app.photos.set(this.#thingName, flow);
    this.#follow(flow);
    this.#running = new AbortController();
    this.#stop.hidden = false;
    try {
      await this.#showStored(await flow.run({ signal: this.#running.signal }));
      this.#app.announcer.say("The picture is in the gallery.");
    } catch (error) {
      this.#failed(flow, error);
    } finally {
      this.#running = undefined;
      this.#stop.hidden = true;
    }
  }

  #follow(flow: PhotoFlow): void {
    const show = () => this.#show(flow);
    this.#signal.addEventListener("abort", flow.on("change", show));
    show();
    if (!flow.isRunning && flow.picture) void this.#showStored(flow.picture);
  }

  #show(flow: PhotoFlow): void {
    if (this.#signal.aborted) return;
    if (flow.thumbnail && !flow.picture) this.#showThumbnail(flow);
    if (flow.picture && this.#shown !== flow.picture.key) void this.#showStored(flow.picture);
    const active = flow.steps.find(({ state }) => state === "active");
    if (!active || flow.picture) return;
    const { progress } = flow;
    const figure = active.name === "upload" && progress ? bytesOf(progress.sent, progress.total) : undefined;
    this.#progress.set({
      label: words[active.name],
      figure,
      part: progress?.sent,
      total: figure ? progress?.total : undefined,
    });
    if (!this.#status.contains(this.#progress.element)) fill(this.#status, this.#progress.element);
    this.#app.announcer.say(words[active.name]);
  }

  #showThumbnail({ thumbnail, photo, transport }: PhotoFlow): void {
    if (!thumbnail || !photo || this.#thumbnail) return;
    this.#thumbnail = URL.createObjectURL(new Blob([thumbnail as BlobPart], { type: "image/jpeg" }));
    fill(this.#frame, h("img", { class: "preview", src: this.#thumbnail, alt: "Thumbnail of the new picture" }));
    const way = transport === "bluetooth" ? "over Bluetooth" : "through the cloud";
    const size = `${photo.width} × ${photo.height}, ${bytes(photo.byteLength)}`;
    fill(this.#caption, `Thumbnail, ${way}. The picture of ${size} is still in the camera.`);
  }

  async #showStored(picture: Picture): Promise<void> {
    this.#shown = picture.key;
    fill(this.#status);
    try {
      const src = await this.#app.pictures.address(picture);
      if (this.#signal.aborted || this.#shown !== picture.key) return;
      const when = dayAndTime(new Date(picture.time));
      fill(this.#frame, h("img", { class: "stored", src, alt: `Picture taken ${when}` }));
      fill(this.#caption, `${when} · ${bytes(picture.bytes)} · in the gallery`);
      this.#dropThumbnail();
    } catch (error) {
      if (!this.#signal.aborted) fill(this.#status, failureNotice(error));
    }
  }

  #failed(flow: PhotoFlow, error: unknown): void {
    if (this.#signal.aborted) return;
    const { advice } = flow.steps.find(({ state }) => state === "failed") ?? {};
    if (isCancelled(error)) {
      const text = flow.photo && "The camera may still send what it has taken; it shows up in the gallery then.";
      fill(this.#status, notice({ title: "Stopped", text }));
    } else fill(this.#status, adviceNotice(advice ?? adviceFor(error), this.#ways(flow)));
  }

  #ways(flow: PhotoFlow): Child {
    const label = flow.photo ? "Send it again" : "Try again";
    const again = button({ label, icon: "refresh", onPress: () => void this.#shoot() });
    if (!flow.photo) return again;
    const other = button({ label: "Take another", onPress: () => this.#another() });
    return [again, other];
  }

  #another(): void {
    this.#app.photos.delete(this.#thingName);
    this.#dropThumbnail();
    void this.#shoot();
  }

  #dropThumbnail(): void {
    if (this.#thumbnail) URL.revokeObjectURL(this.#thumbnail);
    this.#thumbnail = undefined;
  }

  /** The picture goes on without this screen; who comes back finds it as far as it has come. */
  #left(): void {
    this.#dropThumbnail();
  }
}
