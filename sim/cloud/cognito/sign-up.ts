import { decoyDelivery, deliveryFor, expiredCode, noDelivery, sendCode, takeCode } from "./codes.ts";
import { CognitoError, invalidParameter, notAuthorized } from "./errors.ts";
import { type Input, usernameLimits } from "./input.ts";
import { checkPassword } from "./password-policy.ts";
import type { UserPool } from "./user-pool.ts";
import type { User } from "./users.ts";

/** Accounts that people make, and passwords that they have forgotten. */

export function signUp(pool: UserPool, input: Input): object {
  pool.checkClient(input.text("ClientId"));
  const username = input.text("Username", usernameLimits);
  const password = input.text("Password");
  const attributes = withoutVerdicts(input.attributes("UserAttributes"));
  if (!pool.settings.selfSignUp) throw notAuthorized("SignUp is not permitted for this user pool");
  checkPassword(password, pool.settings.passwordPolicy);
  if (pool.users.find(username)) throw new CognitoError("UsernameExistsException", "User already exists");
  const user = pool.users.add({ username, status: "UNCONFIRMED", attributes });
  pool.setPassword(user, password);
  pool.users.save(user);
  const delivery = deliveryFor(user, { verified: false });
  if (delivery) sendCode(pool, user, "ConfirmSignUp");
  return { UserConfirmed: false, UserSub: user.sub, ...(delivery ? { CodeDeliveryDetails: delivery } : {}) };
}

export function confirmSignUp(pool: UserPool, input: Input): object {
  pool.checkClient(input.text("ClientId"));
  const user = findUser(pool, input.text("Username", usernameLimits));
  const code = input.text("ConfirmationCode");
  if (!user) throw expiredCode();
  if (user.status !== "UNCONFIRMED") throw notAuthorized(`User cannot be confirmed. Current status is ${user.status}`);
  takeCode(pool, user, "ConfirmSignUp", code);
  const delivery = deliveryFor(user, { verified: false });
  if (delivery) user.attributes[`${delivery.AttributeName}_verified`] = "true";
  user.status = "CONFIRMED";
  pool.users.save(user);
  return {};
}

export function resendConfirmationCode(pool: UserPool, input: Input): object {
  pool.checkClient(input.text("ClientId"));
  const name = input.text("Username", usernameLimits);
  const user = findUser(pool, name);
  if (!user) return { CodeDeliveryDetails: decoyDelivery(name) };
  if (user.status !== "UNCONFIRMED") throw invalidParameter("User is already confirmed.");
  const delivery = deliveryFor(user, { verified: false });
  if (!delivery) throw invalidParameter("Cannot resend codes. Auto verification not turned on.");
  sendCode(pool, user, "ConfirmSignUp");
  return { CodeDeliveryDetails: delivery };
}

export function forgotPassword(pool: UserPool, input: Input): object {
  pool.checkClient(input.text("ClientId"));
  const name = input.text("Username", usernameLimits);
  const user = findUser(pool, name);
  if (!user) return { CodeDeliveryDetails: decoyDelivery(name) };
  if (!user.enabled) throw notAuthorized("User is disabled.");
  if (user.status === "FORCE_CHANGE_PASSWORD")
    throw notAuthorized("User password cannot be reset in the current state.");
  const delivery = deliveryFor(user, { verified: true });
  if (!delivery) throw noDelivery();
  sendCode(pool, user, "ForgotPassword");
  return { CodeDeliveryDetails: delivery };
}

export function confirmForgotPassword(pool: UserPool, input: Input): object {
  pool.checkClient(input.text("ClientId"));
  const user = findUser(pool, input.text("Username", usernameLimits));
  const code = input.text("ConfirmationCode");
  const password = input.text("Password");
  checkPassword(password, pool.settings.passwordPolicy);
  if (!user) throw expiredCode();
  if (!user.enabled) throw notAuthorized("User is disabled.");
  takeCode(pool, user, "ForgotPassword", code);
  pool.setPassword(user, password);
  user.status = "CONFIRMED";
  pool.lockout.succeeded(user.username.toLowerCase());
  pool.users.save(user);
  return {};
}

/** @returns undefined if nobody is to learn that there is no such user */
function findUser(pool: UserPool, name: string): User | undefined {
  const user = pool.users.find(name);
  if (!user && !pool.settings.preventUserExistenceErrors) {
    throw new CognitoError("UserNotFoundException", "Username/client id combination not found.");
  }
  return user;
}

/** Nobody says of himself that an address is his. */
function withoutVerdicts(attributes: Record<string, string>): Record<string, string> {
  for (const name of ["sub", "email_verified", "phone_number_verified"]) {
    if (name in attributes) throw notAuthorized("A client attempted to write unauthorized attribute");
  }
  return attributes;
}
