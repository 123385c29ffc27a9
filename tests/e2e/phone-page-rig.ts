/** A page with the phone's Bluetooth library in a real browser, beside the simulator's radio. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import type { CloudSettings } from "../../sim/phone/cloud-settings.ts";
import { type PhoneServer, servePhone } from "../../sim/phone/server.ts";
import { Chooser, launchChromium } from "./bluez/browser.ts";
import { type BluezRig, startBluez } from "./bluez/rig.ts";

export type Transport = "web-bluetooth" | "radio-websocket";

/** Of a cloud that these tests do not talk to. */
export const settings: CloudSettings = {
  name: "nowhere",
  region: "eu-west-1",
  userPoolId: "eu-west-1_a1B2c3D4e",
  userPoolClientId: "1h57kf5cpq17m0eml12EXAMPLE",
  identityPoolId: "eu-west-1:01234567-89ab-cdef-0123-456789abcdef",
  bucket: "pictures",
};

const html = `<!doctype html><html lang="en"><title>phone</title><link rel="icon" href="data:,">
<script type="module" src="/app.js"></script></html>`;

/** The page with the library, which close() takes away. */
export async function serveLibrary(radioPort?: number): Promise<PhoneServer> {
  const directory = await mkdtemp(join(tmpdir(), "devicelink-page-"));
  await writeFile(join(directory, "index.html"), html);
  await build({
    entryPoints: [fileURLToPath(new URL("fixtures/phone-page.ts", import.meta.url))],
    bundle: true,
    format: "esm",
    platform: "browser",
    outfile: join(directory, "app.js"),
    logLevel: "error",
  });
  const server = await servePhone({ settings, radioPort, directory });
  const close = async () => {
    await server.close();
    await rm(directory, { recursive: true, force: true });
  };
  return Object.create(server, { close: { value: close } });
}

/** Server, browser, and for Web Bluetooth the browser's org.bluez. */
export class PhonePageRig {
  readonly server: PhoneServer;
  readonly bluez: BluezRig | undefined;
  /** What went wrong in the pages without anybody having asked: there should be nothing. */
  readonly complaints: string[] = [];
  #browser: Browser;
  #transport: Transport;

  private constructor(parts: {
    server: PhoneServer;
    bluez: BluezRig | undefined;
    browser: Browser;
    transport: Transport;
  }) {
    this.server = parts.server;
    this.bluez = parts.bluez;
    this.#browser = parts.browser;
    this.#transport = parts.transport;
  }

  static async open(transport: Transport, radioPort: number): Promise<PhonePageRig> {
    const server = await serveLibrary(radioPort);
    const bluez = transport === "web-bluetooth" ? await startBluez({ radioPort }) : undefined;
    // The feature is what lets a page meet after a reload what it met before (getDevices).
    const features = ["WebBluetoothNewPermissionsBackend"];
    const browser = await launchChromium({ busAddress: bluez?.busAddress, features });
    return new PhonePageRig({ server, bluez, browser, transport });
  }

  /** A tab with the library, and the person at its device chooser. */
  async newPage(): Promise<{ page: Page; chooser: Chooser }> {
    const page = await this.#browser.newPage();
    page.on("pageerror", (error) => this.complaints.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error") this.complaints.push(message.text());
    });
    await page.goto(this.#transport === "radio-websocket" ? `${this.server.url}?radio` : this.server.url);
    await page.waitForFunction(() => "phone" in globalThis);
    return { page, chooser: await Chooser.open(page) };
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await this.bluez?.close();
    await this.server.close();
  }
}
