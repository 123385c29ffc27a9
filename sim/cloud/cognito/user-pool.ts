import { createHmac } from "node:crypto";
import { EventEmitter } from "node:events";
import { join } from "node:path";
import { Lockout, Quota } from "./attempts.ts";
import { CognitoError, notAuthorized, userNotFound } from "./errors.ts";
import type { SigningKey } from "./jwt.ts";
import { Seal } from "./seal.ts";
import { type Session, Sessions } from "./sessions.ts";
import type { CognitoSettings } from "./settings.ts";
import { makeVerifier, type PasswordVerifier } from "./srp.ts";
import { UserTokens } from "./user-tokens.ts";
import { type CodePurpose, type User, Users } from "./users.ts";

/** What a pool is, for as long as it exists. */
export interface PoolIdentity {
  userPoolId: string;
  clientId: string;
  keys: { id: SigningKey; access: SigningKey };
  /** 32 bytes, base64: seals challenges. */
  secret: string;
}

export interface UserPoolOptions {
  region: string;
  accountId: string;
  identity: PoolIdentity;
  settings: CognitoSettings;
  /** Where users and sessions are kept. */
  directory: string;
}

/** What a real pool would send by mail. */
export interface Message {
  username: string;
  purpose: CodePurpose | "AdminCreateUser";
  /** A code, or the temporary password. */
  code: string;
}

interface UserPoolEvents {
  message: [Message];
}

/** A user pool with one client: its state, and what all its operations have in common. */
export class UserPool extends EventEmitter<UserPoolEvents> {
  readonly id: string;
  readonly clientId: string;
  readonly arn: string;
  readonly settings: CognitoSettings;
  readonly users: Users;
  readonly sessions: Sessions;
  readonly tokens: UserTokens;
  readonly seal: Seal;
  readonly lockout = new Lockout();
  /** Sign-ins of everybody, in a second. */
  readonly signIns: Quota;
  /** Codes that a user may have, and try, in an hour. */
  readonly codesSent = new Quota(5, 60 * 60 * 1000);
  readonly codesTried = new Quota(5, 60 * 60 * 1000);
  readonly #secret: Buffer;

  constructor({ region, accountId, identity, settings, directory }: UserPoolOptions) {
    super();
    const { userPoolId, clientId, keys, secret } = identity;
    this.id = userPoolId;
    this.clientId = clientId;
    this.arn = `arn:aws:cognito-idp:${region}:${accountId}:userpool/${userPoolId}`;
    this.settings = settings;
    this.users = new Users(join(directory, "users.json"));
    this.sessions = new Sessions(join(directory, "sessions.json"));
    this.#secret = Buffer.from(secret, "base64");
    this.seal = new Seal(this.#secret);
    this.signIns = new Quota(settings.requestsPerSecond, 1000);
    const issuer = `https://cognito-idp.${region}.amazonaws.com/${userPoolId}`;
    this.tokens = new UserTokens({ issuer, clientId, keys, seconds: settings.tokenSeconds });
  }

  /** The name that passwords are hashed with. */
  get name(): string {
    return this.id.slice(this.id.indexOf("_") + 1);
  }

  /** The provider's name in an identity pool's Logins. */
  get providerName(): string {
    const [region] = this.id.split("_");
    return `cognito-idp.${region}.amazonaws.com/${this.id}`;
  }

  /** @throws CognitoError ResourceNotFoundException */
  checkClient(clientId: string): void {
    if (clientId === this.clientId) return;
    throw new CognitoError("ResourceNotFoundException", `User pool client ${clientId} does not exist.`);
  }

  /** @throws CognitoError TooManyRequestsException */
  takeSignIn(): void {
    if (!this.signIns.take("")) throw new CognitoError("TooManyRequestsException", "Rate exceeded");
  }

  setPassword(user: User, password: string): void {
    user.password = makeVerifier(this.name, user.username, password);
    user.temporaryUntil = undefined;
  }

  /** For somebody who does not exist: the same salt each time, and a verifier to which there is no password. */
  decoyVerifier(username: string): PasswordVerifier {
    const derive = (what: string) => createHmac("sha256", this.#secret).update(`${what}:${username.toLowerCase()}`);
    return { salt: derive("salt").digest("hex").slice(0, 32), verifier: derive("verifier").digest("hex") };
  }

  /** Who an access token speaks for. @throws CognitoError NotAuthorizedException, UserNotFoundException */
  authorize(accessToken: string): { user: User; session: Session } {
    const { sub, sessionId } = this.tokens.readAccess(accessToken);
    const user = this.users.findBySub(sub);
    if (!user) throw userNotFound();
    if (!user.enabled) throw notAuthorized("User is disabled.");
    const session = this.sessions.get(sessionId);
    if (!session || session.revoked) throw notAuthorized("Access Token has been revoked");
    return { user, session };
  }
}
