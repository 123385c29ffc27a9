import { randomBytes } from "node:crypto";
import { EventEmitter } from "node:events";
import { JsonFile } from "./json-file.ts";

/** Whom an access key stands for; what may be done with it depends on this alone. */
export type Principal =
  /** The account's own long-lived key: everything is allowed. */
  | { type: "administrator" }
  /** A person who signed in: `identityId` is the policy variable `cognito-identity.amazonaws.com:sub`, `identityPoolId` is `:aud`. */
  | { type: "identity"; identityId: string; identityPoolId: string }
  /** A function of the account that has taken on a role. */
  | { type: "role"; roleName: string };

/** What requests and URLs are signed with. */
export interface AccessKey {
  /** `AKIA...`, or `ASIA...` for temporary credentials. */
  accessKeyId: string;
  secretAccessKey: string;
  /** Temporary credentials only: the token that has to be in the request. */
  sessionToken?: string;
  /** When temporary credentials die; URLs signed with them die too, whatever their own expiry says. */
  expiration?: Date;
  principal: Principal;
}

export interface TemporaryKey extends AccessKey {
  sessionToken: string;
  expiration: Date;
}

/** What a service needs in order to check signatures. */
export interface KeySource {
  /** Expired temporary keys are found too, for their own error, until they are forgotten. */
  find(accessKeyId: string): AccessKey | undefined;
}

interface CredentialStoreEvents {
  /** Temporary credentials were ended before their time. */
  expire: [TemporaryKey];
}

export interface CredentialStoreOptions {
  /** Keeps the temporary credentials; without it they end with the process. */
  path?: string;
  /** Long-lived keys. */
  keys?: AccessKey[];
}

/** How long an expired key is still answered with "expired" instead of "unknown", milliseconds. */
const afterlife = 24 * 60 * 60 * 1000;

/** What AWS's tokens begin with. */
const tokenPrefix = "IQoJb3JpZ2luX2Vj";

/** All access keys of the account, for every service. */
export class CredentialStore extends EventEmitter<CredentialStoreEvents> implements KeySource {
  #keys = new Map<string, AccessKey>();
  #file: JsonFile<(Omit<TemporaryKey, "expiration"> & { expiration: string })[]> | undefined;

  constructor({ path, keys = [] }: CredentialStoreOptions = {}) {
    super();
    for (const key of keys) this.#keys.set(key.accessKeyId, key);
    if (!path) return;
    this.#file = new JsonFile(path);
    for (const key of this.#file.read() ?? []) {
      this.#keys.set(key.accessKeyId, { ...key, expiration: new Date(key.expiration) });
    }
  }

  find(accessKeyId: string): AccessKey | undefined {
    return this.#keys.get(accessKeyId);
  }

  /** Temporary credentials (`ASIA...`, session token of about 1 KB as AWS's have), good for so many seconds. */
  issue({ principal, seconds }: { principal: Principal; seconds: number }): TemporaryKey {
    const key: TemporaryKey = {
      accessKeyId: makeAccessKeyId("ASIA"),
      secretAccessKey: makeSecret(),
      sessionToken: `${tokenPrefix}${randomBytes(781).toString("base64")}`,
      expiration: new Date(Date.now() + seconds * 1000),
      principal,
    };
    this.#keys.set(key.accessKeyId, key);
    this.#save();
    return key;
  }

  /** Ends temporary credentials now, which AWS cannot: for trying out what happens then. */
  expire(accessKeyId: string): void {
    const key = this.#keys.get(accessKeyId);
    if (!key || !isTemporary(key)) return;
    key.expiration = new Date();
    this.#save();
    this.emit("expire", key);
  }

  /** The temporary credentials that are good now. */
  temporary(): TemporaryKey[] {
    return [...this.#keys.values()].filter(isTemporary).filter(({ expiration }) => expiration > new Date());
  }

  #save(): void {
    const oldest = Date.now() - afterlife;
    const kept = [...this.#keys.values()].filter(isTemporary).filter((key) => {
      if (key.expiration.getTime() > oldest) return true;
      this.#keys.delete(key.accessKeyId);
      return false;
    });
    this.#file?.write(kept.map((key) => ({ ...key, expiration: key.expiration.toISOString() })));
  }
}

/** The administrator's key of a cloud, in a file that other programs sign with; made if missing. */
export function openAdministratorKey(path: string): AccessKey {
  const file = new JsonFile<Pick<AccessKey, "accessKeyId" | "secretAccessKey">>(path);
  let key = file.read();
  if (!key) {
    key = { accessKeyId: makeAccessKeyId("AKIA"), secretAccessKey: makeSecret() };
    file.write(key);
  }
  return { ...key, principal: { type: "administrator" } };
}

export function isExpired({ expiration }: AccessKey, now = new Date()): boolean {
  return expiration !== undefined && now >= expiration;
}

function isTemporary(key: AccessKey): key is TemporaryKey {
  return key.expiration !== undefined;
}

/** Twenty characters of base 32, as AWS's are. */
function makeAccessKeyId(prefix: "AKIA" | "ASIA"): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  return prefix + Array.from(randomBytes(16), (byte) => alphabet[byte % 32]).join("");
}

function makeSecret(): string {
  return randomBytes(30).toString("base64");
}
