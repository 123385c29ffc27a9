import { randomInt } from "node:crypto";
import { CognitoError, invalidParameter } from "./errors.ts";

export interface PasswordPolicy {
  minimumLength: number;
  lowercase: boolean;
  uppercase: boolean;
  numbers: boolean;
  symbols: boolean;
}

const kinds = [
  ["lowercase", /[a-z]/, "lowercase characters"],
  ["uppercase", /[A-Z]/, "uppercase characters"],
  ["numbers", /[0-9]/, "numeric characters"],
  // A space counts when it is neither first nor last.
  ["symbols", /[\^$*.[\]{}()?"!@#%&/\\,><':;|_~`=+-]|\S \S/, "symbol characters"],
] as const;

/** @throws CognitoError InvalidPasswordException, InvalidParameterException */
export function checkPassword(password: string, policy: PasswordPolicy): void {
  if (password.length > 256) throw invalidParameter("Password must have length less than or equal to 256");
  if (password.length < policy.minimumLength) throw invalidPassword("Password not long enough");
  if (/^\s|\s$/.test(password)) throw invalidPassword("Password must not start or end with a space");
  for (const [kind, pattern, name] of kinds) {
    if (policy[kind] && !pattern.test(password)) throw invalidPassword(`Password must have ${name}`);
  }
}

/** A temporary password that any policy takes. */
export function makePassword({ minimumLength }: PasswordPolicy): string {
  const sets = ["abcdefghijkmnopqrstuvwxyz", "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789", "!@#%&*+-=?"];
  const length = Math.max(minimumLength, 12);
  const pick = (set: string) => set[randomInt(set.length)];
  return Array.from({ length }, (_, i) => pick(sets[i % sets.length])).join("");
}

function invalidPassword(reason: string): CognitoError {
  return new CognitoError("InvalidPasswordException", `Password did not conform with policy: ${reason}`);
}
