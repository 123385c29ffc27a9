import { ownMember, recordOf } from "../../own-member.ts";
import { CognitoError, invalidParameter } from "./errors.ts";

/** The members of a request, read with AWS's constraints. */
export class Input {
  readonly #members: Record<string, unknown>;

  constructor(members: Record<string, unknown>) {
    this.#members = members;
  }

  /** @throws CognitoError InvalidParameterException */
  text(name: string, limits: { pattern?: RegExp; max?: number } = {}): string {
    const value = this.#members[name];
    if (value === undefined || value === null) throw constraint(name, "Member must not be null");
    return checkText(name, value, limits);
  }

  optionalText(name: string, limits: { pattern?: RegExp; max?: number } = {}): string | undefined {
    const value = this.#members[name];
    return value === undefined || value === null ? undefined : checkText(name, value, limits);
  }

  flag(name: string): boolean {
    return this.#members[name] === true;
  }

  optionalNumber(name: string): number | undefined {
    const value = this.#members[name];
    if (value === undefined || value === null) return undefined;
    if (typeof value !== "number") throw wrongType(name);
    return value;
  }

  /** A map of texts; empty if it is not there. */
  texts(name: string): Record<string, string> {
    const value = this.#members[name] ?? {};
    if (typeof value !== "object" || Array.isArray(value)) throw wrongType(name);
    const entries = Object.entries(value).filter(([, text]) => text !== null && text !== undefined);
    if (entries.some(([, text]) => typeof text !== "string")) throw wrongType(name);
    return Object.fromEntries(entries) as Record<string, string>;
  }

  /** A list of `{Name, Value}`. */
  attributes(name: string): Record<string, string> {
    const list = this.#members[name] ?? [];
    if (!Array.isArray(list)) throw wrongType(name);
    const result: Record<string, string> = recordOf();
    for (const item of list) {
      const { Name, Value = "" } = item ?? {};
      if (typeof Name !== "string" || typeof Value !== "string") throw wrongType(name);
      result[Name] = checkText(Name, Value, { max: 2048 });
    }
    return result;
  }

  list(name: string): string[] | undefined {
    const value = this.#members[name] ?? undefined;
    if (value !== undefined && !(Array.isArray(value) && value.every((item) => typeof item === "string"))) {
      throw wrongType(name);
    }
    return value as string[] | undefined;
  }
}

/** One of AuthParameters or ChallengeResponses. */
export function parameter(map: Record<string, string>, name: string): string {
  const value = ownMember(map, name);
  if (!value) throw invalidParameter(`Missing required parameter ${name}`);
  return value;
}

export const usernameLimits = { pattern: /^[\p{L}\p{M}\p{S}\p{N}\p{P}]+$/u, max: 128 };

function checkText(name: string, value: unknown, { pattern, max = 131_072 }: { pattern?: RegExp; max?: number }) {
  if (typeof value !== "string") throw wrongType(name);
  if (value.length > max) throw constraint(name, `Member must have length less than or equal to ${max}`);
  if (pattern && !pattern.test(value)) {
    throw constraint(name, `Member must satisfy regular expression pattern: ${pattern.source.slice(1, -1)}`);
  }
  return value;
}

/** The value itself is not repeated: it may be a secret. */
function constraint(name: string, reason: string): CognitoError {
  const member = name[0].toLowerCase() + name.slice(1);
  return invalidParameter(`1 validation error detected: Value at '${member}' failed to satisfy constraint: ${reason}`);
}

function wrongType(name: string): CognitoError {
  return new CognitoError("SerializationException", `${name} has another type in the API`);
}
