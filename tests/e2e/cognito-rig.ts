/** A user pool and an identity pool with addresses of their own, and the clients of others. */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { Agent } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CognitoIdentityClient } from "@aws-sdk/client-cognito-identity";
import {
  AdminCreateUserCommand,
  AdminSetUserPasswordCommand,
  type AuthenticationResultType,
  CognitoIdentityProviderClient,
  InitiateAuthCommand,
  type InitiateAuthResponse,
  RespondToAuthChallengeCommand,
  type RespondToAuthChallengeResponse,
} from "@aws-sdk/client-cognito-identity-provider";
import { CognitoUserPool, type ICognitoStorage } from "amazon-cognito-identity-js";
import { createSrpSession, signSrpSession, wrapAuthChallenge, wrapInitiateAuth } from "cognito-srp-helper";
import { Cognito, listen } from "../../sim/cloud/cognito/cognito.ts";
import type { CognitoSettings } from "../../sim/cloud/cognito/settings.ts";
import type { Message } from "../../sim/cloud/cognito/user-pool.ts";
import { CredentialStore, openAdministratorKey } from "../../sim/cloud/credentials.ts";
import type { JsonApi } from "../../sim/cloud/json-api.ts";
import { testCA } from "./s3-rig.ts";

export const region = "eu-central-1";
export const password = "Sesame, open 1!";

type Keys = { accessKeyId: string; secretAccessKey: string; sessionToken?: string };

interface Parts {
  cognito: Cognito;
  credentials: CredentialStore;
  idp: JsonApi;
  identity: JsonApi;
  plain: Server;
  ca: string;
}

export class CognitoRig {
  readonly directory: string;
  /** Everything that would have been a mail. */
  readonly messages: Message[] = [];
  cognito!: Cognito;
  credentials!: CredentialStore;
  /** Signs with the administrator's key. */
  admin!: CognitoIdentityProviderClient;
  /** Without any key. */
  idp!: CognitoIdentityProviderClient;
  identity!: CognitoIdentityClient;
  #parts!: Parts;
  #settings: Partial<CognitoSettings>;
  #clients: { destroy(): void }[] = [];

  static async open(settings: Partial<CognitoSettings> = {}): Promise<CognitoRig> {
    const rig = new CognitoRig(await mkdtemp(join(tmpdir(), "devicelink-cognito-")), settings);
    await rig.#start();
    return rig;
  }

  private constructor(directory: string, settings: Partial<CognitoSettings>) {
    this.directory = directory;
    this.#settings = settings;
  }

