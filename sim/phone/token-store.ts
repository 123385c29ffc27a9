/** What outlives a page: enough to go on without the password. */
export interface StoredSession {
  username: string;
  /** Of Cognito; a credential, valid for weeks. */
  refreshToken: string;
}

/** Where the refresh token is kept. */
export interface TokenStore {
  load(): StoredSession | undefined;
  save(session: StoredSession): void;
  clear(): void;
}

/** Forgets everything with the process or page. */
export class MemoryTokenStore implements TokenStore {
  #session?: StoredSession;

  load(): StoredSession | undefined {
    return this.#session;
  }

  save(session: StoredSession): void {
    this.#session = session;
  }

  clear(): void {
    this.#session = undefined;
  }
}

/** The part of a browser's Storage that is needed. */
export interface WebStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/**
 * In a browser's localStorage or sessionStorage, under a name of its own for each user pool client. A storage that is full or forbidden
 * is as if there were none.
 */
export class WebTokenStore implements TokenStore {
  #storage: WebStorage;
  #key: string;
  #fallback = new MemoryTokenStore();

  constructor(storage: WebStorage, { userPoolClientId }: { userPoolClientId: string }) {
    this.#storage = storage;
    this.#key = `devicelink.session.${userPoolClientId}`;
  }

  load(): StoredSession | undefined {
    try {
      const session = JSON.parse(this.#storage.getItem(this.#key) ?? "null");
      if (typeof session?.refreshToken === "string" && typeof session.username === "string") return session;
    } catch {
      // Forbidden, or not what was written: the same as nothing.
    }
    return this.#fallback.load();
  }

  save(session: StoredSession): void {
    try {
      this.#storage.setItem(this.#key, JSON.stringify(session));
    } catch {
      this.#fallback.save(session);
    }
  }

  clear(): void {
    this.#fallback.clear();
    try {
      this.#storage.removeItem(this.#key);
    } catch {
      // Nothing can have been written either.
    }
  }
}
