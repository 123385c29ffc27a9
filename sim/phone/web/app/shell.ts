import { fill, h, setAttribute } from "../dom.ts";
import { type IconName, icon } from "../icon.ts";
import { button } from "../parts/button.ts";
import { confirm } from "../parts/dialog.ts";
import { currentTheme, nextTheme, setTheme, type Theme } from "../theme.ts";
import type { App } from "./app.ts";
import type { Screen, Tab } from "./screen.ts";

const tabs: { tab: Tab; label: string; icon: IconName }[] = [
  { tab: "cameras", label: "Cameras", icon: "camera" },
  { tab: "gallery", label: "Gallery", icon: "pictures" },
  { tab: "activity", label: "Activity", icon: "activity" },
];
const themeIcons: Record<Theme, IconName> = { auto: "auto", light: "sun", dark: "moon" };
const themeNames: Record<Theme, string> = { auto: "as the system has it", light: "light", dark: "dark" };

/** Milliseconds without a connection until the person is told. */
const patience = 4000;

/** What stands around every screen: the bar, the navigation, and the place of the screen itself. */
export class Shell {
  readonly element: HTMLElement;
  #app: App;
  #main = h("main", { class: "main", id: "main", tabindex: "-1" });
  #links = new Map<Tab, HTMLAnchorElement>();
  #strip = h("p", { class: "strip", role: "status" });
  #late?: ReturnType<typeof setTimeout>;
  #who = h("div", { class: "who" });
  #signOut = button({
    label: "Sign out",
    icon: "sign-out",
    kind: "quiet",
    onlyIcon: true,
    onPress: () => this.#leave(),
  });

  constructor(app: App) {
    this.#app = app;
    app.connectionChanged = this.#connectionChanged;
    this.element = h(
      "div",
      { class: "shell focused" },
      h("a", { class: "skip", href: "#main", on: { click: (event) => this.#skip(event) } }, "Skip to content"),
      h(
        "header",
        { class: "bar" },
        h("a", { class: "brand", href: "#/cameras" }, icon("mark"), "Devicelink"),
        themeButton(),
        this.#signOut,
      ),
      h("nav", { class: "tabs", "aria-label": "Main" }, h("ul", {}, tabs.map(this.#tab)), this.#who),
      h("div", { class: "middle" }, this.#strip, this.#main),
      app.announcer.element,
    );
  }

  /** A connection that is mended within seconds is nobody's business. */
  #connectionChanged = (isOnline: boolean): void => {
    clearTimeout(this.#late);
    if (isOnline) fill(this.#strip);
    else
      this.#late = setTimeout(() => {
        if (this.#app.isSignedIn) fill(this.#strip, icon("alert"), "The cloud cannot be reached. Trying again…");
      }, patience);
  };

  /** Shows a screen and puts the reader's place at its heading. */
  show(screen: Screen): void {
    const isFirst = !this.#main.hasChildNodes();
    document.title = `${screen.title} · Devicelink`;
    this.element.classList.toggle("focused", !screen.tab);
    for (const [tab, link] of this.#links) setAttribute(link, "aria-current", tab === screen.tab && "page");
    const { username } = this.#app;
    if (!username) fill(this.#strip);
    this.#signOut.hidden = !username;
    fill(this.#who, username && [h("strong", {}, username), h("span", { class: "soft" }, this.#app.settings.name)]);
    fill(this.#main, screen.element);
    window.scrollTo(0, 0);
    if (!isFirst) focusHeading(screen.element);
  }

  #tab = (entry: (typeof tabs)[number]): HTMLElement => {
    const link = h("a", { href: `#/${entry.tab}` }, icon(entry.icon), entry.label);
    this.#links.set(entry.tab, link);
    return h("li", {}, link);
  };

  /** The hash belongs to the routes. */
  #skip(event: Event): void {
    event.preventDefault();
    this.#main.focus();
  }

  async #leave(): Promise<void> {
    const text = "Your cameras go on working. Pictures stay in your account.";
    const isSure = await confirm({ title: "Sign out?", text, yes: "Sign out", no: "Stay" });
    if (isSure) await this.#app.signOut();
  }
}

/** A screen may have put the focus somewhere itself, such as into its first field. */
function focusHeading(element: HTMLElement): void {
  if (element.contains(document.activeElement)) return;
  const heading = element.querySelector<HTMLElement>("h1");
  heading?.setAttribute("tabindex", "-1");
  heading?.focus();
}

function themeButton(): HTMLElement {
  const element = button({ label: "Theme", icon: "auto", kind: "quiet", onlyIcon: true });
  const show = () => {
    const theme = currentTheme();
    const label = `Colours: ${themeNames[theme]}. Change`;
    element.setAttribute("aria-label", label);
    element.title = label;
    fill(element, icon(themeIcons[theme]));
  };
  element.addEventListener("click", () => {
    setTheme(nextTheme(currentTheme()));
    show();
  });
  show();
  return element;
}
