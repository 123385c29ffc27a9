import {
  type AuthenticationResultType,
  type CognitoIdentityProviderClient,
  GetTokensFromRefreshTokenCommand,
  InitiateAuthCommand,
  RespondToAuthChallengeCommand,
  type RespondToAuthChallengeCommandOutput,
  RevokeTokenCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { createSrpSession, signSrpSession, wrapAuthChallenge, wrapInitiateAuth } from "cognito-srp-helper";
import { ownMember } from "../own-member.ts";
import { isNetworkError } from "./aws-errors.ts";
import { fromBase64, fromUTF8 } from "./bytes.ts";
import { AccountError, type AccountErrorCode } from "./cloud-errors.ts";

/** What a user pool gives to somebody who has signed in. */
export interface Tokens {
  idToken: string;
  /** Absent where the old one stays. */
  refreshToken?: string;
  /** Milliseconds since 1970 by the cloud's clock: when the id token was made, and when it dies. */
  issued: number;
  expires: number;
}

export interface UserPool {
  client: CognitoIdentityProviderClient;
  userPoolId: string;
  userPoolClientId: string;
}

interface Person {
  username: string;
  password: string;
  newPassword?: string;
}

/** Signs in with SRP: the password does not leave the machine. @throws AccountError */
export async function signInWithPassword(pool: UserPool, person: Person): Promise<Tokens> {
  const { client, userPoolId, userPoolClientId: ClientId } = pool;
  const { username: USERNAME, password, newPassword } = person;
  try {
    const session = createSrpSession(USERNAME, password, userPoolId, false);
    const request = { ClientId, AuthFlow: "USER_SRP_AUTH" as const, AuthParameters: { USERNAME } };
    const challenge = await client.send(new InitiateAuthCommand(wrapInitiateAuth(session, request)));
    expectChallenge(challenge.ChallengeName, "PASSWORD_VERIFIER");
    const userId = challenge.ChallengeParameters?.USER_ID_FOR_SRP ?? USERNAME;
    const proof = wrapAuthChallenge(signSrpSession(session, challenge), {
      ClientId,
      ChallengeName: "PASSWORD_VERIFIER" as const,
      ChallengeResponses: { USERNAME: userId },
      Session: challenge.Session,
    });
    const answer = await client.send(new RespondToAuthChallengeCommand(proof));
    return tokensOf(answer.AuthenticationResult ?? (await setNewPassword(pool, answer, { userId, newPassword })));
  } catch (error) {
    throw signInError(error);
  }
}

/** An account that an administrator has made wants a password of the person's own first. */
async function setNewPassword(
  { client, userPoolClientId: ClientId }: UserPool,
  { ChallengeName, Session }: RespondToAuthChallengeCommandOutput,
  { userId: USERNAME, newPassword }: { userId: string; newPassword?: string },
): Promise<AuthenticationResultType | undefined> {
  expectChallenge(ChallengeName, "NEW_PASSWORD_REQUIRED");
  if (!newPassword) throw new AccountError("NewPasswordRequired", "the account needs a password of your own");
  const ChallengeResponses = { USERNAME, NEW_PASSWORD: newPassword };
  const done = await client.send(
    new RespondToAuthChallengeCommand({ ClientId, ChallengeName, ChallengeResponses, Session }),
  );
  if (!done.AuthenticationResult) throw unsupported(done.ChallengeName);
  return done.AuthenticationResult;
}

/** New tokens without the password. @throws AccountError SessionExpired, NetworkUnavailable, ... */
export async function refreshTokens(pool: UserPool, refreshToken: string): Promise<Tokens> {
  const { client, userPoolClientId: ClientId } = pool;
  try {
    // Unlike InitiateAuth it serves clients with rotation of refresh tokens and those without.
    const command = new GetTokensFromRefreshTokenCommand({ ClientId, RefreshToken: refreshToken });
    const answer = await client.send(command);
    return tokensOf(answer.AuthenticationResult);
  } catch (error) {
    const dead = [
      "NotAuthorizedException",
      "RefreshTokenReuseException",
      "UserNotFoundException",
      "PasswordResetRequiredException",
    ];
    if (dead.includes((error as Error).name))
      throw new AccountError("SessionExpired", "the sign-in is no longer valid", { cause: error });
    throw signInError(error);
  }
}

/** After this the refresh token is good for nothing. */
export async function revokeToken({ client, userPoolClientId }: UserPool, refreshToken: string): Promise<void> {
  await client.send(new RevokeTokenCommand({ ClientId: userPoolClientId, Token: refreshToken }));
}

function tokensOf(result: AuthenticationResultType | undefined): Tokens {
  const { IdToken: idToken, RefreshToken: refreshToken } = result ?? {};
  if (!idToken) throw new AccountError("AccountNotSetUp", "the user pool gave no id token");
  const { iat, exp } = claimsOf(idToken);
  return { idToken, refreshToken, issued: iat * 1000, expires: exp * 1000 };
}

/** Of a JSON Web Token; nothing is verified here, the services do that. */
function claimsOf(token: string): { iat: number; exp: number } {
  const payload = token.split(".")[1] ?? "";
  return JSON.parse(fromUTF8(fromBase64(payload.replaceAll("-", "+").replaceAll("_", "/"))));
}

function expectChallenge(name: string | undefined, expected: string): void {
  if (name !== expected) throw unsupported(name);
}

function unsupported(challenge: string | undefined): AccountError {
  return new AccountError("ChallengeNotSupported", `the user pool asks for ${challenge ?? "nothing that is known"}`);
}

const meanings: Record<string, AccountErrorCode> = {
  NotAuthorizedException: "WrongPassword",
  UserNotFoundException: "UserNotFound",
  UserNotConfirmedException: "NotConfirmed",
  PasswordResetRequiredException: "PasswordResetRequired",
  InvalidPasswordException: "NewPasswordRefused",
  PasswordHistoryPolicyViolationException: "NewPasswordRefused",
  TooManyRequestsException: "TooManyAttempts",
  TooManyFailedAttemptsException: "TooManyAttempts",
  LimitExceededException: "TooManyAttempts",
};

/** Cognito tells several things apart by words only. */
const wordings: [RegExp, AccountErrorCode][] = [
  [/attempts exceeded/i, "TooManyAttempts"],
  [/temporary password has expired/i, "PasswordResetRequired"],
  [/disabled/i, "UserDisabled"],
];

/** An error of Cognito under this library's name. */
export function signInError(error: unknown): Error {
  if (error instanceof AccountError) return error;
  const { name, message } = error as Error;
  const as = (code: AccountErrorCode) => new AccountError(code, message, { cause: error });
  if (isNetworkError(error)) return as("NetworkUnavailable");
  if (name === "NotAuthorizedException")
    return as(wordings.find(([words]) => words.test(message))?.[1] ?? "WrongPassword");
  return as(ownMember(meanings, name) ?? "AccountNotSetUp");
}
