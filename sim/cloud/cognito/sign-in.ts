import { CognitoError, invalidParameter, notAuthorized, userNotFound, wrongPassword } from "./errors.ts";
import { type Input, parameter } from "./input.ts";
import { checkPassword } from "./password-policy.ts";
import { refreshByFlow } from "./refresh.ts";
import type { SealFault } from "./seal.ts";
import {
  deriveKey,
  isPassword,
  isProof,
  isPublicKey,
  makeServerKeys,
  type PasswordVerifier,
  type ServerKeys,
} from "./srp.ts";
import type { UserPool } from "./user-pool.ts";
import type { User } from "./users.ts";

/** State of a sign-in that waits for its proof, in the secret block. */
interface SrpState {
  /** Absent for a name that nobody has. */
  sub?: string;
  username: string;
  clientPublic: string;
  keys: ServerKeys;
  verifier: PasswordVerifier;
}

const timestampPattern =
  /^(Sun|Mon|Tue|Wed|Thu|Fri|Sat) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{1,2} \d\d:\d\d:\d\d UTC \d{4}$/;

export function initiateAuth(pool: UserPool, input: Input): object {
  pool.checkClient(input.text("ClientId"));
  const flow = input.text("AuthFlow");
  const parameters = input.texts("AuthParameters");
  refuseSecretHash(pool, parameters);
  if (flow === "REFRESH_TOKEN_AUTH" || flow === "REFRESH_TOKEN") return refreshByFlow(pool, parameters);
  pool.takeSignIn();
  if (flow === "USER_SRP_AUTH") return startSrp(pool, parameters);
  if (flow === "USER_PASSWORD_AUTH") return signInWithPassword(pool, parameters);
  throw invalidParameter(`${flow} is not enabled for the client.`);
}

export function respondToAuthChallenge(pool: UserPool, input: Input): object {
  pool.checkClient(input.text("ClientId"));
  const challenge = input.text("ChallengeName");
  const responses = input.texts("ChallengeResponses");
  refuseSecretHash(pool, responses);
  pool.takeSignIn();
  if (challenge === "PASSWORD_VERIFIER") return finishSrp(pool, responses);
  if (challenge === "NEW_PASSWORD_REQUIRED") return setNewPassword(pool, responses, input.text("Session"));
  throw invalidParameter(`${challenge} is not a challenge of this user pool.`);
}

function startSrp(pool: UserPool, parameters: Record<string, string>): object {
  const name = parameter(parameters, "USERNAME");
  const clientPublic = parameter(parameters, "SRP_A");
  if (!isPublicKey(clientPublic)) throw invalidParameter("SRP_A is not a valid public value.");
  const user = pool.users.find(name);
  if (!user && !pool.settings.preventUserExistenceErrors) throw userNotFound();
  const username = user?.username ?? name;
  const verifier = user?.password ?? pool.decoyVerifier(username);
  const keys = makeServerKeys(verifier.verifier);
  // Without a password there is nothing that could be proved: an account that somebody else has to finish first.
  const sub = user?.password && user.sub;
  const state: SrpState = { sub, username, clientPublic, keys, verifier };
  return {
    ChallengeName: "PASSWORD_VERIFIER",
    ChallengeParameters: {
      SALT: verifier.salt,
      SECRET_BLOCK: pool.seal.close("srp", state, pool.settings.challengeSeconds),
      SRP_B: keys.public,
      USERNAME: username,
      USER_ID_FOR_SRP: username,
    },
  };
}

function finishSrp(pool: UserPool, responses: Record<string, string>): object {
  const name = parameter(responses, "USERNAME");
  const signature = parameter(responses, "PASSWORD_CLAIM_SIGNATURE");
  const block = parameter(responses, "PASSWORD_CLAIM_SECRET_BLOCK");
  const timestamp = parameter(responses, "TIMESTAMP");
  if (!timestampPattern.test(timestamp))
    throw invalidParameter("TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english");
  const state = openSeal<SrpState>(pool, "srp", block);
  if (name.toLowerCase() !== state.username.toLowerCase() && name !== state.sub) throw wrongPassword();
  const user = state.sub === undefined ? undefined : pool.users.findBySub(state.sub);
  checkLockout(pool, state.username);
  const key = deriveKey(state.clientPublic, state.keys, state.verifier.verifier);
  const secretBlock = Buffer.from(block, "base64");
  const proof = { poolName: pool.name, userId: state.username, secretBlock, timestamp };
  const proved = key !== undefined && isProof(signature, key, proof);
  // A password that was changed in the meantime is the only one that counts.
  if (!proved || user?.password?.verifier !== state.verifier.verifier) throw failed(pool, state.username);
  return finish(pool, user);
}

