import { adviceFor } from "../../advice.ts";
import type { UploadProgress } from "../../camera-commands.ts";
import type { Picture } from "../../gallery.ts";
import type { LiveCamera } from "../../live-camera.ts";
import type { PhotoFlow, PhotoStepName } from "../../photo-flow.ts";
import type { App } from "../app/app.ts";
import { PhotoRun } from "../app/photo-run.ts";
import { isLeft, isUnderWay, sendLeft, watchUpload } from "../app/upload-watch.ts";
import { type Child, fill, h } from "../dom.ts";
import { bytes, bytesOf, cutWords, dayAndTime } from "../format.ts";
import { icon } from "../icon.ts";
import { button, buttonLink, setBusy } from "../parts/button.ts";
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
  #take = button({ label: "Take picture", icon: "camera", kind: "primary", onPress: () => this.#shoot() });
  #stop = button({ label: "Stop", onPress: () => this.#run?.stop() });
  #unfollow = () => {};
  /** Key of the picture, or address of the thumbnail, that the frame shows. */
  #shown?: string;

  constructor(app: App, thingName: string, signal: AbortSignal) {
    this.#app = app;
    this.#thingName = thingName;
    this.#signal = signal;
    this.#stop.hidden = true;
    const all = buttonLink({ label: "All pictures", href: "#/gallery", kind: "quiet" });
    const row = h("div", { class: "row" }, this.#take, this.#stop, all);
    const under = h("div", { class: "under" }, this.#caption, this.#status, row);
    this.element = h("section", { class: "card stage-card", "aria-label": "Picture" }, this.#frame, under);
    signal.addEventListener("abort", () => this.#unfollow());
    if (this.#run && (this.isBusy || this.#run.error)) this.#follow(this.#run);
    else void this.showLast().then(() => this.#resume());
  }

  /** The newest picture of this camera that is in the bucket. */
  async showLast(): Promise<void> {
    const picture = await this.#app.cloud.gallery.last(this.#thingName, this.#signal).catch(() => undefined);
    if (picture && !this.isBusy) await this.#showStored(picture);
  }

  get isBusy(): boolean {
    return this.#run?.isRunning === true;
  }

  get #live(): LiveCamera {
    return this.#app.cloud.live(this.#thingName);
  }

  get #run(): PhotoRun | undefined {
    return this.#app.photos.get(this.#thingName);
  }

  #shoot(): void {
    if (this.isBusy) return;
    const { cloud, setup, photos } = this.#app;
    const thingName = this.#thingName;
    const before = this.#run;
    const run =
      before?.flow.photo && !before.flow.picture
        ? before
        : new PhotoRun({ cloud, thingName, client: setup.linkTo(thingName) });
    photos.set(thingName, run);
    this.#follow(run);
    run.start();
  }

  #follow(run: PhotoRun): void {
    this.#unfollow();
    this.#unfollow = run.on("change", () => this.#show(run));
    this.#show(run);
  }

  #show(run: PhotoRun): void {
    const { flow, isRunning, error } = run;
    setBusy(this.#take, isRunning);
    if (!isRunning && document.activeElement === this.#stop) this.#take.focus();
    this.#stop.hidden = !isRunning;
    if (flow.picture) {
      if (this.#shown === flow.picture.key) return;
      void this.#showStored(flow.picture);
      this.#app.announcer.say("The picture is in the gallery.");
    } else {
      if (flow.thumbnail) this.#showThumbnail(flow);
      if (isRunning) this.#showProgress(flow);
      else if (error) this.#showFailure(flow, error);
    }
  }

  #showProgress({ steps, progress }: PhotoFlow): void {
    const active = steps.find(({ state }) => state === "active");
    if (!active) return;
    const isUpload = active.name === "upload" && progress;
    this.#measure(words[active.name], isUpload ? progress : undefined);
  }

  #measure(label: string, progress?: { sent: number; total: number }): void {
    const figure = progress && bytesOf(progress.sent, progress.total);
    this.#progress.set({ label, figure, part: progress?.sent, total: progress?.total });
    if (!this.#status.contains(this.#progress.element)) fill(this.#status, this.#progress.element);
    this.#app.announcer.say(label);
  }

  #showThumbnail({ thumbnail, photo, transport }: PhotoFlow): void {
    if (!thumbnail || !photo || this.#shown === photo.imageId) return;
    this.#shown = photo.imageId;
    const src = URL.createObjectURL(new Blob([thumbnail as BlobPart], { type: "image/jpeg" }));
    const on = { load: () => URL.revokeObjectURL(src) };
    fill(this.#frame, h("img", { class: "preview", src, alt: "Thumbnail of the new picture", on }));
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
      const state = this.#app.pictures.isCut(picture) ? cutWords : "in the gallery";
      fill(this.#caption, `${when} · ${bytes(picture.bytes)} · ${state}`);
    } catch (error) {
      if (!this.#signal.aborted) fill(this.#status, failureNotice(error));
    }
  }

  #showFailure(flow: PhotoFlow, error: unknown): void {
    if (isCancelled(error)) {
      const text = flow.photo && "The camera may still send what it has taken; it shows up in the gallery then.";
      fill(this.#status, notice({ title: "Stopped", text }));
      return;
    }
    const { advice } = flow.steps.find(({ state }) => state === "failed") ?? {};
    fill(this.#status, adviceNotice(advice ?? adviceFor(error), this.#ways(flow)));
  }

  #ways(flow: PhotoFlow): Child {
    const again = (label: string) => button({ label, icon: "refresh", onPress: () => this.#shoot() });
    if (!flow.photo) return again("Try again");
    return [again("Send it again"), button({ label: "Take another", onPress: () => this.#another() })];
  }

  #another(): void {
    this.#app.photos.delete(this.#thingName);
    this.#shoot();
  }

  /** A picture that was on its way when the page was loaded, or that the camera takes by itself. */
  async #resume(): Promise<void> {
    let wasUnderWay = false;
    try {
      for await (const progress of watchUpload(this.#live, this.#signal)) {
        if (this.isBusy) return;
        if (isUnderWay(progress)) {
          wasUnderWay = true;
          this.#measure("A picture is on its way…", progress);
        } else if (isLeft(progress)) this.#offerLeft(progress);
        else if (wasUnderWay) await this.showLast();
      }
    } catch {
      // A camera that does not answer says so by its state.
      if (wasUnderWay && !this.isBusy) fill(this.#status);
    }
  }

  /** The page was left between the shutter and the upload. */
  #offerLeft(progress: UploadProgress): void {
    const send = button({ label: "Send it", onPress: () => this.#sendLeft(progress) });
    const text = `It was taken, and its ${bytes(progress.total)} have not been sent yet.`;
    fill(this.#status, notice({ title: "A picture is still in the camera", text, actions: send }));
  }

  async #sendLeft(progress: UploadProgress): Promise<void> {
    try {
      await sendLeft(this.#live, progress, this.#signal);
      await this.#resume();
    } catch (error) {
      if (!this.#signal.aborted) fill(this.#status, failureNotice(error));
    }
  }
}
