import { GetCredentialsForIdentityCommand, GetIdCommand } from "@aws-sdk/client-cognito-identity";
import { type CredentialSource, makeCognitoClients, type TemporaryCredentials } from "./aws-clients.ts";
import { isNetworkError } from "./aws-errors.ts";
import { CloudClock } from "./cloud-clock.ts";
import { AccountError } from "./cloud-errors.ts";
import type { CloudSettings } from "./cloud-settings.ts";
import { refreshTokens, revokeToken, signInWithPassword, type Tokens, type UserPool } from "./cognito.ts";
import { Emitter } from "./emitter.ts";
import { MemoryTokenStore, type TokenStore } from "./token-store.ts";
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

export interface AccountEvents {
  /** Nobody is signed in any more: signOut() was called, or the refresh token is dead (SessionExpired). */
  signedout: { reason: "SignedOut" | "SessionExpired" };
}

/** Credentials are renewed when a quarter of their life is left, at the latest five minutes before their end; milliseconds. */
const longestMargin = 5 * 60_000;

/** A person who has signed in, with temporary AWS credentials that renew themselves. */
export class Account extends Emitter<AccountEvents> implements CredentialSource {
  readonly settings: CloudSettings;
  readonly username: string;
  #clients: ReturnType<typeof makeCognitoClients>;
  #store: TokenStore;
  #clock = new CloudClock();
  #tokens: Tokens & { refreshToken: string };
  #identityId = "";
  #credentials?: TemporaryCredentials;
  #renewAt = 0;
  #renewing?: Promise<TemporaryCredentials>;
  #isSignedIn = true;

  private constructor(parts: {
    settings: CloudSettings;
    username: string;
    clients: ReturnType<typeof makeCognitoClients>;
    store: TokenStore;
    tokens: Tokens & { refreshToken: string };
  }) {
    super();
    this.settings = parts.settings;
    this.username = parts.username;
    this.#clients = parts.clients;
    this.#store = parts.store;
    this.#tokens = parts.tokens;
    this.#clock.learn(parts.tokens.issued);
  }

  /**
   * @throws AccountError WrongPassword, UserNotFound, UserDisabled, NotConfirmed, NewPasswordRequired, NewPasswordRefused,
   * PasswordResetRequired, ChallengeNotSupported, TooManyAttempts, NetworkUnavailable, AccountNotSetUp
   */
  static async signIn(settings: CloudSettings, request: SignInRequest, options: AccountOptions = {}): Promise<Account> {
    const clients = makeCognitoClients(settings, options);
    const tokens = await signInWithPassword({ client: clients.idp, ...settings }, request);
    const { refreshToken } = tokens;
    if (!refreshToken) throw new AccountError("AccountNotSetUp", "the user pool gave no refresh token");
    const { store = new MemoryTokenStore() } = options;
    const { username } = request;
    const account = new Account({ settings, username, clients, store, tokens: { ...tokens, refreshToken } });
    await account.#open();
    store.save({ username, refreshToken });
    return account;
  }

  /**
   * Goes on from the stored refresh token.
   * @returns undefined when there is none, or it is dead
   * @throws AccountError NetworkUnavailable, TooManyAttempts, AccountNotSetUp
   */
  static async resume(settings: CloudSettings, options: AccountOptions): Promise<Account | undefined> {
    const { store } = options;
    const session = store?.load();
    if (!store || !session) return undefined;
    const { username, refreshToken } = session;
    const clients = makeCognitoClients(settings, options);
    try {
      const tokens = await refreshTokens({ client: clients.idp, ...settings }, refreshToken);
      const account = new Account({ settings, username, clients, store, tokens: { refreshToken, ...defined(tokens) } });
      await account.#open();
      account.#keep();
      return account;
    } catch (error) {
      if (!(error instanceof AccountError) || error.code !== "SessionExpired") throw error;
      store.clear();
      return undefined;
    }
  }

  /** Of the identity pool: the person in keys, topics and policies. */
  get identityId(): string {
    return this.#identityId;
  }

  get isSignedIn(): boolean {
    return this.#isSignedIn;
  }

  get clockOffset(): number {
    return this.#clock.offset;
  }

  /** Milliseconds since 1970, by the cloud's clock. */
  now(): number {
    return this.#clock.now();
  }

