import type { FoundCamera } from "../../gatt.ts";
import type { App } from "../app/app.ts";
import { type Transport, transportsFor } from "../app/bluetooth.ts";
import { type Child, h, refill } from "../dom.ts";
import { icon } from "../icon.ts";
import { button } from "../parts/button.ts";
import { failureNotice, isCancelled } from "../parts/failure.ts";
import { notice, waiting } from "../parts/notice.ts";
import { RadioList } from "../parts/radio-list.ts";
import { signal as signalBars, signalName } from "../parts/signal.ts";

const names: Record<Transport, [name: string, hint: string]> = {
  radio: ["The simulator's radio", "Cameras that run on this machine"],
  bluetooth: ["Bluetooth", "Real cameras near this device"],
};
const scanTime = 8000;

/** Which way to look, and the cameras that are found there. */
export class CameraList {
  readonly element: HTMLElement;
  readonly transports: Transport[];
  #app: App;
  #signal: AbortSignal;
  #transport: Transport | undefined;
  #found = new Map<string, FoundCamera>();
  #cameras: RadioList;
  #status = h("div", { class: "stack tight" });
  #scanning?: AbortController;

  constructor(app: App, signal: AbortSignal) {
    this.#app = app;
    this.#signal = signal;
    this.transports = transportsFor(app.settings);
    const { draft } = app.setup;
    this.#transport =
      draft.transport && this.transports.includes(draft.transport) ? draft.transport : this.transports[0];
    this.#cameras = new RadioList("Cameras nearby");
    this.element = h("div", { class: "stack" }, this.#choice(), this.#cameras.element, this.#status);
    signal.addEventListener("abort", () => this.#scanning?.abort());
    this.#idle();
    if (draft.camera) this.choose(draft.camera);
    this.#begin();
  }

  get transport(): Transport | undefined {
    return this.#transport;
  }

  get camera(): string | undefined {
    return this.#cameras.value;
  }

  /** Also one that has not been heard yet, such as from a label. */
  choose(name: string): void {
    if (!this.#found.has(name)) this.#found.set(name, { name, id: name });
    this.#cameras.value = name;
    this.#show();
  }

  /** Before a connection: one thing at a time on the air. */
  async stop(): Promise<void> {
    this.#scanning?.abort();
  }

  #choice(): Child {
    if (this.transports.length < 2) return undefined;
    const choice = new RadioList("How to reach it", (transport) => this.#changed(transport as Transport));
    const items = this.transports.map((transport) => ({ value: transport, content: transportWords(transport) }));
    choice.value = this.#transport;
    choice.show(items);
    return choice.element;
  }

  #changed(transport: Transport): void {
    this.#transport = transport;
    this.#scanning?.abort();
    this.#scanning = undefined;
    this.#found.clear();
    this.#show();
    this.#idle();
    this.#begin();
  }

  /** What needs no click. */
  #begin(): void {
    if (this.#transport === "radio") void this.#scan();
    else if (this.#transport === "bluetooth") void this.#recall();
  }

  /** Cameras that the browser lets this page use since an earlier visit. */
  async #recall(): Promise<void> {
    const client = await this.#app.setup.client("bluetooth");
    const cameras = await client.remembered();
    if (this.#signal.aborted || this.#transport !== "bluetooth" || !cameras.length) return;
    for (const camera of cameras) if (!this.#found.has(camera.name)) this.#found.set(camera.name, camera);
    this.#show();
    if (!this.#scanning) this.#idle();
  }

  /** What can be done while nothing is going on. */
  #idle(problem?: unknown): void {
    if (!this.#transport) {
      refill(this.#status, noBluetooth());
      return;
    }
    const label = this.#transport === "radio" ? "Look again" : "Choose a camera…";
    const kind = this.#transport === "radio" ? undefined : "primary";
    const name = this.#transport === "radio" ? "refresh" : "bluetooth";
    const look = button({
      label,
      icon: name,
      kind: this.#found.size ? undefined : kind,
      onPress: () => void this.#scan(),
    });
    refill(this.#status, problem ? failureNotice(problem, look) : [this.#nothing(), h("div", {}, look)]);
  }

  #nothing(): Child {
    if (this.#found.size) return undefined;
    if (this.#transport === "bluetooth")
      return h("p", { class: "soft" }, "The browser shows the cameras that it hears; choose yours there.");
    const text = "Is it switched on? A camera that was just started needs a few seconds.";
    return notice({ kind: "warn", title: "No camera heard", text });
  }

  async #scan(): Promise<void> {
    const transport = this.#transport;
    if (!transport) return;
    const scanning = new AbortController();
    this.#scanning = scanning;
    const { signal } = scanning;
    refill(
      this.#status,
      h(
        "div",
        { class: "row spread" },
        waiting("Looking for cameras…"),
        button({ label: "Stop", onPress: () => scanning.abort() }),
      ),
    );
    let problem: unknown;
    try {
      const client = await this.#app.setup.client(transport);
      const onFound = (camera: FoundCamera) => {
        if (signal.aborted) return;
        this.#found.set(camera.name, camera);
        // Who has chosen it in the browser's list need not do so again.
        if (client.hasChooser) this.#cameras.value = camera.name;
        this.#show();
      };
      for (const camera of await client.scan({ timeout: scanTime, signal, onFound })) onFound(camera);
    } catch (error) {
      if (!isCancelled(error)) problem = error;
    }
    if (this.#scanning !== scanning) return;
    this.#scanning = undefined;
    if (!this.#signal.aborted) this.#idle(problem);
  }

  #show(): void {
    const wasOnly = this.#cameras.value;
    const cameras = [...this.#found.values()].sort((a, b) => (b.rssi ?? -100) - (a.rssi ?? -100));
    // The only camera around is most likely the one; one that was used before may be anywhere.
    if (!wasOnly && cameras.length === 1 && cameras[0].rssi !== undefined) this.#cameras.value = cameras[0].name;
    this.#cameras.show(cameras.map((camera) => ({ value: camera.name, content: cameraWords(camera) })));
  }
}

const transportWords = (transport: Transport): Child => [
  icon(transport),
  h("span", { class: "words" }, names[transport][0], h("span", { class: "tiny soft" }, names[transport][1])),
];

const cameraWords = ({ name, rssi }: FoundCamera): Child => [
  icon("camera"),
  h(
    "span",
    { class: "words" },
    h("strong", {}, name),
    h("span", { class: "tiny soft" }, rssi === undefined ? "Chosen by you" : `Signal ${signalName(rssi)}`),
  ),
  rssi !== undefined && signalBars(rssi),
];

const noBluetooth = () =>
  notice({
    kind: "bad",
    title: "This browser cannot reach cameras",
    text: "It has no Web Bluetooth. Open this page in Chrome or Edge, on Android or on a computer, at an https or localhost address.",
  });
