/** The page in Debian's Chromium, against the whole simulator: cloud, radio, camera, and the server of the page. */
import { copyFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { AdminCreateUserCommand, AdminUserGlobalSignOutCommand } from "@aws-sdk/client-cognito-identity-provider";
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import type { SimulatorHints } from "../../sim/phone/cloud-settings.ts";
import { type CameraLabel, parseLabel } from "../../sim/phone/label.ts";
import { type PhoneServer, servePhone } from "../../sim/phone/server.ts";
import { buildPage, pageDirectory } from "../../sim/phone/web/build.ts";
import { Line, network } from "../../sim/start/processes.ts";
import { simulatorSettings } from "../../sim/start/simulator-settings.ts";
import { makeUser, openUserPool, type UserAccount } from "../../sim/start/users.ts";
import { launchChromium, noBluetooth, noChromium } from "./bluez/browser.ts";
import { type BluezRig, startBluez } from "./bluez/rig.ts";
import { prepareFrames, type StoredObject } from "./line-rig.ts";

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";

export { network, noBluetooth, noChromium };

const silent = { step() {}, progress() {}, note() {} };
/** Milliseconds; for whatever a person waits for on this page. */
export const limit = 30_000;

export const demo: UserAccount = { username: "demo", password: "Correct-horse-1" };
export const other: UserAccount = { username: "visitor", password: "Battery-staple-2" };

export interface PageRigOptions {
  /** With a Bluetooth adapter of its own for the browser, besides the simulator's radio. */
  bluetooth?: boolean;
  /** Seconds that temporary credentials live; default: an hour, as in AWS. */
  credentialSeconds?: number;
  /** Seconds that the user pool's tokens live, but for the refresh token; default: an hour. */
  tokenSeconds?: number;
  /** What is wrong with the virtual camera (sim/camera). */
  cameraFaults?: string;
}

export class PageRig {
  readonly line: Line;
  readonly browser: Browser;
  readonly server: PhoneServer;
  readonly bluez?: BluezRig;
  /** What pages complained of on their consoles; nobody should. */
  readonly complaints: string[] = [];
  /** What the bucket has got, in order. */
  readonly objects: StoredObject[] = [];
  /** For files of the tests. */
  readonly directory: string;
  #label: Promise<CameraLabel>;
  /** Part of the settings that the server sends. */
  #hints: SimulatorHints;
  #contexts: BrowserContext[] = [];

  private constructor(parts: {
    line: Line;
    browser: Browser;
    server: PhoneServer;
    bluez?: BluezRig;
    directory: string;
    label: Promise<CameraLabel>;
    hints: SimulatorHints;
  }) {
    this.line = parts.line;
    this.browser = parts.browser;
    this.server = parts.server;
    this.bluez = parts.bluez;
    this.directory = parts.directory;
    this.#label = parts.label;
    this.#hints = parts.hints;
    this.line.onCloudEvent = (event) => {
      if (event.event === "object") this.objects.push(event as StoredObject);
    };
  }

  static async open({ bluetooth = false, cameraFaults = "", ...seconds }: PageRigOptions = {}): Promise<PageRig> {
    const directory = await mkdtemp(join(tmpdir(), "devicelink-page-"));
    const frames = join(directory, "frames");
    await Promise.all([
      buildPage(),
      prepareFrames(frames, { resolutions: ["VGA", "HD"], qualities: ["default"], pictures: 2, sensor: 0x81 }),
    ]);
    const line = new Line({
      directory,
      frames,
      out: join(directory, "out"),
      sensor: 0x81,
      timeline: silent,
      cloudArguments: lifetimes(seconds),
      environment: { CAMERA_FAULTS: cameraFaults },
    });
    const label = nextLabel(line);
    await line.startCloud();
    await line.startRadio();
    await line.startCamera();
    await makeUser(line.cloud, demo);
    await makeUser(line.cloud, other);
    const settings = await simulatorSettings(line.cloud, { account: demo });
    const hints: SimulatorHints = { label: await label, wifi: network };
    const { radioPort } = line;
    const server = await servePhone({
      settings: { ...settings, simulator: hints },
      radioPort,
      directory: pageDirectory,
    });
    const bluez = bluetooth ? await startBluez({ radioPort }) : undefined;
    // With what is needed for getDevices(): cameras that are remembered over a reload.
    const features = ["WebBluetoothNewPermissionsBackend"];
    const browser = await launchChromium({ busAddress: bluez?.busAddress, features });
    return new PageRig({ line, browser, server, bluez, directory, label, hints });
  }

  /** What is printed on the camera that is switched on now. */
  get label(): Promise<CameraLabel> {
    return this.#label;
  }

  /** Another camera in the place of the one before: as it comes from the factory. */
  async newCamera(): Promise<CameraLabel> {
    await this.line.stopCamera();
    await rm(join(this.directory, "storage"), { recursive: true, force: true });
    this.#label = nextLabel(this.line);
    await this.line.startCamera();
    this.#hints.label = await this.#label;
    return this.#label;
  }

  /** Something happens while the cloud makes the next certificate, once. */
  onCertificate(happens: () => Promise<unknown>): void {
    const heard = this.line.onCloudEvent;
    this.line.onCloudEvent = (event) => {
      heard(event);
      if (event.operation !== "CreateCertificateFromCsr") return;
      this.line.onCloudEvent = heard;
      void happens();
    };
  }

  /** The thing that was bound last. */
  async boundThing(): Promise<string> {
    const bindings: { thing: string; since: number }[] = Object.values(
      JSON.parse(await readFile(this.line.cloud.bindings, "utf8")),
    );
    return bindings.sort((a, b) => a.since - b.since).at(-1)?.thing ?? "";
  }

  /** An account as an administrator makes it: with a password for the first time only. */
  async makeNewcomer(): Promise<UserAccount> {
    const { client, UserPoolId } = await openUserPool(this.line.cloud);
    const newcomer = { username: "newcomer", password: "For-the-first-time-3" };
    const user = { UserPoolId, Username: newcomer.username, TemporaryPassword: newcomer.password };
    await client.send(new AdminCreateUserCommand({ ...user, MessageAction: "SUPPRESS" }));
    client.destroy();
    return newcomer;
  }

  /** Ends all sessions of a person, as an administrator does after a loss: no refresh token is good any more. */
  async endSessions({ username: Username }: UserAccount): Promise<void> {
    const { client, UserPoolId } = await openUserPool(this.line.cloud);
    await client.send(new AdminUserGlobalSignOutCommand({ UserPoolId, Username }));
    client.destroy();
  }

  /** More pictures of the camera that has sent the last one, an hour apart, as if it had been there for days. */
  async addPictures(count: number): Promise<void> {
    const { path } = this.objects.at(-1)!;
    const [, start, time, end] = /^(.*-)(\d{13})(-.*)$/.exec(path)!;
    for (let i = 1; i <= count; i++) await copyFile(path, `${start}${Number(time) - i * 3_600_000}${end}`);
  }

  /** A phone of its own: storage, sign-in and Bluetooth are not shared with others. */
  async phone(options: BrowserContextOptions = {}, browser = this.browser): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 390, height: 780 }, ...options });
    this.#contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(limit);
    page.on("pageerror", (error) => this.complaints.push(`${error.stack}`));
    page.on("console", (message) => {
      if (message.type() === "error" && /Content.Security|Uncaught/i.test(message.text()))
        this.complaints.push(message.text());
    });
    return page;
  }

  /** The phones of a test that has ended; of one that failed, what they show is told. */
  async closePhones(test?: TestContext & { passed?: boolean }): Promise<void> {
    for (const context of this.#contexts.splice(0)) {
      if (test?.passed === false) for (const page of context.pages()) test.diagnostic(await seenOn(page));
      await context.close();
    }
  }

  async close(): Promise<void> {
    await this.closePhones();
    await this.browser.close();
    await this.bluez?.close();
    await this.server.close();
    await this.line.stop();
    await rm(this.directory, { recursive: true, force: true });
  }
}

function lifetimes({ credentialSeconds, tokenSeconds }: PageRigOptions): string[] {
  return [
    ...(credentialSeconds ? ["--credential-seconds", String(credentialSeconds)] : []),
    ...(tokenSeconds ? ["--token-seconds", String(tokenSeconds)] : []),
  ];
}

async function seenOn(page: Page): Promise<string> {
  const text = await page
    .locator("body")
    .ariaSnapshot({ timeout: 1000 })
    .catch((error) => `${error}`);
  return `the page showed at ${new URL(page.url()).hash || "its start"}:\n${text}`;
}

/** The label that a camera without an owner writes on its console. */
function nextLabel(line: Line): Promise<CameraLabel> {
  return new Promise((resolve) => {
    line.onCameraLine = (text) => {
      const found = /label: (\{.*\})/.exec(text);
      if (found) resolve(parseLabel(found[1]));
    };
  });
}
