import type { LiveCamera, LiveState } from "../../live-camera.ts";
import type { BoundCamera } from "../../phone-cloud.ts";
import type { App } from "../app/app.ts";
import { follow, onlinePill } from "../app/live.ts";
import type { Screen, ScreenMaker } from "../app/screen.ts";
import { type Child, fill, h } from "../dom.ts";
import { ago, bytes, duration } from "../format.ts";
import { icon } from "../icon.ts";
import { button, buttonLink } from "../parts/button.ts";
import { confirm } from "../parts/dialog.ts";
import { failureNotice } from "../parts/failure.ts";
import { emptyState, notice } from "../parts/notice.ts";
import { signalName } from "../parts/signal.ts";
import { go } from "../router.ts";
import { PhotoCard } from "./camera-photo.ts";
import { SettingsCard } from "./camera-settings.ts";

/** Milliseconds. */
const lookInterval = 15_000;

/** One camera: how it is, its settings, and pictures. */
export const cameraScreen: ScreenMaker = (app, thingName, signal) => {
  if (!thingName) {
    go("cameras", undefined, { replace: true });
    return;
  }
  return new CameraPage(app, thingName, signal).screen;
};

class CameraPage {
  readonly screen: Screen;
  #app: App;
  #thingName: string;
  #live: LiveCamera;
  #heading = h("h1", {}, "Camera");
  #pill = h("span");
  #body = h("div", { class: "columns" });
  #facts = h("dl", { class: "facts" });
  #offline = h("div");
  #report = h("p", { class: "tiny soft" });
  #settings: SettingsCard;
  #photo: PhotoCard;
  #problem = h("div");

  constructor(app: App, thingName: string, signal: AbortSignal) {
    this.#app = app;
    this.#thingName = thingName;
    this.#live = follow(app.cloud, thingName);
    this.#photo = new PhotoCard(app, thingName, signal);
    this.#settings = new SettingsCard(this.#live);
    this.screen = { title: "Camera", tab: "cameras", element: this.#element() };
    signal.addEventListener(
      "abort",
      this.#live.on("change", () => this.#show()),
    );
    // A picture that the camera took by itself, or for another phone.
    signal.addEventListener(
      "abort",
      this.#live.on("photo", () => this.#announced()),
    );
    const tick = setInterval(() => this.#lookAgain(), lookInterval);
    signal.addEventListener("abort", () => clearInterval(tick));
    this.#show();
    void this.#open(signal);
  }

  #element(): HTMLElement {
    fill(
      this.#body,
      this.#photo.element,
      h(
        "div",
        { class: "stack" },
        h(
          "section",
          { class: "card stack", "aria-label": "State" },
          h("h2", {}, "State"),
          this.#offline,
          this.#facts,
          this.#report,
        ),
        this.#settings.element,
        button({ label: "Remove this camera", icon: "trash", kind: "danger", onPress: () => this.#remove() }),
        this.#problem,
      ),
    );
    return h(
      "div",
      { class: "screen" },
      h(
        "div",
        { class: "head" },
        h("div", {}, h("a", { class: "crumb", href: "#/cameras" }, icon("back"), "Cameras"), this.#heading),
        this.#pill,
      ),
      this.#body,
    );
  }

  /** Whether it is this person's, and its name. */
  async #open(signal: AbortSignal): Promise<void> {
    try {
      const camera = (await this.#app.cloud.cameras()).find(({ thingName }) => thingName === this.#thingName);
      if (signal.aborted) return;
      if (camera) this.#name(camera);
      else this.#missing();
    } catch (error) {
      if (signal.aborted) return;
      const again = button({ label: "Try again", icon: "refresh", onPress: () => this.#open(signal) });
      fill(this.#problem, failureNotice(error, again));
    }
  }

  #name({ name }: BoundCamera): void {
    fill(this.#heading, name);
    fill(this.#problem);
    document.title = `${name} · Devicelink`;
  }

  #missing(): void {
    this.#body.className = "";
    this.#pill.hidden = true;
    fill(this.#heading, "Not your camera");
    fill(
      this.#body,
      emptyState({
        art: icon("lock"),
        title: "This camera is not in your account",
        text: "It was removed, or it belongs to somebody else. Its owner has to remove it before you can add it.",
        action: buttonLink({ label: "To your cameras", href: "#/cameras", kind: "primary" }),
      }),
    );
  }

  #show(): void {
    const { state } = this.#live;
    fill(this.#pill, onlinePill(state));
    fill(this.#facts, facts(state, this.#app.setup.linkTo(this.#thingName) !== undefined));
    fill(this.#offline, state.online === false && whatToDoOffline());
    fill(this.#report, state.online && !state.telemetry && untilReport(state));
    this.#settings.update();
  }

  /** Times go on, and a camera that did not answer may do so by now. */
  #lookAgain(): void {
    this.#show();
    if (this.#live.state.online === false) this.#live.refresh().catch(() => {});
  }

  #announced(): void {
    if (!this.#photo.isBusy) void this.#photo.showLast();
  }

  async #remove(): Promise<void> {
    const isSure = await confirm({
      title: "Remove this camera?",
      text: "It stops working until somebody adds it again: its certificate is switched off. Its pictures stay in your gallery.",
      yes: "Remove",
      danger: true,
    });
    if (!isSure) return;
    try {
      await this.#app.cloud.release(this.#thingName);
      this.#app.photos.delete(this.#thingName);
      this.#app.announcer.note("The camera is removed.");
      go("cameras");
    } catch (error) {
      fill(this.#problem, failureNotice(error));
    }
  }
}

function facts({ telemetry, lastSeen, shadow }: LiveState, isLinked: boolean): Child {
  const { RSSI, uptime, freeMemory, firmware } = (telemetry ?? {}) as Record<string, number | string | undefined>;
  const interval = shadow?.reported.captureInterval;
  const entries: [string, Child][] = [
    ["Wi-Fi", typeof RSSI === "number" ? `${cap(signalName(RSSI))}, ${RSSI} dBm` : "—"],
    ["Running for", typeof uptime === "number" ? duration(uptime) : "—"],
    ["Heard", lastSeen ? ago(new Date(lastSeen)) : "Not yet"],
    ["Takes pictures", typeof interval === "number" && interval > 0 ? `Every ${duration(interval)}` : "When asked"],
    ["Firmware", firmware ?? "—"],
    ["Bluetooth", isLinked ? "Linked" : "Not linked"],
  ];
  if (typeof freeMemory === "number") entries.push(["Free memory", bytes(freeMemory)]);
  return entries.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)));
}

/** Reports come at a steady pace; whoever looks in between has to wait for the next one. */
function untilReport({ shadow }: LiveState): string {
  const interval = shadow?.reported.telemetryInterval;
  const pace = typeof interval === "number" ? `every ${duration(interval)}` : "from time to time";
  return `The camera reports signal and running time ${pace}; the next report brings them.`;
}

const cap = (text: string) => text[0].toUpperCase() + text.slice(1);

const whatToDoOffline = () =>
  notice({
    kind: "warn",
    title: "The camera is offline",
    text: "See that it has power and that its Wi-Fi works. With a new Wi-Fi, add it again: it keeps its pictures and settings.",
    actions: buttonLink({ label: "Give it another Wi-Fi", href: "#/add" }),
  });
