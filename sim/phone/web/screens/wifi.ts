import type { SetupFlow } from "../../setup-flow.ts";
import { readableWiFiName, wifiNameBytes } from "../../wifi-name.ts";
import type { WiFiNetwork } from "../../wifi-setup.ts";
import type { App } from "../app/app.ts";
import type { Screen, ScreenMaker } from "../app/screen.ts";
import { type Child, fill, h } from "../dom.ts";
import { icon } from "../icon.ts";
import { button } from "../parts/button.ts";
import { failureNotice, isCancelled } from "../parts/failure.ts";
import { field } from "../parts/field.ts";
import { notice, waiting } from "../parts/notice.ts";
import { RadioList } from "../parts/radio-list.ts";
import { signal as signalBars, signalName } from "../parts/signal.ts";
import { sticker } from "../parts/sticker.ts";
import { trail } from "../parts/trail.ts";
import { go } from "../router.ts";

const hidden = "(hidden)";

/** Which Wi-Fi the camera shall join. The password goes to the camera, and is kept nowhere else. */
export const wifiScreen: ScreenMaker = (app, _, signal) => {
  const { flow } = app.setup;
  if (!flow) {
    go("add", undefined, { replace: true });
    return;
  }
  // Whoever comes back here by the browser's button has a camera that works.
  if (app.setup.isDone) {
    go("cameras", undefined, { replace: true });
    return;
  }
  return new WiFi(app, flow, signal).screen;
};

