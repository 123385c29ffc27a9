import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

interface Content<T> {
  kind: string;
  /** Milliseconds since 1970. */
  expires: number;
  value: T;
}

/** Why a text is not taken. */
export type SealFault = "forged" | "expired" | "used";

/**
 * What the service gives out and gets back, and nobody else can read or make: the secret block of a sign-in and the session of a challenge.
 * The state of a sign-in travels with the client, so that a restart in the middle of it goes unnoticed. Each is taken once.
 */
export class Seal {
  readonly #key: Buffer;
  /** Texts that were taken, until they would have expired anyway. */
  readonly #used = new Map<string, number>();

  /** @param key 32 bytes */
  constructor(key: Buffer) {
    this.#key = key;
  }

  /** @returns base64 */
  close(kind: string, value: unknown, seconds: number): string {
    const nonce = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonce);
    const content: Content<unknown> = { kind, expires: Date.now() + seconds * 1000, value };
    const sealed = Buffer.concat([cipher.update(JSON.stringify(content)), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString("base64");
  }

  open<T>(kind: string, text: string): { value: T } | { fault: SealFault } {
    const content = this.#decrypt<T>(text);
    if (content?.kind !== kind) return { fault: "forged" };
    const now = Date.now();
    if (content.expires <= now) return { fault: "expired" };
    for (const [used, expires] of this.#used) if (expires <= now) this.#used.delete(used);
    // Base64 has more than one spelling of the same bytes.
    const name = Buffer.from(text, "base64").subarray(0, 28).toString("hex");
    if (this.#used.has(name)) return { fault: "used" };
    this.#used.set(name, content.expires);
    return { value: content.value };
  }

  #decrypt<T>(text: string): Content<T> | undefined {
    const bytes = Buffer.from(text, "base64");
    if (bytes.length < 28) return undefined;
    try {
      const decipher = createDecipheriv("aes-256-gcm", this.#key, bytes.subarray(0, 12), { authTagLength: 16 });
      decipher.setAuthTag(bytes.subarray(12, 28));
      return JSON.parse(Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString());
    } catch {
      return undefined;
    }
  }
}
