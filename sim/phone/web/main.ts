import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/parts.css";
import "./styles/overlays.css";
import "./styles/setup.css";
import "./styles/screens.css";
import { type CloudSettings, parseCloudSettings } from "../cloud-settings.ts";
import { App } from "./app/app.ts";
import { Navigation } from "./app/navigation.ts";
import { loadSignIn } from "./app/sign-in.ts";
import { fill, h } from "./dom.ts";
import { button } from "./parts/button.ts";
import { notice } from "./parts/notice.ts";
import { applyTheme } from "./theme.ts";

applyTheme();
start().catch(failed);

async function start(): Promise<void> {
  const [settings, signIn] = await Promise.all([loadSettings(), loadSignIn()]);
  const app = new App(settings, signIn);
  await new Navigation(app).start(document.body);
}

async function loadSettings(): Promise<CloudSettings> {
  const answer = await fetch("settings.json", { cache: "no-store" });
  if (!answer.ok) throw new Error(`settings.json: ${answer.status} ${answer.statusText}`);
  return parseCloudSettings(await answer.json());
}

/** Without settings there is nothing that could be shown. */
function failed(error: unknown): void {
  const text = [
    h("p", {}, `Its settings could not be loaded: ${error instanceof Error ? error.message : error}.`),
    h("p", {}, "See that the program that serves this page is still running, then load the page again."),
  ];
  const again = button({ label: "Load again", icon: "refresh", kind: "primary", onPress: () => location.reload() });
  fill(
    document.body,
    h(
      "main",
      { class: "main" },
      h("h1", { class: "hidden-visually" }, "Devicelink"),
      notice({ kind: "bad", title: "This page has no cloud to work with", text, actions: again }),
    ),
  );
}
