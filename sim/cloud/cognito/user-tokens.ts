import { randomUUID } from "node:crypto";
import { notAuthorized } from "./errors.ts";
import { type SigningKey, type TokenFault, TokenSigner } from "./jwt.ts";
import type { Session } from "./sessions.ts";
import type { User } from "./users.ts";

export interface UserTokensOptions {
  issuer: string;
  clientId: string;
  /** One for ID tokens, one for access tokens. */
  keys: { id: SigningKey; access: SigningKey };
  /** Life in seconds. */
  seconds: number;
}

/** What an access token says. */
export interface Access {
  sub: string;
  sessionId: string;
}

/** An ID token that is not taken. `expires` is in seconds since 1970. */
export class IdTokenError extends Error {
  readonly fault: TokenFault | "issuer" | "audience" | "use";
  readonly expires?: number;

  constructor(fault: IdTokenError["fault"], expires?: number) {
    super(`the ID token is not taken: ${fault}`);
    this.fault = fault;
    this.expires = expires;
  }
}

/** The ID and access tokens of a user pool. */
export class UserTokens {
  readonly #options: UserTokensOptions;
  readonly #id: TokenSigner;
  readonly #access: TokenSigner;

  constructor(options: UserTokensOptions) {
    this.#options = options;
    this.#id = new TokenSigner(options.keys.id);
    this.#access = new TokenSigner(options.keys.access);
  }

  issue(user: User, session: Session): { IdToken: string; AccessToken: string; ExpiresIn: number; TokenType: string } {
    const { issuer: iss, clientId, seconds } = this.#options;
    const iat = Math.floor(Date.now() / 1000);
    const common = {
      sub: user.sub,
      iss,
      origin_jti: session.id,
      event_id: randomUUID(),
      auth_time: session.authTime,
      iat,
      exp: iat + seconds,
    };
    const { email_verified, phone_number_verified, ...attributes } = user.attributes;
    const verified = Object.entries({ email_verified, phone_number_verified })
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, value === "true"]);
    const IdToken = this.#id.sign({
      ...attributes,
      ...Object.fromEntries(verified),
      ...common,
      "cognito:username": user.username,
      aud: clientId,
      token_use: "id",
      jti: randomUUID(),
    });
    const AccessToken = this.#access.sign({
      ...common,
      client_id: clientId,
      token_use: "access",
      scope: "aws.cognito.signin.user.admin",
      jti: randomUUID(),
      username: user.username,
    });
    return { IdToken, AccessToken, ExpiresIn: seconds, TokenType: "Bearer" };
  }

  /** @throws CognitoError NotAuthorizedException */
  readAccess(token: string): Access {
    const result = this.#access.verify(token);
    if ("fault" in result) {
      throw notAuthorized(result.fault === "expired" ? "Access Token has expired" : "Invalid Access Token");
    }
    const { sub, origin_jti, token_use, iss } = result.claims;
    if (token_use !== "access" || iss !== this.#options.issuer) throw notAuthorized("Invalid Access Token");
    return { sub: String(sub), sessionId: String(origin_jti) };
  }

  /**
   * As an identity pool does it: signature, issuer, audience, use and expiry.
   *
   * @throws IdTokenError
   */
  readId(token: string): { sub: string } {
    const result = this.#id.verify(token);
    if ("fault" in result) {
      // The access token of the same pool is whole, but has no audience.
      const foreign = result.fault === "signature" && "claims" in this.#access.verify(token);
      throw new IdTokenError(foreign ? "use" : result.fault, result.claims?.exp);
    }
    const { claims } = result;
    if (claims.iss !== this.#options.issuer) throw new IdTokenError("issuer");
    if (claims.aud !== this.#options.clientId) throw new IdTokenError("audience");
    if (claims.token_use !== "id") throw new IdTokenError("use");
    return { sub: String(claims.sub) };
  }

  /** RFC 7517: what others check signatures with. */
  get jwks(): { keys: object[] } {
    return { keys: [this.#id.jwk, this.#access.jwk] };
  }
}
