import { ownMember } from "../../../own-member.ts";
import { adviceFor } from "../../advice.ts";
import type { LiveCamera, ShadowState } from "../../live-camera.ts";
import { fill, h, uniqueId } from "../dom.ts";
import { icon } from "../icon.ts";

type Value = string | number;

/** A setting of the shadow (modules/app/README.md): what it is called here, and what it may be. */
interface Setting {
  name: string;
  label: string;
  values: [value: Value, label: string][];
  isMore?: boolean;
}

const span = (from: number, to: number): [Value, string][] =>
  Array.from({ length: to - from + 1 }, (_, i) => [
    from + i,
    from + i > 0 && from < 0 ? `+${from + i}` : `${from + i}`,
  ]);
const named = (...values: string[]): [Value, string][] =>
  values.map((value) => [value, value[0].toUpperCase() + value.slice(1)]);

const settings: Setting[] = [
  {
    name: "captureInterval",
    label: "Take pictures by itself",
    values: [
      [0, "Never"],
      [60, "Every minute"],
      [600, "Every 10 minutes"],
      [3600, "Every hour"],
      [21_600, "Every 6 hours"],
      [86_400, "Every day"],
    ],
  },
  {
    name: "resolution",
    label: "Size",
    values: ["QVGA", "VGA", "HD", "UXGA", "FHD", "QXGA", "WQXGA2"].map((name) => [name, name]),
  },
  {
    name: "quality",
    label: "Quality",
    values: [
      ["high", "High"],
      ["default", "Standard"],
      ["low", "Low"],
    ],
  },
  {
    name: "rotation",
    label: "Turned",
    values: [
      [0, "Upright"],
      [180, "Upside down"],
    ],
  },
  { name: "brightness", label: "Brightness", values: span(-4, 4), isMore: true },
  { name: "contrast", label: "Contrast", values: span(-3, 3), isMore: true },
  { name: "saturation", label: "Saturation", values: span(-3, 3), isMore: true },
  { name: "exposureCompensation", label: "Exposure", values: span(-3, 3), isMore: true },
  { name: "sharpness", label: "Sharpness", values: span(0, 8), isMore: true },
  {
    name: "whiteBalance",
    label: "White balance",
    values: named("auto", "sunny", "office", "cloudy", "home"),
    isMore: true,
  },
  {
    name: "effect",
    label: "Effect",
    values: named("none", "cool", "warm", "monochrome", "sepia", "negative", "green", "yellow"),
    isMore: true,
  },
  {
    name: "telemetryInterval",
    label: "Report its state",
    values: [
      [30, "Every 30 seconds"],
      [60, "Every minute"],
      [300, "Every 5 minutes"],
      [3600, "Every hour"],
    ],
    isMore: true,
  },
  {
    name: "keepAlive",
    label: "Sign of life",
    values: [
      [0, "As the network needs it"],
      [30, "Every 30 seconds"],
      [60, "Every minute"],
      [300, "Every 5 minutes"],
      [1200, "Every 20 minutes"],
    ],
    isMore: true,
  },
];

const refusals: Record<string, string> = {
  UnknownSetting: "this camera's firmware does not know it",
  WrongType: "this camera does not take that value",
  OutOfRange: "this camera does not take that value",
  NotSupported: "this model of camera cannot do it",
  StorageFailed: "its storage failed; try again",
};

/** The settings in the camera's shadow. Each says by itself whether the camera has it already, or why it will not. */
export class SettingsCard {
  readonly element: HTMLElement;
  #live: LiveCamera;
  #rows = new Map<string, SettingRow>();
  #note = h("p", { class: "small soft" });