function signInWithPassword(pool: UserPool, parameters: Record<string, string>): object {
  if (!pool.settings.passwordAuth) throw invalidParameter("USER_PASSWORD_AUTH flow not enabled for this client");
  const name = parameter(parameters, "USERNAME");
  const password = parameter(parameters, "PASSWORD");
  const user = pool.users.find(name);
  if (!user && !pool.settings.preventUserExistenceErrors) throw userNotFound();
  const username = user?.username ?? name;
  checkLockout(pool, username);
  const known = user?.password ?? pool.decoyVerifier(username);
  if (!isPassword(known, pool.name, username, password) || !user) throw failed(pool, username);
  return finish(pool, user);
}

/** The password was right; what else stands in the way? */
function finish(pool: UserPool, user: User): object {
  pool.lockout.succeeded(user.username.toLowerCase());
  if (!user.enabled) throw notAuthorized("User is disabled.");
  if (user.status === "UNCONFIRMED") throw new CognitoError("UserNotConfirmedException", "User is not confirmed.");
  if (user.status === "RESET_REQUIRED")
    throw new CognitoError("PasswordResetRequiredException", "Password reset required for the user");
  if (user.status === "CONFIRMED") return signedIn(pool, user);
  if (user.temporaryUntil && Date.parse(user.temporaryUntil) <= Date.now())
    throw notAuthorized("Temporary password has expired and must be reset by an administrator.");
  const { sub, username, attributes } = user;
  return {
    ChallengeName: "NEW_PASSWORD_REQUIRED",
    ChallengeParameters: {
      USER_ID_FOR_SRP: username,
      requiredAttributes: "[]",
      userAttributes: JSON.stringify(attributes),
    },
    Session: pool.seal.close("newPassword", { sub }, pool.settings.challengeSeconds),
  };
}

function setNewPassword(pool: UserPool, responses: Record<string, string>, session: string): object {
  const name = parameter(responses, "USERNAME");
  const password = parameter(responses, "NEW_PASSWORD");
  // Before the session is used up: whoever chose too weak a password may choose again.
  checkPassword(password, pool.settings.passwordPolicy);
  const { sub } = openSeal<{ sub: string }>(pool, "newPassword", session);
  const user = pool.users.findBySub(sub);
  if (!user || ![user.username.toLowerCase(), user.sub].includes(name.toLowerCase()))
    throw notAuthorized("Invalid session for the user.");
  if (!user.enabled) throw notAuthorized("User is disabled.");
  if (user.status !== "FORCE_CHANGE_PASSWORD") throw notAuthorized("Invalid session for the user.");
  for (const [key, value] of Object.entries(responses)) {
    if (key.startsWith("userAttributes."))
      user.attributes = { ...user.attributes, [key.slice("userAttributes.".length)]: value };
  }
  pool.setPassword(user, password);
  user.status = "CONFIRMED";
  pool.users.save(user);
  return signedIn(pool, user);
}

function signedIn(pool: UserPool, user: User): object {
  const { session, token } = pool.sessions.open(user.sub, pool.settings.refreshTokenSeconds);
  return {
    ChallengeParameters: {},
    AuthenticationResult: { ...pool.tokens.issue(user, session), RefreshToken: token },
  };
}

function checkLockout(pool: UserPool, username: string): void {
  if (pool.lockout.isLocked(username.toLowerCase())) throw notAuthorized("Password attempts exceeded");
}

function failed(pool: UserPool, username: string): CognitoError {
  pool.lockout.failed(username.toLowerCase());
  return wrongPassword();
}

const sealFaults: Record<SealFault, string> = {
  forged: "Invalid session for the user.",
  expired: "Invalid session for the user, session is expired.",
  used: "Invalid session for the user, session can only be used once.",
};

function openSeal<T>(pool: UserPool, kind: string, text: string): T {
  const result = pool.seal.open<T>(kind, text);
  if ("fault" in result) throw notAuthorized(sealFaults[result.fault]);
  return result.value;
}

/** The client has no secret: it runs in people's browsers. */
function refuseSecretHash(pool: UserPool, parameters: Record<string, string>): void {
  if (parameters.SECRET_HASH) throw notAuthorized(`Unable to verify secret hash for client ${pool.clientId}`);
}