  /**
   * Temporary credentials that have some life left; for the SDK's clients. Whoever asks while they are being renewed waits for the same ones.
   * @throws AccountError SessionExpired, NetworkUnavailable
   */
  readonly credentials = async (): Promise<TemporaryCredentials> => {
    if (!this.#isSignedIn) throw new AccountError("SessionExpired", "nobody is signed in");
    if (this.#credentials && this.now() < this.#renewAt) return this.#credentials;
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  };

  renew(dead: TemporaryCredentials): void {
    if (this.#credentials?.accessKeyId === dead.accessKeyId) this.#credentials = undefined;
  }

  /** Forgets, and revokes the refresh token. Does not fail: without network it forgets all the same. */
  async signOut(): Promise<void> {
    if (!this.#isSignedIn) return;
    const { refreshToken } = this.#tokens;
    this.#end("SignedOut");
    await revokeToken(this.#pool, refreshToken).catch(() => {});
  }

  get #pool(): UserPool {
    const { userPoolId, userPoolClientId } = this.settings;
    return { client: this.#clients.idp, userPoolId, userPoolClientId };
  }

  /** Name of the user pool as identity pools know it. */
  get #logins(): Record<string, string> {
    const { region, userPoolId } = this.settings;
    const domain = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
    return { [`cognito-idp.${region}.${domain}/${userPoolId}`]: this.#tokens.idToken };
  }

  async #open(): Promise<void> {
    const { identityPoolId: IdentityPoolId } = this.settings;
    try {
      const { IdentityId } = await this.#clients.identity.send(
        new GetIdCommand({ IdentityPoolId, Logins: this.#logins }),
      );
      this.#identityId = IdentityId ?? "";
    } catch (error) {
      throw identityError(error);
    }
    await this.credentials();
  }

  async #renew(): Promise<TemporaryCredentials> {
    const current = this.#credentials;
    try {
      const fresh = await this.#fetchCredentials();
      const life = fresh.expiration.getTime() - this.now();
      this.#renewAt = fresh.expiration.getTime() - Math.min(life / 4, longestMargin);
      this.#credentials = fresh;
      return fresh;
    } catch (error) {
      // No network just now: what is there is good for a while yet.
      const isOffline = error instanceof AccountError && error.code === "NetworkUnavailable";
      if (isOffline && current && current.expiration.getTime() > this.now()) return current;
      throw error;
    }
  }

  async #fetchCredentials(): Promise<TemporaryCredentials> {
    if (this.now() > this.#tokens.expires - longestMargin) await this.#refresh();
    try {
      return await this.#askForCredentials();
    } catch (error) {
      if ((error as Error).name !== "NotAuthorizedException") throw identityError(error);
    }
    // The token may have been revoked, or be older than our clock says.
    await this.#refresh();
    return await this.#askForCredentials().catch((error) => {
      throw identityError(error);
    });
  }

  async #askForCredentials(): Promise<TemporaryCredentials> {
    const { Credentials } = await this.#clients.identity.send(
      new GetCredentialsForIdentityCommand({ IdentityId: this.#identityId, Logins: this.#logins }),
    );
    const { AccessKeyId, SecretKey, SessionToken, Expiration } = Credentials ?? {};
    if (!AccessKeyId || !SecretKey || !SessionToken || !Expiration)
      throw new AccountError("AccountNotSetUp", "the identity pool gave no credentials");
    return { accessKeyId: AccessKeyId, secretAccessKey: SecretKey, sessionToken: SessionToken, expiration: Expiration };
  }

  async #refresh(): Promise<void> {
    try {
      await this.#refreshWith(this.#tokens.refreshToken);
    } catch (error) {
      if (!(error instanceof AccountError) || error.code !== "SessionExpired") throw error;
      // Another page of the same person may have been given a newer one.
      const stored = this.#store.load()?.refreshToken;
      if (stored && stored !== this.#tokens.refreshToken && (await this.#succeeds(stored))) return;
      this.#end("SessionExpired");
      throw error;
    }
  }

  async #succeeds(refreshToken: string): Promise<boolean> {
    return this.#refreshWith(refreshToken).then(
      () => true,
      () => false,
    );
  }

  async #refreshWith(refreshToken: string): Promise<void> {
    const tokens = await refreshTokens(this.#pool, refreshToken);
    this.#tokens = { refreshToken, ...defined(tokens) };
    this.#clock.learn(tokens.issued);
    this.#keep();
  }

  #keep(): void {
    const { username } = this;
    if (this.#isSignedIn) this.#store.save({ username, refreshToken: this.#tokens.refreshToken });
  }

  #end(reason: AccountEvents["signedout"]["reason"]): void {
    if (!this.#isSignedIn) return;
    this.#isSignedIn = false;
    this.#credentials = undefined;
    this.#store.clear();
    this.emit("signedout", { reason });
  }
}

/** Without the fields that are undefined, which would overwrite others in a spread. */
function defined(tokens: Tokens): Tokens {
  const { refreshToken, ...rest } = tokens;
  return refreshToken ? tokens : rest;
}

/** Of the identity pool. */
function identityError(error: unknown): Error {
  if (error instanceof AccountError) return error;
  const { name, message } = error as Error;
  const as = (code: "NetworkUnavailable" | "TooManyAttempts" | "AccountNotSetUp") =>
    new AccountError(code, `${name}: ${message}`, { cause: error });
  if (isNetworkError(error)) return as("NetworkUnavailable");
  if (name === "TooManyRequestsException" || name === "LimitExceededException") return as("TooManyAttempts");
  return as("AccountNotSetUp");
}
