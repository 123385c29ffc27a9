import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  randomUUID,
  sign,
  verify,
} from "node:crypto";
import { promisify } from "node:util";

/** A key that tokens are signed with, as it is kept. */
export interface SigningKey {
  kid: string;
  /** PKCS#8, PEM. */
  privateKey: string;
}

export type Claims = Record<string, unknown> & { exp: number };

/** Why a token is not taken. */
export type TokenFault = "malformed" | "signature" | "expired";

export async function makeSigningKey(): Promise<SigningKey> {
  const { privateKey } = await promisify(generateKeyPair)("rsa", { modulusLength: 2048 });
  const kid = Buffer.from(randomUUID()).toString("base64");
  return { kid, privateKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString() };
}

/** JSON Web Tokens with RS256 (RFC 7519, 7515), as Cognito signs them. */
export class TokenSigner {
  readonly kid: string;
  readonly #private: KeyObject;
  readonly #public: KeyObject;

  constructor({ kid, privateKey }: SigningKey) {
    this.kid = kid;
    this.#private = createPrivateKey(privateKey);
    this.#public = createPublicKey(this.#private);
  }

  sign(claims: Claims): string {
    const text = `${encode({ kid: this.kid, alg: "RS256" })}.${encode(claims)}`;
    return `${text}.${sign("sha256", Buffer.from(text), this.#private).toString("base64url")}`;
  }

  verify(token: string): { claims: Claims } | { fault: TokenFault; claims?: Claims } {
    const [header, payload, signature] = token.split(".");
    const head = decode(header);
    const claims = decode(payload) as Claims | undefined;
    if (!head || typeof claims?.exp !== "number" || !signature) return { fault: "malformed" };
    const signed = Buffer.from(`${header}.${payload}`);
    const good =
      head.alg === "RS256" &&
      head.kid === this.kid &&
      verify("sha256", signed, this.#public, Buffer.from(signature, "base64url"));
    if (!good) return { fault: "signature" };
    if (claims.exp * 1000 <= Date.now()) return { fault: "expired", claims };
    return { claims };
  }

  /** RFC 7517. */
  get jwk(): object {
    return { ...this.#public.export({ format: "jwk" }), kid: this.kid, alg: "RS256", use: "sig" };
  }
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

function decode(part: string | undefined): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(Buffer.from(part ?? "", "base64url").toString());
    return value && typeof value === "object" ? value : undefined;
  } catch {
    return undefined;
  }
}
