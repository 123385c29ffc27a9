import { randomUUID } from "node:crypto";
import type { CredentialStore } from "../credentials.ts";
import { JsonFile } from "../json-file.ts";
import { CognitoError, invalidParameter, notAuthorized } from "./errors.ts";
import type { Input } from "./input.ts";
import { JsonService, type JsonServiceOptions } from "./json-service.ts";
import type { UserPool } from "./user-pool.ts";
import { IdTokenError } from "./user-tokens.ts";

interface Identity {
  identityId: string;
  /** The user in the user pool. */
  sub: string;
}

export interface IdentityPoolOptions {
  /** `region:uuid`. */
  id: string;
  /** The one provider of the pool. */
  userPool: UserPool;
  credentials: CredentialStore;
  /** Keeps the identities. */
  path: string;
}

const notSupported = "Token is not from a supported provider of this identity pool.";
const idPattern = { pattern: /^[\w-]+:[0-9a-f-]+$/, max: 55 };

/** A Cognito identity pool with the enhanced flow: whoever has an ID token of the user pool gets temporary credentials. */
export class IdentityPool {
  readonly id: string;
  readonly #options: IdentityPoolOptions;
  readonly #file: JsonFile<Identity[]>;
  readonly #identities: Identity[];

  constructor(options: IdentityPoolOptions) {
    this.id = options.id;
    this.#options = options;
    this.#file = new JsonFile(options.path);
    this.#identities = this.#file.read() ?? [];
  }

  createService(onCall?: JsonServiceOptions["onCall"]): JsonService {
    return new JsonService({
      target: "AWSCognitoIdentityService",
      onCall,
      call: (operation, input) => {
        if (operation === "GetId") return this.#getId(input);
        if (operation === "GetCredentialsForIdentity") return this.#getCredentials(input);
        throw new CognitoError("UnknownOperationException", `${operation} is not served here`);
      },
    });
  }

  #getId(input: Input): object {
    const id = input.text("IdentityPoolId", idPattern);
    if (id !== this.id) throw new CognitoError("ResourceNotFoundException", `IdentityPool '${id}' not found.`);
    const sub = this.#readLogins(input);
    if (sub === undefined) throw notAuthorized("Unauthenticated access is not supported for this identity pool.");
    return { IdentityId: this.#identityOf(sub).identityId };
  }

  #getCredentials(input: Input): object {
    const identityId = input.text("IdentityId", idPattern);
    if (input.optionalText("CustomRoleArn")) throw invalidParameter("CustomRoleArn is not supported here");
    const identity = this.#identities.find((known) => known.identityId === identityId);
    if (!identity) throw new CognitoError("ResourceNotFoundException", `Identity '${identityId}' not found.`);
    const sub = this.#readLogins(input);
    if (sub === undefined) throw notAuthorized(`Access to Identity '${identityId}' is forbidden.`);
    if (sub !== identity.sub)
      throw notAuthorized(
        "Logins don't match. Please include at least one valid login for this identity or identity pool.",
      );
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = this.#options.credentials.issue({
      principal: { type: "identity", identityId, identityPoolId: this.id },
      seconds: this.#options.userPool.settings.credentialSeconds,
    });
    return {
      IdentityId: identityId,
      Credentials: {
        AccessKeyId: accessKeyId,
        SecretKey: secretAccessKey,
        SessionToken: sessionToken,
        Expiration: expiration.getTime() / 1000,
      },
    };
  }

  /** @returns whom the ID token speaks for; undefined without any */
  #readLogins(input: Input): string | undefined {
    const { userPool } = this.#options;
    const logins = Object.entries(input.texts("Logins"));
    if (logins.length === 0) return undefined;
    const token = logins.find(([provider]) => provider === userPool.providerName)?.[1];
    if (token === undefined || logins.length > 1) throw notAuthorized(notSupported);
    try {
      return userPool.tokens.readId(token).sub;
    } catch (error) {
      if (!(error instanceof IdTokenError)) throw error;
      throw notAuthorized(error.fault === "audience" ? notSupported : `Invalid login token. ${describe(error)}`);
    }
  }

  #identityOf(sub: string): Identity {
    let identity = this.#identities.find((known) => known.sub === sub);
    if (!identity) {
      const [region] = this.id.split(":");
      identity = { identityId: `${region}:${randomUUID()}`, sub };
      this.#identities.push(identity);
      this.#file.write(this.#identities);
    }
    return identity;
  }
}

/** As AWS says it: "Token expired: <now> >= <exp>". */
function describe({ fault, expires }: IdTokenError): string {
  if (fault === "expired") return `Token expired: ${Math.floor(Date.now() / 1000)} >= ${expires}`;
  const texts: Partial<Record<IdTokenError["fault"], string>> = {
    malformed: "Not a valid OpenId Connect identity token.",
    signature: "Couldn't verify signed token.",
    issuer: "Issuer doesn't match providerName",
    use: "Missing a required claim: aud",
  };
  return texts[fault] ?? "";
}