class WiFi {
  readonly screen: Screen;
  #app: App;
  #flow: SetupFlow;
  #signal: AbortSignal;
  #networks: WiFiNetwork[] = [];
  #list = new RadioList("Networks that the camera hears", () => this.#chosen());
  #status = h("div", { class: "stack tight" });
  #again = h("div", {}, button({ label: "Look again", icon: "refresh", onPress: () => this.#scan() }));
  #keep = h("div");
  #ssid = field({ label: "Name of the network", name: "ssid", attributes: { autocomplete: "off", maxlength: 32 } });
  #password = field({
    label: "Wi-Fi password",
    name: "wifi-password",
    type: "password",
    hint: "It goes to the camera over the encrypted link and is kept nowhere else.",
    attributes: { autocomplete: "off", maxlength: 64 },
  });
  #form: HTMLFormElement;

  constructor(app: App, flow: SetupFlow, signal: AbortSignal) {
    this.#app = app;
    this.#flow = flow;
    this.#signal = signal;
    this.#form = h(
      "form",
      { class: "stack", novalidate: true, on: { submit: (event) => this.#submitted(event) } },
      this.#ssid.element,
      this.#password.element,
      button({ label: "Join this network", type: "submit", kind: "primary", block: true }),
    );
    this.#form.hidden = true;
    this.#again.hidden = true;
    this.screen = { title: "Wi-Fi", element: this.#element() };
    void this.#scan();
  }

  #element(): HTMLElement {
    return h(
      "div",
      { class: "screen narrow" },
      trail("Wi-Fi"),
      h(
        "div",
        { class: "stack tight" },
        h("h1", {}, "Choose its Wi-Fi"),
        h("p", { class: "lead" }, "It sends its pictures through it. The camera needs 2.4 GHz."),
      ),
      this.#keep,
      this.#list.element,
      this.#status,
      this.#again,
      this.#simulatedRouter(),
      this.#form,
      button({ label: "Cancel", kind: "quiet", block: true, onPress: () => this.#cancel() }),
    );
  }

  async #scan(): Promise<void> {
    fill(this.#status, waiting("The camera is looking for networks…"));
    try {
      this.#networks = strongest(await this.#flow.scanWiFi({ signal: this.#signal }));
      this.#show();
      this.#chooseAgain();
      void this.#offerToKeep();
      this.#app.announcer.say(`${this.#networks.length} networks found`);
    } catch (error) {
      if (this.#signal.aborted || isCancelled(error)) return;
      this.#show();
      fill(this.#status, failureNotice(error));
    }
  }

  #show(): void {
    const items = this.#networks.map((network) => ({ value: network.ssid, content: networkWords(network) }));
    const other = [icon("plus"), h("span", { class: "words" }, "Another network")];
    this.#list.show([...items, { value: hidden, content: other }]);
    const none = "Bring the camera nearer to the router, or type the name of a hidden one.";
    fill(this.#status, !items.length && notice({ kind: "warn", title: "No network heard", text: none }));
    this.#again.hidden = false;
  }

  /** A camera that is on a network already, such as one that is being taken up again, may stay there. */
  async #offerToKeep(): Promise<void> {
    const status = await this.#app.setup.link?.wifiStatus().catch(() => undefined);
    if (status?.state !== "connected" || this.#signal.aborted) return;
    const keep = button({ label: "Keep it", onPress: () => go("register") });
    const title = status.ssid
      ? `The camera is on “${readableWiFiName(status.ssid)}” already`
      : "The camera is on a Wi-Fi already";
    fill(this.#keep, notice({ title, text: "Keep it, or choose another one below.", actions: keep }));
  }

  #simulatedRouter(): HTMLElement | undefined {
    const { wifi } = this.#app.settings.simulator ?? {};
    if (!wifi) return undefined;
    const lines: [string, string][] = [
      ["Wi-Fi", wifi.ssid],
      ["Password", wifi.passphrase],
    ];
    return sticker({ title: "On the simulated router", lines, use: () => this.#useRouter(wifi) });
  }

  #useRouter({ ssid, passphrase }: { ssid: string; passphrase: string }): void {
    const isHeard = this.#networks.some((network) => network.ssid === ssid);
    this.#list.value = isHeard ? ssid : hidden;
    this.#chosen();
    this.#ssid.value = ssid;
    this.#password.value = passphrase;
    this.#form.querySelector<HTMLElement>("[type=submit]")?.focus();
  }

  #chosen(): void {
    const network = this.#network;
    this.#form.hidden = false;
    this.#ssid.element.hidden = this.#list.value !== hidden;
    this.#password.element.hidden = network?.auth === "open";
    this.#password.problem();
    // The focus stays in the list, where arrow keys choose; the form may be below the window's edge.
    this.#form.scrollIntoView({ block: "nearest" });
  }

  /** Whoever comes back for another try most likely wants the same network. */
  #chooseAgain(): void {
    const { network } = this.#app.setup;
    if (!network || this.#list.value) return;
    this.#list.value = this.#networks.some(({ ssid }) => ssid === network) ? network : hidden;
    this.#ssid.value = network;
    this.#chosen();
  }

  get #network(): WiFiNetwork | undefined {
    return this.#networks.find(({ ssid }) => ssid === this.#list.value);
  }

  #submitted(event: Event): void {
    event.preventDefault();
    const ssid = this.#list.value === hidden ? this.#ssid.value : this.#list.value;
    const isOpen = this.#network?.auth === "open";
    const isHidden = this.#list.value === hidden;
    const passphrase = isOpen ? "" : this.#password.value;
    if (!ssid) this.#ssid.problem("Type the name of the network.");
    else if (wifiNameBytes(ssid).length > 32)
      this.#ssid.problem("A name has at most 32 bytes; letters beyond A to Z take several.");
    else if (!isOpen && !isHidden && !passphrase) this.#password.problem("Type its password.");
    else if (passphrase && passphrase.length < 8) this.#password.problem("It has at least 8 characters.");
    else {
      this.#flow.chooseNetwork({ ssid, passphrase: passphrase || undefined });
      this.#app.setup.network = ssid;
      this.#password.value = "";
      go("register");
    }
  }

  async #cancel(): Promise<void> {
    await this.#app.setup.abandon();
    go("cameras");
  }
}

/** One entry for each name: a name with several access points is one network to a person. */
function strongest(networks: WiFiNetwork[]): WiFiNetwork[] {
  const byName = new Map<string, WiFiNetwork>();
  for (const network of networks) {
    const known = byName.get(network.ssid);
    if (network.ssid && (!known || known.rssi < network.rssi)) byName.set(network.ssid, network);
  }
  return [...byName.values()].sort((a, b) => b.rssi - a.rssi);
}

function networkWords({ ssid, rssi, auth }: WiFiNetwork): Child {
  const protection = auth === "open" ? "Open" : "With password";
  return [
    h(
      "span",
      { class: "words" },
      h("strong", {}, readableWiFiName(ssid)),
      h("span", { class: "tiny soft" }, `${protection} · signal ${signalName(rssi)}`),
    ),
    auth !== "open" && icon("lock"),
    signalBars(rssi),
  ];
}