  constructor(live: LiveCamera) {
    this.#live = live;
    const rows = (isMore: boolean) => settings.filter((setting) => (setting.isMore ?? false) === isMore).map(this.#row);
    this.element = h(
      "section",
      { class: "card stack tight", "aria-label": "Settings" },
      h("h2", {}, "Settings"),
      this.#note,
      rows(false),
      h("details", { class: "more" }, h("summary", {}, icon("forward"), "More settings"), rows(true)),
    );
    this.update();
  }

  #row = (setting: Setting): HTMLElement => {
    const row = new SettingRow(setting, (value) => this.#live.updateSettings({ [setting.name]: value }));
    this.#rows.set(setting.name, row);
    return row.element;
  };

  update(): void {
    const { shadow, online } = this.#live.state;
    const isKnown = shadow !== undefined && Object.keys(shadow.reported).length > 0;
    const unknown = "The camera has not told its settings yet; they show up when it is online.";
    const offline = "Changes wait in the cloud until the camera is online again.";
    fill(this.#note, !isKnown ? unknown : online === false ? offline : undefined);
    this.#note.hidden = isKnown && online !== false;
    for (const row of this.#rows.values()) row.update(shadow);
  }
}

/** One setting, and where the wish for it stands. */
class SettingRow {
  readonly element: HTMLElement;
  #setting: Setting;
  #save: (value: Value) => Promise<unknown>;
  #select: HTMLSelectElement;
  #state = h("p", { class: "state", role: "status" });
  #problem?: string;
  #shadow?: ShadowState;

  constructor(setting: Setting, save: (value: Value) => Promise<unknown>) {
    this.#setting = setting;
    this.#save = save;
    const id = uniqueId(setting.name);
    this.#select = h("select", { id, class: "input", name: setting.name, on: { change: () => void this.#changed() } });
    this.element = h("div", { class: "setting" }, h("label", { for: id }, setting.label), this.#select, this.#state);
    this.#fill(undefined);
  }

  update(shadow: ShadowState | undefined): void {
    this.#shadow = shadow;
    const { name } = this.#setting;
    const isLacking = shadow !== undefined && Object.keys(shadow.reported).length > 0 && !(name in shadow.reported);
    this.element.hidden = isLacking;
    const wish = shadow?.delta[name] as Value | undefined;
    this.#fill(wish ?? (shadow?.reported[name] as Value | undefined));
    this.#tell();
  }

  /** A value that somebody set elsewhere shows as well. */
  #fill(value: Value | undefined): void {
    if (document.activeElement === this.#select && this.#select.value === String(value)) return;
    const { values } = this.#setting;
    const isListed = value === undefined || values.some(([each]) => each === value);
    const all = isListed ? values : [...values, [value, String(value)] as [Value, string]];
    fill(
      this.#select,
      value === undefined && h("option", { value: "" }, "—"),
      all.map(([each, label]) => h("option", { value: String(each), selected: each === value }, label)),
    );
  }

  #tell(): void {
    const { name } = this.#setting;
    const wish = this.#shadow?.delta[name];
    const refusal = this.#refusal();
    const problem = this.#problem ?? (refusal && `Refused: ${ownMember(refusals, refusal) ?? refusal}.`);
    this.#state.classList.toggle("refused", Boolean(problem));
    if (problem) fill(this.#state, problem);
    else if (wish !== undefined)
      fill(this.#state, h("span", { class: "spinner", "aria-hidden": "true" }), "Waits for the camera");
    else fill(this.#state);
    this.#state.hidden = !problem && wish === undefined;
  }

  #refusal(): string | undefined {
    const errors = this.#shadow?.reported.errors;
    if (!Array.isArray(errors) || this.#shadow?.delta[this.#setting.name] === undefined) return undefined;
    return errors.find(({ setting }) => setting === this.#setting.name)?.code;
  }

  async #changed(): Promise<void> {
    const chosen = this.#setting.values.find(([value]) => String(value) === this.#select.value)?.[0];
    if (chosen === undefined) return;
    this.#problem = undefined;
    fill(this.#state, h("span", { class: "spinner", "aria-hidden": "true" }), "Saving…");
    this.#state.hidden = false;
    try {
      await this.#save(chosen);
    } catch (error) {
      const { what, next } = adviceFor(error);
      this.#problem = `${what} ${next}`;
      this.#tell();
    }
  }
}
