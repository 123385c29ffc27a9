import { setTimeout as delay } from "node:timers/promises";
import type { Browser, Page } from "playwright-core";
import type { CameraLabel } from "../../sim/phone/label.ts";
import type { Chooser } from "./bluez/browser.ts";
import { limit, network, type PageRig } from "./page-rig.ts";

/** What a person does with the page. They find things by what they are called, as a screen reader does. */
export class Person {
  readonly page: Page;
  #rig: PageRig;

  constructor(rig: PageRig, page: Page) {
    this.#rig = rig;
    this.page = page;
  }

  static async at(rig: PageRig, route = "", browser?: Browser): Promise<Person> {
    const person = new Person(rig, await rig.phone({}, browser));
    await person.page.goto(`${rig.server.url}${route}`);
    return person;
  }

  button(name: string | RegExp) {
    return this.page.getByRole("button", { name });
  }

  link(name: string | RegExp) {
    return this.page.getByRole("link", { name });
  }

  heading(name: string | RegExp) {
    return this.page.getByRole("heading", { name });
  }

  async signIn(account?: { username: string; password: string }): Promise<void> {
    if (account) {
      await this.page.getByLabel("Name", { exact: true }).fill(account.username);
      await this.page.getByLabel("Password", { exact: true }).fill(account.password);
      await this.button(/^Sign in$/).click();
    } else await this.button("Sign in as demo").click();
    await this.heading("Cameras").waitFor();
  }

  /** To the form that wants the proof of possession. */
  async toFind(): Promise<void> {
    await this.link("Add a camera").click();
    await this.heading("Find your camera").waitFor();
  }

  async choose({ name, proofOfPossession }: CameraLabel, label?: string): Promise<void> {
    await this.page.getByRole("radio", { name }).check();
    await this.page.getByLabel("Proof of possession").fill(proofOfPossession);
    if (label) await this.page.getByLabel("Name (optional)").fill(label);
    await this.button("Connect").click();
  }

  /** The camera is chosen in the browser's own list, and the page takes that for the choice. */
  async chooseByBluetooth(chooser: Chooser, { name, proofOfPossession }: CameraLabel, label?: string): Promise<void> {
    await this.page.getByRole("radio", { name: "Real cameras near this device" }).check();
    await this.button("Choose a camera…").click();
    await chooser.choose(name);
    await this.page.getByRole("radio", { name, checked: true }).waitFor();
    await this.choose({ name, proofOfPossession }, label);
  }

  async giveWiFi(passphrase = network.passphrase): Promise<void> {
    await this.page.getByRole("radio", { name: network.ssid }).check();
    await this.page.getByLabel("Wi-Fi password").fill(passphrase);
    await this.button("Join this network").click();
  }

  /** From the list of cameras to one that is online. */
  async addCamera(name?: string): Promise<void> {
    await this.toFind();
    await this.choose(await this.#rig.label, name);
    await this.giveWiFi();
    await this.heading("Your camera is online").waitFor();
  }

  /** On the camera's screen: takes a picture and waits until it is in the bucket. */
  async takePicture(): Promise<void> {
    await this.button("Take picture").click();
    await this.page.locator("img.stored").waitFor();
  }

  /** Presses a button, and loads the page anew the moment it shows `words`: they may stand there for a few milliseconds only. */
  async pressAndReloadAt(name: string, words: string): Promise<void> {
    await this.page.evaluate(reloadAt(words));
    const loaded = this.page.waitForEvent("load");
    await this.button(name).click();
    await loaded;
  }
}

const reloadAt = (words: string) => `
  new MutationObserver((_, observer) => {
    if (!document.body.innerText.includes(${JSON.stringify(words)})) return;
    observer.disconnect();
    location.reload();
  }).observe(document.body, { childList: true, subtree: true, characterData: true });`;

/** For what is no element that could be waited for. */
export async function until(what: string, test: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + limit; !(await test()); await delay(50))
    if (Date.now() > deadline) throw new Error(`${what}: not within ${limit / 1000} s`);
}
