import type { Account, SignInRequest } from "../../account.ts";
import type { ActivityLog } from "../../activity.ts";
import type { CloudSettings } from "../../cloud-settings.ts";
import type { PhoneCloud } from "../../phone-cloud.ts";
import { WebTokenStore } from "../../token-store.ts";

/** The way to an account and its cloud. */
export interface SignIn {
  /** Whether somebody was signed in when the page was loaded, even if that is no longer good. */
  isRemembered(settings: CloudSettings): boolean;
  /** Calls `run` when the person has signed out in another tab. */
  onForgotten(settings: CloudSettings, run: () => void): void;
  signIn(settings: CloudSettings, request: SignInRequest, activity: ActivityLog): Promise<Account>;
  resume(settings: CloudSettings, activity: ActivityLog): Promise<Account | undefined>;
  openCloud(account: Account, settings: CloudSettings, activity: ActivityLog): PhoneCloud;
}

/** Stays signed in over a reload, and until the person signs out: the refresh token lies in the browser's own storage. */
const storeFor = (settings: CloudSettings) => new WebTokenStore(localStorage, settings);

/** With the AWS SDK, which is loaded while the person reads or types. */
export async function loadSignIn(): Promise<SignIn> {
  const [{ Account }, { PhoneCloud }] = await Promise.all([import("../../account.ts"), import("../../phone-cloud.ts")]);
  return {
    isRemembered: (settings) => storeFor(settings).load() !== undefined,
    // Told to the other tabs of the same browser only.
    onForgotten: (settings, run) =>
      window.addEventListener("storage", ({ newValue }) => {
        if (newValue === null && !storeFor(settings).load()) run();
      }),
    signIn: (settings, request, activity) => Account.signIn(settings, request, { store: storeFor(settings), activity }),
    resume: (settings, activity) => Account.resume(settings, { store: storeFor(settings), activity }),
    openCloud: (account, settings, activity) => new PhoneCloud(account, settings, { activity }),
  };
}
