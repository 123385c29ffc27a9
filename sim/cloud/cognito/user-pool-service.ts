import type { IncomingMessage } from "node:http";
import type { KeySource } from "../credentials.ts";
import { verifyRequest } from "../request-signature.ts";
import * as administration from "./administration.ts";
import { CognitoError } from "./errors.ts";
import type { Input } from "./input.ts";
import { JsonService, type JsonServiceOptions } from "./json-service.ts";
import { changePassword, getUser, globalSignOut } from "./own-account.ts";
import { getTokensFromRefreshToken, revokeToken } from "./refresh.ts";
import { initiateAuth, respondToAuthChallenge } from "./sign-in.ts";
import { confirmForgotPassword, confirmSignUp, forgotPassword, resendConfirmationCode, signUp } from "./sign-up.ts";
import type { UserPool } from "./user-pool.ts";

type Operation = (pool: UserPool, input: Input) => object;

/** Anybody may call these. */
const open: Record<string, Operation> = {
  InitiateAuth: initiateAuth,
  RespondToAuthChallenge: respondToAuthChallenge,
  GetTokensFromRefreshToken: getTokensFromRefreshToken,
  RevokeToken: revokeToken,
  SignUp: signUp,
  ConfirmSignUp: confirmSignUp,
  ResendConfirmationCode: resendConfirmationCode,
  ForgotPassword: forgotPassword,
  ConfirmForgotPassword: confirmForgotPassword,
  GetUser: getUser,
  ChangePassword: changePassword,
  GlobalSignOut: globalSignOut,
};

/** These have to be signed with the administrator's key. */
const administrative: Record<string, Operation> = {
  AdminCreateUser: administration.adminCreateUser,
  AdminSetUserPassword: administration.adminSetUserPassword,
  AdminResetUserPassword: administration.adminResetUserPassword,
  AdminConfirmSignUp: administration.adminConfirmSignUp,
  AdminDeleteUser: administration.adminDeleteUser,
  AdminDisableUser: administration.adminDisableUser,
  AdminEnableUser: administration.adminEnableUser,
  AdminUserGlobalSignOut: administration.adminUserGlobalSignOut,
  AdminUpdateUserAttributes: administration.adminUpdateUserAttributes,
  AdminGetUser: administration.adminGetUser,
  ListUsers: administration.listUsers,
};

export interface UserPoolServiceOptions {
  pool: UserPool;
  region: string;
  credentials: KeySource;
  onCall?: JsonServiceOptions["onCall"];
}

/** Amazon Cognito user pools (the API of @aws-sdk/client-cognito-identity-provider), and the pool's JWKS document. */
export function createUserPoolService({ pool, region, credentials, onCall }: UserPoolServiceOptions): JsonService {
  async function administrate(operation: string, input: Input, request: IncomingMessage, body: Buffer) {
    const { principal } = await verifyRequest(request, body, { service: "cognito-idp", region, credentials });
    if (principal.type !== "administrator") {
      const message = `User is not authorized to perform: cognito-idp:${operation} on resource: ${pool.arn}`;
      throw new CognitoError("AccessDeniedException", message);
    }
    const id = input.text("UserPoolId");
    if (id !== pool.id) throw new CognitoError("ResourceNotFoundException", `User pool ${id} does not exist.`);
    return administrative[operation](pool, input);
  }
  return new JsonService({
    target: "AWSCognitoIdentityProviderService",
    onCall,
    call(operation, input, request, body) {
      if (Object.hasOwn(open, operation)) return open[operation](pool, input);
      if (Object.hasOwn(administrative, operation)) return administrate(operation, input, request, body);
      throw new CognitoError("UnknownOperationException", `${operation} is not served here`);
    },
    get: (path) => (path === `/${pool.id}/.well-known/jwks.json` ? pool.tokens.jwks : undefined),
  });
}
