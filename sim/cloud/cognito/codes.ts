import { createHash, randomInt } from "node:crypto";
import { attemptLimit, CognitoError, invalidParameter } from "./errors.ts";
import type { UserPool } from "./user-pool.ts";
import type { CodePurpose, User } from "./users.ts";

/** Codes of six digits. A pool sends them by mail; here they become an event of the pool. */

export interface Delivery {
  Destination: string;
  DeliveryMedium: "EMAIL" | "SMS";
  AttributeName: "email" | "phone_number";
}

/**
 * Makes a code, which takes the place of the one before.
 *
 * @throws CognitoError LimitExceededException
 */
export function sendCode(pool: UserPool, user: User, purpose: CodePurpose): void {
  if (!pool.codesSent.take(`${purpose}:${user.sub}`)) throw attemptLimit();
  const code = String(randomInt(1_000_000)).padStart(6, "0");
  const { codeSeconds } = pool.settings;
  const seconds = purpose === "ConfirmSignUp" ? codeSeconds * 24 : codeSeconds;
  user.code = { purpose, hash: digest(user, code), expires: new Date(Date.now() + seconds * 1000).toISOString() };
  pool.users.save(user);
  pool.emit("message", { username: user.username, purpose, code });
}

/**
 * A code is good once; the caller saves the user.
 *
 * @throws CognitoError CodeMismatchException, ExpiredCodeException, LimitExceededException
 */
export function takeCode(pool: UserPool, user: User, purpose: CodePurpose, code: string): void {
  if (!pool.codesTried.take(`${purpose}:${user.sub}`)) throw attemptLimit();
  const known = user.code;
  if (known?.purpose !== purpose || Date.parse(known.expires) <= Date.now()) throw expiredCode();
  if (known.hash !== digest(user, code))
    throw new CognitoError("CodeMismatchException", "Invalid verification code provided, please try again.");
  user.code = undefined;
  pool.codesTried.reset(`${purpose}:${user.sub}`);
}

export const expiredCode = () =>
  new CognitoError("ExpiredCodeException", "Invalid code provided, please request a code again.");

/** Where codes of this user go. @param verified only to an address that is known to be the user's */
export function deliveryFor({ attributes }: User, { verified }: { verified: boolean }): Delivery | undefined {
  const { email, email_verified, phone_number, phone_number_verified } = attributes;
  if (email && (!verified || email_verified === "true")) return toEmail(email);
  if (!phone_number || (verified && phone_number_verified !== "true")) return undefined;
  return { Destination: `+*******${phone_number.slice(-4)}`, DeliveryMedium: "SMS", AttributeName: "phone_number" };
}

/** For those who ask in the name of nobody. */
export const decoyDelivery = (name: string) => toEmail(name.includes("@") ? name : `${name[0]}@${name.at(-1)}`);

export function noDelivery(): CognitoError {
  return invalidParameter(
    "Cannot reset password for the user as there is no registered/verified email or phone_number",
  );
}

function toEmail(email: string): Delivery {
  const [name, host = ""] = email.split("@");
  return { Destination: `${name[0]}***@${host[0] ?? ""}***`, DeliveryMedium: "EMAIL", AttributeName: "email" };
}

const digest = ({ sub }: User, code: string) => createHash("sha256").update(`${sub}:${code}`).digest("hex");
