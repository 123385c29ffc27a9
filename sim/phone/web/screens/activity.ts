import type { ActivityChannel, ActivityEntry } from "../../activity.ts";
import type { App } from "../app/app.ts";
import type { ScreenMaker } from "../app/screen.ts";
import { fill, h, oncePerFrame } from "../dom.ts";
import { timeWithSeconds } from "../format.ts";
import { icon } from "../icon.ts";
import { button } from "../parts/button.ts";
import { emptyState } from "../parts/notice.ts";

const channels: Record<ActivityChannel, string> = {
  bluetooth: "Bluetooth",
  mqtt: "MQTT",
  s3: "S3",
  iot: "IoT",
  cognito: "Cognito",
};
const arrows: Record<ActivityEntry["direction"], [sign: string, words: string]> = {
  out: ["→", "sent"],
  in: ["←", "received"],
  note: ["·", "note"],
};

/** What went between phone, camera and cloud, newest first, for people who want to see how it works or why it does not. */
export const activityScreen: ScreenMaker = (app, _, signal) => {
  const timeline = new Timeline(app);
  signal.addEventListener("abort", app.activity.on("entry", timeline.changed));
  return { title: "Activity", tab: "activity", element: timeline.element };
};

class Timeline {
  readonly element: HTMLElement;
  #app: App;
  #shown = new Set<ActivityChannel>(Object.keys(channels) as ActivityChannel[]);
  /** What there was when the person pressed Pause. */
  #frozen?: readonly ActivityEntry[];
  #list = h("div");
  #pause;

  constructor(app: App) {
    this.#app = app;
    this.#pause = button({ label: "Pause", icon: "pause", onPress: () => this.#toggle() });
    this.#pause.setAttribute("aria-pressed", "false");
    const copy = button({ label: "Copy", icon: "copy", onPress: () => this.#copy() });
    this.element = h(
      "div",
      { class: "screen" },
      h(
        "div",
        { class: "head" },
        h(
          "div",
          {},
          h("h1", {}, "Activity"),
          h(
            "p",
            { class: "lead" },
            "What goes between this page, your cameras and the cloud. Never passwords, keys or signatures.",
          ),
        ),
        h("div", { class: "row" }, this.#pause, copy),
      ),
      h("div", { class: "chips", role: "group", "aria-label": "Show" }, this.#chips()),
      this.#list,
    );
    this.#show();
  }

  readonly changed = oncePerFrame(() => {
    if (!this.#frozen) this.#show();
  });

  get #entries(): ActivityEntry[] {
    return (this.#frozen ?? this.#app.activity.entries).filter(({ channel }) => this.#shown.has(channel));
  }

  #chips(): HTMLElement[] {
    return (Object.keys(channels) as ActivityChannel[]).map((channel) => {
      const chip = h("button", { type: "button", class: "chip", "aria-pressed": "true" }, channels[channel]);
      chip.addEventListener("click", () => {
        if (!this.#shown.delete(channel)) this.#shown.add(channel);
        chip.setAttribute("aria-pressed", String(this.#shown.has(channel)));
        this.#show();
      });
      return chip;
    });
  }

  #show(): void {
    const entries = this.#entries.reverse();
    const label = "Messages, newest first";
    fill(
      this.#list,
      entries.length ? h("ol", { class: "log card", "aria-label": label }, entries.map(row)) : this.#nothing(),
    );
  }

  #nothing(): HTMLElement {
    const isFiltered = this.#app.activity.entries.length > 0;
    const text = isFiltered
      ? "Switch another kind of message on above."
      : "Add a camera or take a picture: each message shows up here at once.";
    return emptyState({ art: icon("activity"), title: isFiltered ? "Nothing of this kind" : "Nothing yet", text });
  }

  #toggle(): void {
    this.#frozen = this.#frozen ? undefined : [...this.#app.activity.entries];
    this.#pause.setAttribute("aria-pressed", String(Boolean(this.#frozen)));
    fill(this.#pause, icon(this.#frozen ? "play" : "pause"), h("span", {}, this.#frozen ? "Go on" : "Pause"));
    this.#show();
  }

  async #copy(): Promise<void> {
    const text = this.#entries.map(line).join("\n");
    try {
      await navigator.clipboard.writeText(text);
      this.#app.announcer.note("Copied. It has no passwords, keys or signatures in it.");
    } catch {
      this.#app.announcer.note("The browser does not allow copying here.");
    }
  }
}

function row(entry: ActivityEntry): HTMLElement {
  const [sign, words] = arrows[entry.direction];
  const when = new Date(entry.time);
  return h(
    "li",
    {},
    h("time", { class: "figures soft", datetime: when.toISOString() }, timeWithSeconds(when)),
    h("span", { class: "channel" }, channels[entry.channel]),
    h(
      "span",
      { class: "text" },
      h("span", { "aria-hidden": "true" }, `${sign} `),
      h("span", { class: "hidden-visually" }, `${words}: `),
      entry.text,
    ),
    entry.detail !== undefined && h("code", { class: "detail" }, detail(entry)),
  );
}

const detail = ({ detail: content }: ActivityEntry) =>
  typeof content === "string" ? content : JSON.stringify(content);

function line(entry: ActivityEntry): string {
  const parts = [new Date(entry.time).toISOString(), channels[entry.channel], arrows[entry.direction][0], entry.text];
  return [...parts, ...(entry.detail === undefined ? [] : [detail(entry)])].join("  ");
}
