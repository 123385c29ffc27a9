import type { Account } from "../../account.ts";
import { ActivityLog } from "../../activity.ts";
import type { CloudSettings } from "../../cloud-settings.ts";
import type { PhoneCloud } from "../../phone-cloud.ts";

import { Announcer } from "../parts/announcer.ts";
import { go, readRoute } from "../router.ts";
import type { PhotoRun } from "./photo-run.ts";
import { PictureStore } from "./pictures.ts";
import { Setup } from "./setup.ts";
import type { SignIn } from "./sign-in.ts";

/** What all screens share: who is signed in, the cloud as that person sees it, and what goes on beyond a single screen. */
export class App {
  readonly settings: CloudSettings;
  readonly announcer = new Announcer();
  readonly activity = new ActivityLog();
  /** The last picture that was asked for, of each camera. */
  readonly photos = new Map<string, PhotoRun>();
  readonly setup: Setup;
  /** Why the person is asked to sign in, where that is not obvious. */
  signedOutBecause: "SignedOut" | "SessionExpired" | undefined;
  /** Why the person could not be signed in as before the reload. */
  resumeProblem: unknown;
  /** Told when the connection to the cloud comes or goes. */
  connectionChanged: (isOnline: boolean) => void = () => {};
  #cloud?: PhoneCloud;
  #pictures?: PictureStore;
  #signIn: SignIn;

  constructor(settings: CloudSettings, signIn: SignIn) {
    this.settings = settings;
    this.#signIn = signIn;
    this.setup = new Setup(settings, this.activity);
    signIn.onForgotten(settings, () => void this.signOut());
  }

  get username(): string | undefined {
    return this.#cloud?.account.username;
  }

  get isSignedIn(): boolean {
    return this.#cloud !== undefined;
  }

  /** Only for screens that are shown to somebody who is signed in. */
  get cloud(): PhoneCloud {
    if (!this.#cloud) throw new Error("nobody is signed in");
    return this.#cloud;
  }

  get pictures(): PictureStore {
    if (!this.#pictures) throw new Error("nobody is signed in");
    return this.#pictures;
  }

  /** Goes on as who was signed in before a reload. @throws AccountError NetworkUnavailable */
  async resume(): Promise<void> {
    const wasSignedIn = this.#signIn.isRemembered(this.settings);
    const account = await this.#signIn.resume(this.settings, this.activity);
    if (account) this.#enter(account);
    else if (wasSignedIn) this.signedOutBecause = "SessionExpired";
  }

  /** @throws AccountError */
  async signIn(request: { username: string; password: string; newPassword?: string }): Promise<void> {
    this.#enter(await this.#signIn.signIn(this.settings, request, this.activity));
    this.signedOutBecause = undefined;
    this.resumeProblem = undefined;
  }

  async signOut(): Promise<void> {
    await this.#cloud?.account.signOut();
  }

  #enter(account: Account): void {
    const cloud = this.#signIn.openCloud(account, this.settings, this.activity);
    this.#cloud = cloud;
    this.#pictures = new PictureStore(cloud.gallery);
    account.on("signedout", ({ reason }) => {
      if (this.#cloud === cloud) this.#left(reason);
    });
    cloud.on("connection", ({ state }) => {
      if (this.#cloud === cloud) this.connectionChanged(state === "online");
    });
    // It goes on trying by itself; the screens show the state of the connection.
    cloud.connect().catch(() => {});
  }

  #left(reason: "SignedOut" | "SessionExpired"): void {
    this.#cloud?.close().catch(() => {});
    this.#cloud = undefined;
    this.#pictures?.clear();
    this.#pictures = undefined;
    for (const run of this.photos.values()) run.stop();
    this.photos.clear();
    this.activity.clear();
    void this.setup.close();
    this.signedOutBecause = reason;
    // The navigation leads to the sign-in from there, and knows the way back.
    const { screen, argument } = readRoute();
    go(screen, argument);
  }
}
