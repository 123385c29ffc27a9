import { ownMember } from "../../own-member.ts";
import { deliveryFor, noDelivery, sendCode } from "./codes.ts";
import { CognitoError, invalidParameter, userNotFound } from "./errors.ts";
import { type Input, usernameLimits } from "./input.ts";
import { attributeList } from "./own-account.ts";
import { checkPassword, makePassword } from "./password-policy.ts";
import type { UserPool } from "./user-pool.ts";
import type { User } from "./users.ts";

/** What the account's owner does with users; every request is signed. */

export function adminCreateUser(pool: UserPool, input: Input): object {
  const username = input.text("Username", usernameLimits);
  const action = input.optionalText("MessageAction");
  const { passwordPolicy, temporaryPasswordSeconds } = pool.settings;
  const password = input.optionalText("TemporaryPassword") ?? makePassword(passwordPolicy);
  const attributes = input.attributes("UserAttributes");
  if ("sub" in attributes) throw invalidParameter("Cannot modify the non-mutable attribute sub");
  checkPassword(password, passwordPolicy);
  let user = pool.users.find(username);
  if (action === "RESEND") {
    if (!user) throw userNotFound();
    if (user.status !== "FORCE_CHANGE_PASSWORD")
      throw new CognitoError(
        "UnsupportedUserStateException",
        `Resend not possible. ${username} status is not FORCE_CHANGE_PASSWORD`,
      );
  } else if (user) throw new CognitoError("UsernameExistsException", "User account already exists");
  user ??= pool.users.add({ username, status: "FORCE_CHANGE_PASSWORD", attributes });
  pool.setPassword(user, password);
  user.temporaryUntil = new Date(Date.now() + temporaryPasswordSeconds * 1000).toISOString();
  pool.users.save(user);
  if (action !== "SUPPRESS") pool.emit("message", { username, purpose: "AdminCreateUser", code: password });
  return { User: describe(user) };
}

export function adminSetUserPassword(pool: UserPool, input: Input): object {
  const user = findUser(pool, input);
  const password = input.text("Password");
  checkPassword(password, pool.settings.passwordPolicy);
  pool.setPassword(user, password);
  if (input.flag("Permanent")) user.status = "CONFIRMED";
  else {
    user.status = "FORCE_CHANGE_PASSWORD";
    user.temporaryUntil = new Date(Date.now() + pool.settings.temporaryPasswordSeconds * 1000).toISOString();
  }
  pool.lockout.succeeded(user.username.toLowerCase());
  pool.users.save(user);
  return {};
}

/** Nobody signs in with the old password any more; a code is sent. */
export function adminResetUserPassword(pool: UserPool, input: Input): object {
  const user = findUser(pool, input);
  if (!deliveryFor(user, { verified: true })) throw noDelivery();
  user.status = "RESET_REQUIRED";
  sendCode(pool, user, "ForgotPassword");
  return {};
}

export function adminConfirmSignUp(pool: UserPool, input: Input): object {
  const user = findUser(pool, input);
  if (user.status !== "UNCONFIRMED")
    throw new CognitoError("NotAuthorizedException", `User cannot be confirmed. Current status is ${user.status}`);
  user.status = "CONFIRMED";
  pool.users.save(user);
  return {};
}

export function adminDeleteUser(pool: UserPool, input: Input): object {
  const user = findUser(pool, input);
  pool.sessions.revokeAll(user.sub);
  pool.users.remove(user);
  return {};
}

export function adminDisableUser(pool: UserPool, input: Input): object {
  return setEnabled(pool, findUser(pool, input), false);
}

export function adminEnableUser(pool: UserPool, input: Input): object {
  return setEnabled(pool, findUser(pool, input), true);
}

export function adminUserGlobalSignOut(pool: UserPool, input: Input): object {
  pool.sessions.revokeAll(findUser(pool, input).sub);
  return {};
}

export function adminUpdateUserAttributes(pool: UserPool, input: Input): object {
  const user = findUser(pool, input);
  const attributes = input.attributes("UserAttributes");
  if ("sub" in attributes) throw invalidParameter("Cannot modify the non-mutable attribute sub");
  Object.assign(user.attributes, attributes);
  pool.users.save(user);
  return {};
}

export function adminGetUser(pool: UserPool, input: Input): object {
  const user = findUser(pool, input);
  const { Attributes, ...rest } = describe(user);
  return { ...rest, UserAttributes: Attributes };
}

/** At most 60 a page, those who came first in front. */
export function listUsers(pool: UserPool, input: Input): object {
  const limit = input.optionalNumber("Limit") ?? 60;
  if (limit < 1 || limit > 60) throw invalidParameter("Limit must be between 1 and 60");
  const token = input.optionalText("PaginationToken");
  const start = token === undefined ? 0 : Number(Buffer.from(token, "base64"));
  if (!Number.isInteger(start)) throw invalidParameter("Invalid pagination token");
  const wanted = input.list("AttributesToGet");
  const matching = pool.users.list().filter(readFilter(input.optionalText("Filter") ?? ""));
  const end = start + limit;
  return {
    Users: matching.slice(start, end).map((user) => describe(user, wanted)),
    ...(end < matching.length ? { PaginationToken: Buffer.from(String(end)).toString("base64") } : {}),
  };
}

/** `name = "value"` or `name ^= "start"`. */
function readFilter(filter: string): (user: User) => boolean {
  if (!filter) return () => true;
  const match = /^\s*"?([\w:]+)"?\s*(\^?=)\s*"((?:[^"\\]|\\.)*)"\s*$/.exec(filter);
  if (!match) throw invalidParameter("Error while parsing filter.");
  const [, name, operator] = match;
  const wanted = match[3].replace(/\\(.)/g, "$1");
  return (user) => {
    const known: Record<string, string> = {
      ...user.attributes,
      sub: user.sub,
      username: user.username,
      "cognito:user_status": user.status,
      status: user.enabled ? "Enabled" : "Disabled",
    };
    const value = ownMember(known, name);
    return operator === "=" ? value === wanted : (value?.startsWith(wanted) ?? false);
  };
}

function setEnabled(pool: UserPool, user: User, enabled: boolean): object {
  user.enabled = enabled;
  if (!enabled) pool.sessions.revokeAll(user.sub);
  pool.users.save(user);
  return {};
}

function findUser(pool: UserPool, input: Input): User {
  const user = pool.users.find(input.text("Username", usernameLimits));
  if (!user) throw userNotFound();
  return user;
}

function describe(user: User, wanted?: string[]) {
  return {
    Username: user.username,
    Attributes: attributeList(user, wanted),
    UserCreateDate: Date.parse(user.created) / 1000,
    UserLastModifiedDate: Date.parse(user.modified) / 1000,
    Enabled: user.enabled,
    UserStatus: user.status,
  };
}
