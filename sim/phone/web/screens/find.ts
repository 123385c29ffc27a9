import { adviceFor } from "../../advice.ts";
import { type CameraLabel, groupedProof, parseLabel, readProof } from "../../label.ts";
import type { App } from "../app/app.ts";
import type { Screen, ScreenMaker } from "../app/screen.ts";
import { fill, h } from "../dom.ts";
import { icon } from "../icon.ts";
import { button, setDisabled } from "../parts/button.ts";
import { failureNotice, isCancelled } from "../parts/failure.ts";
import { field } from "../parts/field.ts";
import { meter } from "../parts/meter.ts";
import { notice } from "../parts/notice.ts";
import { QRReader } from "../parts/qr-reader.ts";
import { sticker } from "../parts/sticker.ts";
import { trail } from "../parts/trail.ts";
import { go } from "../router.ts";
import { CameraList } from "./find-list.ts";

/** Which camera, and the proof that the person holds it in the hand. Ends with a secure session. */
export const findScreen: ScreenMaker = (app, _, signal) => new Find(app, signal).screen;

class Find {
  readonly screen: Screen;
  #app: App;
  #signal: AbortSignal;
  #list: CameraList;
  #proof;
  #label;
  #connect;
  #status = h("div", { class: "stack tight" });
  #connecting?: AbortController;

