import { randomUUID } from "node:crypto";
import { JsonFile } from "../json-file.ts";
import type { PasswordVerifier } from "./srp.ts";

export type UserStatus = "UNCONFIRMED" | "CONFIRMED" | "FORCE_CHANGE_PASSWORD" | "RESET_REQUIRED";

export type CodePurpose = "ConfirmSignUp" | "ForgotPassword";

export interface User {
  username: string;
  sub: string;
  status: UserStatus;
  enabled: boolean;
  /** Without sub. */
  attributes: Record<string, string>;
  /** ISO 8601. */
  created: string;
  modified: string;
  password?: PasswordVerifier;
  /** End of a temporary password, ISO 8601. */
  temporaryUntil?: string;
  /** The code that is awaited: its hash, and its end (ISO 8601). */
  code?: { purpose: CodePurpose; hash: string; expires: string };
}

/** The users of the pool. Names are the same in capitals and small letters, as in every pool that is new. */
export class Users {
  readonly #file: JsonFile<User[]>;
  readonly #users = new Map<string, User>();

  constructor(path: string) {
    this.#file = new JsonFile(path);
    for (const user of this.#file.read() ?? []) this.#users.set(user.username.toLowerCase(), user);
  }

  /** By name or by sub. */
  find(name: string): User | undefined {
    return this.#users.get(name.toLowerCase()) ?? this.findBySub(name);
  }

  findBySub(sub: string): User | undefined {
    return [...this.#users.values()].find((user) => user.sub === sub);
  }

  /** In the order in which they came. */
  list(): User[] {
    return [...this.#users.values()];
  }

  add({ username, status, attributes }: Pick<User, "username" | "status" | "attributes">): User {
    const now = new Date().toISOString();
    const user: User = {
      username,
      sub: randomUUID(),
      status,
      enabled: true,
      attributes,
      created: now,
      modified: now,
    };
    this.#users.set(username.toLowerCase(), user);
    this.#write();
    return user;
  }

  /** After a user was changed. */
  save(user: User): void {
    user.modified = new Date().toISOString();
    this.#write();
  }

  remove({ username }: User): void {
    this.#users.delete(username.toLowerCase());
    this.#write();
  }

  #write(): void {
    this.#file.write(this.list());
  }
}