  async #start(): Promise<void> {
    const ca = await testCA();
    const { keyPem: key, chainPem: cert } = await ca.issueServer({ names: ["localhost"] });
    const administrator = openAdministratorKey(`${this.directory}/credentials.json`);
    const path = `${this.directory}/temporary.json`;
    const credentials = new CredentialStore({ path, keys: [administrator] });
    const directory = `${this.directory}/cognito`;
    const settings = this.#settings;
    const cognito = await Cognito.open({ directory, region, accountId: "123456789012", credentials, settings });
    cognito.userPool.on("message", (message) => this.messages.push(message));
    const idp = await listen(cognito.idp, { server: { key, cert } });
    const identity = await listen(cognito.identity, { server: { key, cert } });
    const plain = createServer((request, response) => void cognito.idp.handle(request, response));
    plain.listen(0, "127.0.0.1");
    await once(plain, "listening");
    this.#parts = { cognito, credentials, idp, identity, plain, ca: ca.certPem };
    this.cognito = cognito;
    this.credentials = credentials;
    this.admin = this.client(administrator);
    this.idp = this.client();
    this.identity = this.#keep(new CognitoIdentityClient(this.#configure(identity.url)));
  }

  /** The same cloud in another process, as far as it can see; other settings may be given. */
  async restart(settings: Partial<CognitoSettings> = this.#settings): Promise<void> {
    await this.#stop();
    this.#settings = settings;
    await this.#start();
  }

  async #stop(): Promise<void> {
    for (const client of this.#clients.splice(0)) client.destroy();
    const { idp, identity, plain } = this.#parts;
    await idp.close();
    await identity.close();
    plain.closeAllConnections();
    await new Promise((resolve) => plain.close(resolve));
  }

  async close(): Promise<void> {
    await this.#stop();
    await rm(this.directory, { recursive: true, force: true });
  }

  #configure(endpoint: string) {
    const httpsAgent = new Agent({ ca: this.#parts.ca, keepAlive: true });
    return { region, endpoint, requestHandler: { httpsAgent }, maxAttempts: 1 };
  }

  #keep<T extends { destroy(): void }>(client: T): T {
    this.#clients.push(client);
    return client;
  }

  client(credentials?: Keys, overrides: object = {}): CognitoIdentityProviderClient {
    const configuration = { ...this.#configure(this.#parts.idp.url), ...overrides };
    return this.#keep(
      new CognitoIdentityProviderClient(credentials ? { ...configuration, credentials } : configuration),
    );
  }

  get ids() {
    return this.cognito.ids;
  }

  /** Plain HTTP, for clients that know no local authority. */
  get plainURL(): string {
    return `http://127.0.0.1:${(this.#parts.plain.address() as AddressInfo).port}/`;
  }

  /** amazon-cognito-identity-js; with the same storage it finds what another one has left there. */
  pool(Storage: ICognitoStorage = new MemoryStorage()): CognitoUserPool {
    const { userPoolId: UserPoolId, clientId: ClientId } = this.ids;
    return new CognitoUserPool({ UserPoolId, ClientId, endpoint: this.plainURL, Storage });
  }

  /** A user with a password for good. */
  async addUser(Username: string, attributes: Record<string, string> = {}, Password = password): Promise<string> {
    const UserPoolId = this.ids.userPoolId;
    const UserAttributes = Object.entries(attributes).map(([Name, Value]) => ({ Name, Value }));
    const { User } = await this.admin.send(
      new AdminCreateUserCommand({ UserPoolId, Username, UserAttributes, MessageAction: "SUPPRESS" }),
    );
    await this.admin.send(new AdminSetUserPasswordCommand({ UserPoolId, Username, Password, Permanent: true }));
    return User?.Attributes?.find(({ Name }) => Name === "sub")?.Value ?? "";
  }

  /** The first half of a sign-in with cognito-srp-helper. */
  async startSignIn(USERNAME: string, secret = password) {
    const { userPoolId, clientId: ClientId } = this.ids;
    const session = createSrpSession(USERNAME, secret, userPoolId, false);
    const challenge = (await this.idp.send(
      new InitiateAuthCommand(
        wrapInitiateAuth(session, { ClientId, AuthFlow: "USER_SRP_AUTH", AuthParameters: { USERNAME } }),
      ),
    )) as InitiateAuthResponse;
    return { session, challenge };
  }

  /** The second half. */
  async finishSignIn(
    USERNAME: string,
    { session, challenge }: Awaited<ReturnType<CognitoRig["startSignIn"]>>,
    changes: Record<string, string> = {},
  ): Promise<RespondToAuthChallengeResponse> {
    const request = wrapAuthChallenge(signSession(session, challenge), {
      ClientId: this.ids.clientId,
      ChallengeName: "PASSWORD_VERIFIER",
      ChallengeResponses: { USERNAME: challenge.ChallengeParameters?.USERNAME ?? USERNAME },
    });
    Object.assign(request.ChallengeResponses ?? {}, changes);
    return this.idp.send(new RespondToAuthChallengeCommand({ ...request, ChallengeName: "PASSWORD_VERIFIER" }));
  }

  async signIn(USERNAME: string, secret = password): Promise<RespondToAuthChallengeResponse> {
    return this.finishSignIn(USERNAME, await this.startSignIn(USERNAME, secret));
  }

  async tokens(USERNAME: string, secret = password): Promise<Required<AuthenticationResultType>> {
    const { AuthenticationResult } = await this.signIn(USERNAME, secret);
    return AuthenticationResult as Required<AuthenticationResultType>;
  }
}

/** The helper hashes the password under the name that the pool has given, as Cognito's clients do. */
function signSession(session: ReturnType<typeof createSrpSession>, challenge: InitiateAuthResponse) {
  const username = challenge.ChallengeParameters?.USER_ID_FOR_SRP ?? session.username;
  return signSrpSession({ ...session, username }, challenge);
}

export class MemoryStorage implements ICognitoStorage {
  readonly items = new Map<string, string>();

  setItem(key: string, value: string): void {
    this.items.set(key, value);
  }

  getItem(key: string): string | null {
    return this.items.get(key) ?? null;
  }

  removeItem(key: string): void {
    this.items.delete(key);
  }

  clear(): void {
    this.items.clear();
  }
}
