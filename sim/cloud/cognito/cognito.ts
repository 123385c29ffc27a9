import { randomBytes, randomInt, randomUUID } from "node:crypto";
import { join } from "node:path";
import type { CredentialStore } from "../credentials.ts";
import { JsonApi, type JsonApiOptions } from "../json-api.ts";
import { JsonFile } from "../json-file.ts";
import { IdentityPool } from "./identity-pool.ts";
import type { JsonService, JsonServiceOptions } from "./json-service.ts";
import { makeSigningKey } from "./jwt.ts";
import { type CognitoSettings, defaultSettings } from "./settings.ts";
import { type PoolIdentity, UserPool } from "./user-pool.ts";
import { createUserPoolService } from "./user-pool-service.ts";

export interface CognitoOptions {
  /** Keeps pools, users, sessions and identities: what is opened with the same directory again is the same. */
  directory: string;
  region: string;
  accountId: string;
  /** Where temporary credentials come from, and what administrators sign with. */
  credentials: CredentialStore;
  settings?: Partial<CognitoSettings>;
  onCall?: JsonServiceOptions["onCall"];
}

interface Pools extends PoolIdentity {
  identityPoolId: string;
}

/** One user pool with one client, and the identity pool that trusts it. Who listens passes requests to `idp.handle` and `identity.handle`. */
export class Cognito {
  readonly userPool: UserPool;
  readonly identityPool: IdentityPool;
  /** cognito-idp. */
  readonly idp: JsonService;
  /** cognito-identity. */
  readonly identity: JsonService;

  private constructor(options: CognitoOptions, pools: Pools) {
    const { directory, region, accountId, credentials, onCall } = options;
    const settings = { ...defaultSettings, ...options.settings };
    this.userPool = new UserPool({ region, accountId, identity: pools, settings, directory });
    this.identityPool = new IdentityPool({
      id: pools.identityPoolId,
      userPool: this.userPool,
      credentials,
      path: join(directory, "identities.json"),
    });
    this.idp = createUserPoolService({ pool: this.userPool, region, credentials, onCall });
    this.identity = this.identityPool.createService(onCall);
  }

  static async open(options: CognitoOptions): Promise<Cognito> {
    const file = new JsonFile<Pools>(join(options.directory, "pools.json"));
    let pools = file.read();
    if (!pools) {
      pools = await makePools(options.region);
      file.write(pools);
    }
    return new Cognito(options, pools);
  }

  /** What a client has to know. */
  get ids(): { userPoolId: string; clientId: string; identityPoolId: string } {
    return { userPoolId: this.userPool.id, clientId: this.userPool.clientId, identityPoolId: this.identityPool.id };
  }
}

/** A service at an address of its own. */
export function listen(service: JsonService, options: JsonApiOptions): Promise<JsonApi> {
  return JsonApi.listen(options, (request, response) => void service.handle(request, response));
}

async function makePools(region: string): Promise<Pools> {
  const [id, access] = await Promise.all([makeSigningKey(), makeSigningKey()]);
  return {
    userPoolId: `${region}_${makeId(9, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")}`,
    clientId: makeId(26, "0123456789abcdefghijklmnopqrstuv"),
    identityPoolId: `${region}:${randomUUID()}`,
    keys: { id, access },
    secret: randomBytes(32).toString("base64"),
  };
}

const makeId = (length: number, alphabet: string) =>
  Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join("");
