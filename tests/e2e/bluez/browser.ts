import { existsSync } from "node:fs";
import { type Browser, type CDPSession, chromium, type Page } from "playwright-core";

const executablePath = "/usr/bin/chromium";

/** Why tests in a browser are skipped. */
export const noChromium = existsSync(executablePath)
  ? false
  : "Chromium is not installed (Debian: apt install chromium)";

/** Why tests of Web Bluetooth are skipped: the adapter is on a bus of its own. */
export const noBluetooth =
  noChromium ||
  (existsSync("/usr/bin/dbus-daemon") ? false : "dbus-daemon is not installed (Debian: apt install dbus)");

/** Without them a browser looks for Google's hosts at every start. */
const quiet = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export interface BrowserOptions {
  /** Of startBluez(). Without it the browser's Web Bluetooth has no adapter. */
  busAddress?: string;
  /** More features of Chromium, such as WebBluetoothNewPermissionsBackend. */
  features?: string[];
  /** More of Chromium's switches. */
  switches?: string[];
}

/** Debian's Chromium with Web Bluetooth. Its profile is new and empty. */
export function launchChromium(options: BrowserOptions = {}): Promise<Browser> {
  const { busAddress, features = [], switches = [] } = options;
  return chromium.launch({
    executablePath,
    args: [...quiet, ...switches, `--enable-features=${["WebBluetooth", ...features].join(",")}`],
    // A bus that nobody serves, so that the machine's own Bluetooth stays out of the tests.
    env: { ...process.env, DBUS_SYSTEM_BUS_ADDRESS: busAddress ?? "unix:path=/nonexistent" },
  });
}

interface Prompt {
  id: string;
  devices: { id: string; name: string }[];
}

/** The person at the browser's device chooser, over the devtools protocol. */
export class Chooser {
  #session: CDPSession;
  #prompts: Prompt[] = [];
  #told: () => void = () => {};

  private constructor(session: CDPSession) {
    this.#session = session;
    session.on("DeviceAccess.deviceRequestPrompted", (prompt) => {
      this.#prompts.push(prompt);
      this.#told();
    });
  }

  static async open(page: Page): Promise<Chooser> {
    const session = await page.context().newCDPSession(page);
    const chooser = new Chooser(session);
    await session.send("DeviceAccess.enable");
    return chooser;
  }

  /** How often a chooser has been shown or has changed. */
  get prompts(): number {
    return this.#prompts.length;
  }

  /** Waits until the device is in the list, and chooses it. @throws Error after `timeout` milliseconds */
  async choose(name: string, timeout = 10_000): Promise<void> {
    const prompt = await this.#until((each) => each.devices.some((device) => device.name === name), timeout);
    const deviceId = prompt.devices.find((device) => device.name === name)!.id;
    await this.#session.send("DeviceAccess.selectPrompt", { id: prompt.id, deviceId });
    this.#prompts = [];
  }

  /** Closes the chooser without a choice. */
  async cancel(timeout = 10_000): Promise<void> {
    const { id } = await this.#until(() => true, timeout);
    await this.#session.send("DeviceAccess.cancelPrompt", { id });
    this.#prompts = [];
  }

  async #until(fits: (prompt: Prompt) => boolean, timeout: number): Promise<Prompt> {
    const deadline = Date.now() + timeout;
    for (;;) {
      const prompt = this.#prompts.findLast(fits);
      if (prompt) return prompt;
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`the chooser does not show it: ${JSON.stringify(this.#prompts.at(-1)?.devices)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#told = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}
