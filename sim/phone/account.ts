import type { AwsCredentialIdentity } from "@smithy/types";
import type { CloudSettings } from "./cloud-settings.ts";
import { Emitter } from "./emitter.ts";
import type { TokenStore } from "./token-store.ts";
import type { CloudOptions } from "./transport.ts";

export interface SignInRequest {
  username: string;
  password: string;
  /** The password of the person's own, when the last attempt failed with NewPasswordRequired. */
  newPassword?: string;
}

export interface AccountOptions extends CloudOptions {
  /** Default: a MemoryTokenStore. */
  store?: TokenStore;
}

/** Temporary credentials of the identity pool. `expiration` is by the cloud's clock. */
export type AccountCredentials = AwsCredentialIdentity & { expiration: Date; sessionToken: string };

export interface AccountEvents {
  /** Nobody is signed in any more: signOut() was called, or the refresh token is dead (SessionExpired). */
  signedout: { reason: "SignedOut" | "SessionExpired" };
}

export declare class Account extends Emitter<AccountEvents> {
  /** @throws AccountError WrongPassword, UserNotFound, NotConfirmed, NewPasswordRequired, PasswordResetRequired, TooManyAttempts, NetworkUnavailable, AccountNotSetUp */
  static signIn(settings: CloudSettings, request: SignInRequest, options?: AccountOptions): Promise<Account>;
  /** Goes on from the stored refresh token. @returns undefined when there is none, or it is dead @throws AccountError NetworkUnavailable, ... */
  static resume(settings: CloudSettings, options: AccountOptions): Promise<Account | undefined>;
  readonly settings: CloudSettings;
  readonly username: string;
  readonly identityId: string;
  readonly isSignedIn: boolean;
  /** For the SDK's clients: temporary credentials that have some life left. @throws AccountError SessionExpired, NetworkUnavailable */
  readonly credentials: () => Promise<AccountCredentials>;
  /** Milliseconds since 1970, by the cloud's clock. */
  now(): number;
  /** Forgets, and revokes the refresh token. Does not fail: without network it forgets all the same. */
  signOut(): Promise<void>;
}
