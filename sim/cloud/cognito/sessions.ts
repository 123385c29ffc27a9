import { createHash, randomBytes, randomUUID } from "node:crypto";
import { JsonFile } from "../json-file.ts";

/** A sign-in, as long as it can be renewed. */
export interface Session {
  /** The claim `origin_jti` of all its tokens. */
  id: string;
  sub: string;
  /** SHA-256 of the refresh token, hexadecimal. */
  tokenHash: string;
  /** Of the token before the last renewal, if refresh tokens are rotated. */
  previousHash?: string;
  /** Seconds since 1970. */
  authTime: number;
  expires: number;
  revoked?: boolean;
}

/** Refresh tokens; only their hashes are kept. */
export class Sessions {
  readonly #file: JsonFile<Session[]>;
  readonly #sessions = new Map<string, Session>();

  constructor(path: string) {
    this.#file = new JsonFile(path);
    for (const session of this.#file.read() ?? []) this.#sessions.set(session.id, session);
  }

  /** @param seconds life of the refresh token */
  open(sub: string, seconds: number): { session: Session; token: string } {
    const token = makeToken();
    const authTime = Math.floor(Date.now() / 1000);
    const session = { id: randomUUID(), sub, tokenHash: digest(token), authTime, expires: authTime + seconds };
    this.#sessions.set(session.id, session);
    this.#save();
    return { session, token };
  }

  get(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  /** `reused`: the token was replaced by another one. */
  find(token: string): { session: Session; reused: boolean } | undefined {
    const hash = digest(token);
    for (const session of this.#sessions.values()) {
      if (session.tokenHash === hash) return { session, reused: false };
      if (session.previousHash === hash) return { session, reused: true };
    }
    return undefined;
  }

  /** @returns the refresh token that takes the place of the one before */
  rotate(session: Session): string {
    const token = makeToken();
    session.previousHash = session.tokenHash;
    session.tokenHash = digest(token);
    this.#save();
    return token;
  }

  revoke(session: Session): void {
    session.revoked = true;
    this.#save();
  }

  revokeAll(sub: string): void {
    for (const session of this.#sessions.values()) if (session.sub === sub) session.revoked = true;
    this.#save();
  }

  /** Sessions that are over are kept for a day, for their own error. */
  #save(): void {
    const oldest = Date.now() / 1000 - 24 * 60 * 60;
    for (const [id, { expires }] of this.#sessions) if (expires < oldest) this.#sessions.delete(id);
    this.#file.write([...this.#sessions.values()]);
  }
}

/** AWS's are about as long, and as opaque. */
const makeToken = () =>
  `eyJjdHkiOiJKV1QiLCJlbmMiOiJBMjU2R0NNIiwiYWxnIjoiUlNBLU9BRVAifQ.${randomBytes(768).toString("base64url")}`;
const digest = (token: string) => createHash("sha256").update(token).digest("hex");
