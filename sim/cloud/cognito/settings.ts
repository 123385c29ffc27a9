import type { PasswordPolicy } from "./password-policy.ts";

/** What the owner of a real account sets in the user pool, its client and the identity pool; lives in seconds. */
export interface CognitoSettings {
  /** ID and access tokens (AWS: 5 minutes to a day). */
  tokenSeconds: number;
  refreshTokenSeconds: number;
  /** Temporary credentials; AWS's last an hour, always. */
  credentialSeconds: number;
  /** From a challenge to its answer (AuthSessionValidity). */
  challengeSeconds: number;
  /** Of a forgotten password; those for a new account last 24 times as long. */
  codeSeconds: number;
  temporaryPasswordSeconds: number;
  /** ALLOW_USER_PASSWORD_AUTH: the password itself is sent. */
  passwordAuth: boolean;
  /** Nobody learns which users there are (PreventUserExistenceErrors: ENABLED). */
  preventUserExistenceErrors: boolean;
  /** People may make accounts themselves (AllowAdminCreateUserOnly: false). */
  selfSignUp: boolean;
  /** Each refresh token is good for one renewal (RefreshTokenRotation: ENABLED, without a grace period). */
  rotateRefreshTokens: boolean;
  /** Sign-ins a second, of all people together. */
  requestsPerSecond: number;
  passwordPolicy: PasswordPolicy;
}

const day = 24 * 60 * 60;

/** What the console of AWS proposes. */
export const defaultSettings: CognitoSettings = {
  tokenSeconds: 3600,
  refreshTokenSeconds: 30 * day,
  credentialSeconds: 3600,
  challengeSeconds: 180,
  codeSeconds: 3600,
  temporaryPasswordSeconds: 7 * day,
  passwordAuth: false,
  preventUserExistenceErrors: true,
  selfSignUp: true,
  rotateRefreshTokens: false,
  requestsPerSecond: 120,
  passwordPolicy: { minimumLength: 8, lowercase: true, uppercase: true, numbers: true, symbols: true },
};
