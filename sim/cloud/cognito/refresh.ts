import { CognitoError, invalidParameter, notAuthorized } from "./errors.ts";
import { type Input, parameter } from "./input.ts";
import type { Session } from "./sessions.ts";
import type { UserPool } from "./user-pool.ts";
import type { User } from "./users.ts";

/** InitiateAuth, REFRESH_TOKEN_AUTH: new ID and access tokens; the refresh token stays. */
export function refreshByFlow(pool: UserPool, parameters: Record<string, string>): object {
  if (pool.settings.rotateRefreshTokens) throw invalidParameter("REFRESH_TOKEN_AUTH flow not enabled for this client");
  const { user, session } = renew(pool, parameter(parameters, "REFRESH_TOKEN"));
  return { ChallengeParameters: {}, AuthenticationResult: pool.tokens.issue(user, session) };
}

export function getTokensFromRefreshToken(pool: UserPool, input: Input): object {
  pool.checkClient(input.text("ClientId"));
  if (input.optionalText("ClientSecret"))
    throw notAuthorized(`Unable to verify secret hash for client ${pool.clientId}`);
  const { user, session } = renew(pool, input.text("RefreshToken"));
  const rotated = pool.settings.rotateRefreshTokens ? { RefreshToken: pool.sessions.rotate(session) } : {};
  return { AuthenticationResult: { ...pool.tokens.issue(user, session), ...rotated } };
}

/** Ends the session that a refresh token belongs to, with all tokens that came from it. */
export function revokeToken(pool: UserPool, input: Input): object {
  const token = input.text("Token");
  pool.checkClient(input.text("ClientId"));
  if (input.optionalText("ClientSecret")) throw new CognitoError("UnauthorizedException", "Unauthorized");
  // ID and access tokens have three parts, refresh tokens never have.
  if (token.split(".").length === 3)
    throw new CognitoError("UnsupportedTokenTypeException", "Unsupported token type: only refresh tokens are revoked");
  // A token that is unknown is as good as revoked (RFC 7009, 2.2).
  const found = pool.sessions.find(token);
  if (found) pool.sessions.revoke(found.session);
  return {};
}

function renew(pool: UserPool, token: string): { user: User; session: Session } {
  const found = pool.sessions.find(token);
  if (!found) throw notAuthorized("Invalid Refresh Token");
  const { session, reused } = found;
  const user = pool.users.findBySub(session.sub);
  if (!user) throw notAuthorized("Invalid Refresh Token");
  if (!user.enabled) throw notAuthorized("User is disabled.");
  if (session.revoked) throw notAuthorized("Refresh Token has been revoked");
  if (session.expires <= Date.now() / 1000) throw notAuthorized("Refresh Token has expired");
  if (reused) {
    // Two have the same token: one of them has stolen it.
    pool.sessions.revoke(session);
    throw new CognitoError("RefreshTokenReuseException", "Refresh token has been reused");
  }
  return { user, session };
}
