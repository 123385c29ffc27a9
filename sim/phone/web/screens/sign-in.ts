import { adviceFor } from "../../advice.ts";
import { codeOf } from "../../cloud-errors.ts";
import type { App } from "../app/app.ts";
import type { ScreenMaker } from "../app/screen.ts";
import { type Child, fill, h } from "../dom.ts";
import { icon } from "../icon.ts";
import { button, isDisabled, setBusy } from "../parts/button.ts";
import { failureNotice } from "../parts/failure.ts";
import { field } from "../parts/field.ts";
import { notice } from "../parts/notice.ts";
import { go } from "../router.ts";

/** Name and password; a new password where the account wants one; one press for the simulator's account. */
export const signInScreen: ScreenMaker = (app) => {
  const { account, name } = app.settings;
  const messages = h("div", { class: "stack tight" }, welcomeBack(app));
  const form = new SignInForm(app, messages);
  const quick =
    account &&
    button({
      label: `Sign in as ${account.username}`,
      icon: "person",
      kind: "primary",
      block: true,
      onPress: () => form.attempt(account),
    });
  const element = h(
    "div",
    { class: "screen sign-in" },
    h("div", { class: "mark" }, icon("mark")),
    h(
      "div",
      { class: "stack tight" },
      h("h1", {}, "Sign in"),
      h("p", { class: "lead" }, account ? simulatorLead : `With your account of “${name}”.`),
    ),
    messages,
    quick && [quick, h("div", { class: "or" }, "or with a name and password")],
    form.element,
  );
  return { title: "Sign in", element };
};

const simulatorLead = "Set up a camera, take pictures, and see them arrive. Everything runs on this machine.";

function welcomeBack({ signedOutBecause, resumeProblem }: App): Child {
  if (resumeProblem) {
    const again = button({ label: "Try again", icon: "refresh", onPress: () => location.reload() });
    return failureNotice(resumeProblem, again);
  }
  if (signedOutBecause === "SignedOut")
    return notice({ title: "You are signed out", text: "Your cameras go on working without you." });
  if (signedOutBecause === "SessionExpired") {
    const text = "Sign in again; you come back to where you were.";
    return notice({ kind: "warn", title: "You have been signed out", text });
  }
}

class SignInForm {
  readonly element: HTMLFormElement;
  #app: App;
  #messages: HTMLElement;
  #username;
  #password;
  #newPassword;
  #submit;

  constructor(app: App, messages: HTMLElement) {
    const { account } = app.settings;
    this.#app = app;
    this.#messages = messages;
    this.#username = field({
      label: "Name",
      name: "username",
      value: account?.username,
      attributes: { autocomplete: "username", required: true },
    });
    this.#password = field({
      label: "Password",
      name: "password",
      type: "password",
      attributes: { autocomplete: "current-password", required: true },
    });
    this.#newPassword = field({
      label: "New password",
      name: "new-password",
      type: "password",
      hint: "Your account was made with a password for the first time only. Choose one of your own.",
      attributes: { autocomplete: "new-password" },
    });
    this.#newPassword.element.hidden = true;
    this.#submit = button({ label: "Sign in", type: "submit", kind: account ? undefined : "primary", block: true });
    this.element = h(
      "form",
      { class: "stack", novalidate: true, on: { submit: (event) => this.#submitted(event) } },
      this.#username.element,
      this.#password.element,
      this.#newPassword.element,
      this.#submit,
    );
  }

  async attempt(request: { username: string; password: string; newPassword?: string }): Promise<void> {
    fill(this.#messages);
    try {
      await this.#app.signIn(request);
      go("", undefined, { replace: true });
    } catch (error) {
      this.#failed(error);
    }
  }

  #submitted(event: Event): void {
    event.preventDefault();
    if (isDisabled(this.#submit)) return;
    const username = this.#username.value.trim();
    const password = this.#password.value;
    const newPassword = this.#newPassword.element.hidden ? undefined : this.#newPassword.value;
    if (!username) this.#username.problem("Type the name of your account.");
    else if (!password) this.#password.problem("Type your password.");
    else if (newPassword === "") this.#newPassword.problem("Choose a new password.");
    else {
      setBusy(this.#submit, true);
      void this.attempt({ username, password, newPassword }).finally(() => setBusy(this.#submit, false));
    }
  }

  /** What is wrong stands at the field that it is about, where there is one. */
  #failed(error: unknown): void {
    const { what, next } = adviceFor(error);
    const text = `${what} ${next}`;
    const code = codeOf(error);
    if (code === "NewPasswordRequired") {
      this.#newPassword.element.hidden = false;
      this.#newPassword.input.focus();
      fill(this.#messages, notice({ title: what, text: next }));
    } else if (code === "WrongPassword") this.#password.problem(text);
    else if (code === "UserNotFound") this.#username.problem(text);
    else if (code === "NewPasswordRefused") this.#newPassword.problem(text);
    else fill(this.#messages, failureNotice(error));
  }
}
