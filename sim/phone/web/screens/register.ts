import type { Advice, AdviceAction } from "../../advice.ts";
import type { SetupFlow, SetupStep, SetupStepName } from "../../setup-flow.ts";
import type { App } from "../app/app.ts";
import type { Screen, ScreenMaker } from "../app/screen.ts";
import { type Child, fill, h } from "../dom.ts";
import { icon } from "../icon.ts";
import { button, buttonLink } from "../parts/button.ts";
import { adviceNotice } from "../parts/failure.ts";
import { trail } from "../parts/trail.ts";
import { go, toHash } from "../router.ts";

const words: Record<SetupStepName, [todo: string, done: string]> = {
  connect: ["Connect over Bluetooth", "Connected over Bluetooth"],
  session: ["Open a secure session", "Secure session open"],
  wifi: ["Join the Wi-Fi", "Joined the Wi-Fi"],
  claim: ["Make it your camera", "It is your camera"],
  certificate: ["Get a certificate for the camera's own key", "Certificate made for the camera's own key"],
  register: ["Hand over the certificate", "Certificate handed over"],
  online: ["Wait until it is online", "It is online"],
};

/** From a camera in its box to one that is online: every step, what went wrong with it, and what to do about that. */
export const registerScreen: ScreenMaker = (app, _, signal) => {
  const { flow } = app.setup;
  if (!flow) {
    go("add", undefined, { replace: true });
    return;
  }
  return new Register(app, flow, signal).screen;
};

class Register {
  readonly screen: Screen;
  #app: App;
  #flow: SetupFlow;
  #signal: AbortSignal;
  #heading = h("h1", {}, "Setting up your camera");
  #lead = h("p", { class: "lead" });
  #steps = h("ol", { class: "steps card", "aria-label": "Progress" });
  #actions = h("div", { class: "stack tight" });
  #running?: AbortController;

  constructor(app: App, flow: SetupFlow, signal: AbortSignal) {
    this.#app = app;
    this.#flow = flow;
    this.#signal = signal;
    const element = h(
      "div",
      { class: "screen narrow" },
      trail("Register"),
      h("div", { class: "stack tight" }, this.#heading, this.#lead),
      this.#steps,
      this.#actions,
    );
    this.screen = { title: "Register", element };
    signal.addEventListener(
      "abort",
      flow.on("change", () => this.#show()),
    );
    signal.addEventListener("abort", () => this.#running?.abort());
    if (app.setup.isDone) this.#finished();
    else void this.#run();
  }

  async #run(): Promise<void> {
    if (this.#flow.isRunning) return this.#runLater();
    const running = new AbortController();
    this.#running = running;
    fill(this.#lead, "This takes half a minute. Stay near the camera until it is done.");
    fill(this.#actions, button({ label: "Stop", block: true, onPress: () => running.abort() }));
    this.#show();
    try {
      await this.#flow.run({ signal: running.signal });
      if (!this.#signal.aborted) this.#finished();
    } catch {
      // The step that failed has the words for it.
      if (!this.#signal.aborted) this.#stopped();
    }
  }

  /** The screen before may not have let go yet. */
  #runLater(): void {
    this.#show();
    const end = this.#flow.on("change", ({ isRunning }) => {
      if (isRunning) return;
      end();
      if (!this.#signal.aborted) void this.#run();
    });
  }

  #show(): void {
    fill(
      this.#steps,
      this.#flow.steps.map((step) => this.#step(step)),
    );
    const active = this.#flow.steps.find(({ state }) => state === "active");
    if (active) this.#app.announcer.say(`${words[active.name][0]}…`);
  }

  get #failed(): SetupStep | undefined {
    return this.#flow.steps.find((step) => step.state === "failed" && !isStopped(step));
  }

  #step(step: SetupStep): HTMLElement {
    const { name, state, detail, advice } = step;
    // A lost link fails two steps: the one that was under way, and the link, which is what has to be mended.
    const isTold = advice && step === this.#failed && !this.#flow.isRunning;
    const shown = isStopped(step) ? "pending" : state;
    return h(
      "li",
      { class: `step ${shown}`, "aria-current": state === "active" && "step" },
      h("span", { class: "sign" }, sign(shown)),
      h(
        "div",
        {},
        h("span", { class: "name" }, words[name][state === "done" ? 1 : 0]),
        h("span", { class: "hidden-visually" }, `: ${stateWords[shown]}`),
        detail && h("p", { class: "tiny soft" }, detail),
        isTold && adviceNotice(advice, this.#ways(advice)),
      ),
    );
  }

  #ways({ action }: Advice): Child {
    const elsewhere: Partial<Record<AdviceAction, [label: string, screen: string]>> = {
      find: ["Find the camera again", "add"],
      label: ["Read the label again", "add"],
      wifi: ["Choose the Wi-Fi again", "wifi"],
      "sign-in": ["Sign in", "sign-in"],
    };
    const [label, screen] = elsewhere[action] ?? [];
    const again = button({ label: "Try again", icon: "refresh", kind: "primary", onPress: () => void this.#run() });
    const there =
      label && screen && buttonLink({ label, href: `#/${screen}`, kind: action === "find" ? "quiet" : "primary" });
    if (action === "find") return [again, there];
    return action === "none" ? undefined : (there ?? again);
  }

  /** Failed, or stopped by the person. */
  #stopped(): void {
    this.#show();
    const failed = this.#failed;
    fill(
      this.#lead,
      failed ? "It stopped at one step. What is done stays done." : "You stopped it. What is done stays done.",
    );
    const on = button({ label: "Go on", kind: "primary", block: true, onPress: () => void this.#run() });
    const abandon = button({ label: "Cancel", kind: "quiet", block: true, onPress: () => this.#abandon() });
    fill(this.#actions, !failed && on, abandon);
    (this.#steps.querySelector<HTMLElement>(".notice .button") ?? on).focus();
  }

  #finished(): void {
    const { thingName } = this.#flow;
    this.#app.setup.finished();
    // A reload from here on leads to the camera.
    history.replaceState(null, "", toHash("camera", thingName));
    this.#show();
    fill(this.#heading, "Your camera is online");
    fill(this.#lead, "It is yours, and it works from anywhere now.");
    const next = buttonLink({
      label: "Take the first picture",
      icon: "camera",
      href: toHash("camera", thingName),
      kind: "primary",
    });
    next.classList.add("block");
    next.addEventListener("click", (event) => {
      event.preventDefault();
      go("camera", thingName);
    });
    fill(this.#actions, next);
    this.#app.announcer.say("Your camera is online.");
    next.focus();
  }

  async #abandon(): Promise<void> {
    await this.#app.setup.abandon();
    go("cameras");
  }
}

const stateWords = { pending: "not yet", active: "under way", done: "done", failed: "failed" };

/** By the person: nothing to complain about. */
const isStopped = ({ state, advice }: SetupStep) => state === "failed" && advice?.code === "Cancelled";

function sign(state: SetupStep["state"]): Child {
  if (state === "done") return icon("check");
  if (state === "failed") return icon("cross");
  return state === "active" && h("span", { class: "spinner", "aria-hidden": "true" });
}
