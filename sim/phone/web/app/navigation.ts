import { h } from "../dom.ts";
import { icon } from "../icon.ts";
import { buttonLink } from "../parts/button.ts";
import { emptyState } from "../parts/notice.ts";
import { go, type Route, readRoute } from "../router.ts";
import { activityScreen } from "../screens/activity.ts";
import { cameraScreen } from "../screens/camera.ts";
import { camerasScreen } from "../screens/cameras.ts";
import { findScreen } from "../screens/find.ts";
import { galleryScreen } from "../screens/gallery.ts";
import { registerScreen } from "../screens/register.ts";
import { signInScreen } from "../screens/sign-in.ts";
import { wifiScreen } from "../screens/wifi.ts";
import type { App } from "./app.ts";
import type { ScreenMaker } from "./screen.ts";
import { Shell } from "./shell.ts";

const screens: Record<string, ScreenMaker> = {
  "sign-in": signInScreen,
  cameras: camerasScreen,
  camera: cameraScreen,
  add: findScreen,
  wifi: wifiScreen,
  register: registerScreen,
  gallery: galleryScreen,
  activity: activityScreen,
};
const home = "cameras";

/** Shows the screen that the address names, and ends the one before. */
export class Navigation {
  #app: App;
  #shell: Shell;
  #leaving = new AbortController();
  /** Where somebody wanted to go who had to sign in first. */
  #wanted?: Route;

  constructor(app: App) {
    this.#app = app;
    this.#shell = new Shell(app);
  }

  /** @param parent what the page is put into */
  async start(parent: HTMLElement): Promise<void> {
    const problem = await this.#app.resume().then(
      () => undefined,
      (error) => error,
    );
    parent.replaceChildren(this.#shell.element);
    if (problem) this.#app.resumeProblem = problem;
    window.addEventListener("hashchange", () => void this.#show(readRoute()));
    await this.#show(readRoute());
  }

  async #show(route: Route): Promise<void> {
    const target = this.#allowed(route);
    if (target !== route) return go(target.screen, target.argument, { replace: true });
    this.#leaving.abort();
    this.#leaving = new AbortController();
    const { signal } = this.#leaving;
    const maker = Object.hasOwn(screens, route.screen) ? screens[route.screen] : notFound;
    const screen = await maker(this.#app, route.argument, signal);
    if (screen && !signal.aborted) this.#shell.show(screen);
  }

  /** The route itself, or where to go instead. */
  #allowed(route: Route): Route {
    if (!this.#app.isSignedIn) {
      if (route.screen === "sign-in") return route;
      // Who signed out by hand has had enough of where they were.
      if (route.screen && this.#app.signedOutBecause !== "SignedOut") this.#wanted = route;
      return { screen: "sign-in" };
    }
    if (route.screen && route.screen !== "sign-in") return route;
    const wanted = this.#wanted ?? { screen: home };
    this.#wanted = undefined;
    return wanted;
  }
}

const notFound: ScreenMaker = () => ({
  title: "Not found",
  tab: home,
  element: h(
    "div",
    { class: "screen" },
    h("h1", {}, "Not found"),
    emptyState({
      art: icon("info"),
      title: "There is no such page",
      text: "The address may be cut short or out of date.",
      action: buttonLink({ label: "To the cameras", href: `#/${home}`, kind: "primary" }),
    }),
  ),
});
