import { type Child, h, uniqueId } from "../dom.ts";
import { button } from "./button.ts";

/** Asks before something that cannot be taken back. Resolves with true only when the person said so; who goes elsewhere has not. */
export function confirm(options: {
  title: string;
  text: Child;
  yes: string;
  no?: string;
  danger?: boolean;
}): Promise<boolean> {
  const titleId = uniqueId("dialog");
  const dialog = h("dialog", { class: "dialog", "aria-labelledby": titleId });
  const answer = (value: string) => () => dialog.close(value);
  const no = button({ label: options.no ?? "Keep it", onPress: answer("no"), attributes: { autofocus: true } });
  const yes = button({ label: options.yes, kind: options.danger ? "danger" : "primary", onPress: answer("yes") });
  dialog.append(
    h(
      "div",
      { class: "stack tight" },
      h("h2", { id: titleId }, options.title),
      h("div", { class: "soft" }, options.text),
    ),
    h("div", { class: "row" }, no, yes),
  );
  return new Promise((resolve) => {
    // The browser gives the focus back to what was pressed.
    const leave = answer("");
    window.addEventListener("hashchange", leave, { once: true });
    dialog.addEventListener("close", () => {
      window.removeEventListener("hashchange", leave);
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