  constructor(app: App, signal: AbortSignal) {
    this.#app = app;
    this.#signal = signal;
    const { draft } = app.setup;
    this.#list = new CameraList(app, signal);
    this.#proof = field({
      label: "Proof of possession",
      name: "proof",
      hint: "On the camera's label, such as abcd-efgh-jkmn-pqrs. It shows the camera that you have it in your hands, and is kept nowhere.",
      attributes: { autocomplete: "off", autocapitalize: "none", spellcheck: "false", required: true },
    });
    this.#label = field({
      label: "Name (optional)",
      name: "label",
      value: draft.label,
      hint: "Such as Kitchen or Bird house.",
      attributes: { autocomplete: "off", maxlength: 60, autocapitalize: "sentences" },
    });
    this.#connect = button({ label: "Connect", type: "submit", kind: "primary", block: true });
    signal.addEventListener("abort", () => this.#connecting?.abort());
    this.screen = { title: "Find camera", element: this.#element() };
  }

  #element(): HTMLElement {
    const { camera } = this.#app.setup.draft;
    return h(
      "div",
      { class: "screen narrow" },
      trail("Find"),
      h(
        "div",
        { class: "stack tight" },
        h("h1", {}, "Find your camera"),
        h("p", { class: "lead" }, "Switch it on and stay within a few metres."),
      ),
      camera &&
        notice({
          title: `Going on with ${camera}`,
          text: "Type the proof of possession once more: it was not kept. What is done already is not done again.",
        }),
      this.#list.element,
      h(
        "form",
        { class: "stack", novalidate: true, on: { submit: (event) => this.#submitted(event) } },
        this.#simulatedLabel(),
        labelReader((text) => this.#readLabel(text), this.#signal),
        this.#proof.element,
        this.#label.element,
        this.#status,
        this.#connect,
        button({ label: "Cancel", kind: "quiet", block: true, onPress: () => this.#cancel() }),
      ),
    );
  }

  /** @returns what is wrong with the label, if anything */
  #readLabel(text: string): string | undefined {
    try {
      this.#useLabel(parseLabel(text));
    } catch (error) {
      const { what, next } = adviceFor(error);
      return `${what} ${next}`;
    }
  }

  #useLabel({ name, proofOfPossession }: CameraLabel): void {
    this.#list.choose(name);
    this.#proof.value = groupedProof(proofOfPossession);
    this.#proof.problem();
    this.#app.announcer.say(`Label of ${name} read.`);
    this.#connect.focus();
  }

  /** In the simulator there is nothing to hold in the hand. */
  #simulatedLabel(): HTMLElement | undefined {
    const { label } = this.#app.settings.simulator ?? {};
    if (!label) return undefined;
    const lines: [string, string][] = [
      ["Name", label.name],
      ["Proof of possession", groupedProof(label.proofOfPossession)],
    ];
    return sticker({ title: "Label of the simulated camera", lines, use: () => this.#useLabel(label) });
  }

  #submitted(event: Event): void {
    event.preventDefault();
    if (this.#connecting) return;
    const { camera, transport } = this.#list;
    const proofOfPossession = readProof(this.#proof.value);
    if (!camera || !transport) {
      const text = "Choose it in the list above, or read its label.";
      fill(this.#status, notice({ kind: "warn", title: "Which camera?", text }));
    } else if (!proofOfPossession) this.#proof.problem("Type it from the camera's label.");
    else void this.#run({ camera, transport, proofOfPossession, label: this.#label.value.trim() || undefined });
  }

  async #run(chosen: Parameters<App["setup"]["begin"]>[1]): Promise<void> {
    const connecting = new AbortController();
    this.#connecting = connecting;
    setDisabled(this.#connect, true);
    const progress = meter();
    const stop = button({ label: "Stop", onPress: () => connecting.abort() });
    fill(this.#status, progress.element, stop);
    try {
      await this.#list.stop();
      progress.set({ label: `Connecting to ${chosen.camera}…` });
      this.#app.announcer.say(`Connecting to ${chosen.camera}`);
      const flow = await this.#app.setup.begin(this.#app.cloud, chosen);
      const end = flow.on("change", () => {
        const isLinked = flow.steps.find(({ name }) => name === "connect")?.state === "done";
        if (isLinked) progress.set({ label: "Opening a secure session…" });
      });
      await flow.run({ until: "session", signal: connecting.signal }).finally(end);
      if (!this.#signal.aborted) go("wifi");
    } catch (error) {
      if (!this.#signal.aborted) this.#failed(error);
    } finally {
      this.#connecting = undefined;
      setDisabled(this.#connect, false);
    }
  }

  #failed(error: unknown): void {
    const hadFocus = this.#status.contains(document.activeElement);
    fill(this.#status);
    if (hadFocus) this.#connect.focus();
    if (isCancelled(error)) return;
    const { what, next, action, wait } = adviceFor(error);
    const patience = wait ? ` It takes another proof in ${Math.ceil(wait / 1000)} s.` : "";
    if (action === "label") this.#proof.problem(`${what} ${next}${patience}`);
    else fill(this.#status, failureNotice(error));
  }

  async #cancel(): Promise<void> {
    this.#connecting?.abort();
    await this.#app.setup.abandon();
    go("cameras");
  }
}

/** The label's QR code, by the camera of this phone or computer, or its text. */
function labelReader(read: (text: string) => string | undefined, signal: AbortSignal): HTMLElement {
  const text = field({
    label: "What the label's QR code says",
    name: "label-text",
    multiline: true,
    hint: 'Such as {"ver":"v1","name":"PROV_0A1B2C","pop":"…","transport":"ble"}',
    attributes: { autocomplete: "off" },
  });
  const found = (content: string) => {
    const problem = read(content);
    text.value = problem ? content : "";
    text.problem(problem);
    if (!problem) details.open = false;
  };
  const reader = new QRReader(found, signal);
  const use = button({ label: "Use this text", onPress: () => found(text.value) });
  const scan = button({ label: "Scan the code", icon: "qr", onPress: () => reader.start() });
  const details = h(
    "details",
    { class: "more" },
    h("summary", {}, icon("forward"), "Read the label's QR code"),
    h("div", { class: "stack" }, QRReader.isPossible && scan, reader.element, text.element, h("div", {}, use)),
  );
  details.addEventListener("toggle", () => {
    if (!details.open) reader.stop();
  });
  return details;
}
