import { attemptLimit, wrongPassword } from "./errors.ts";
import type { Input } from "./input.ts";
import { checkPassword } from "./password-policy.ts";
import { isPassword } from "./srp.ts";
import type { UserPool } from "./user-pool.ts";
import type { User } from "./users.ts";

/** What people do with an access token of their own. */

export function getUser(pool: UserPool, input: Input): object {
  const { user } = pool.authorize(input.text("AccessToken"));
  return { Username: user.username, UserAttributes: attributeList(user) };
}

export function changePassword(pool: UserPool, input: Input): object {
  const { user } = pool.authorize(input.text("AccessToken"));
  const proposed = input.text("ProposedPassword");
  const previous = input.text("PreviousPassword");
  const name = user.username.toLowerCase();
  if (pool.lockout.isLocked(name)) throw attemptLimit();
  if (!user.password || !isPassword(user.password, pool.name, user.username, previous)) {
    pool.lockout.failed(name);
    throw wrongPassword();
  }
  checkPassword(proposed, pool.settings.passwordPolicy);
  pool.lockout.succeeded(name);
  pool.setPassword(user, proposed);
  pool.users.save(user);
  return {};
}

export function globalSignOut(pool: UserPool, input: Input): object {
  const { user } = pool.authorize(input.text("AccessToken"));
  pool.sessions.revokeAll(user.sub);
  return {};
}

/** As the API gives attributes. */
export function attributeList({ sub, attributes }: User, wanted?: string[]): { Name: string; Value: string }[] {
  return Object.entries({ sub, ...attributes })
    .filter(([name]) => !wanted || wanted.includes(name))
    .map(([Name, Value]) => ({ Name, Value }));
}
