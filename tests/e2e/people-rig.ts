/** A local cloud with its functions, and people who sign in, with unmodified clients of the AWS SDK. */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CognitoIdentityClient,
  GetCredentialsForIdentityCommand,
  GetIdCommand,
} from "@aws-sdk/client-cognito-identity";
import {
  AdminCreateUserCommand,
  AdminSetUserPasswordCommand,
  CognitoIdentityProviderClient,
  InitiateAuthCommand,
  type InitiateAuthResponse,
  RespondToAuthChallengeCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { AttachPolicyCommand, IoTClient } from "@aws-sdk/client-iot";
import { IoTDataPlaneClient } from "@aws-sdk/client-iot-data-plane";
import { S3Client } from "@aws-sdk/client-s3";
import { createSrpSession, signSrpSession, wrapAuthChallenge, wrapInitiateAuth } from "cognito-srp-helper";
import type { MqttClient } from "mqtt";
import type { BindingAnswer, BindingOutcome } from "../../sim/cloud/bindings/binding-service.ts";
import { JsonBindingTable } from "../../sim/cloud/bindings/json-table.ts";
import { bindingsFile, serveBindings } from "../../sim/cloud/bindings/local.ts";
import { type Cloud, startCloud } from "../../sim/cloud/cloud.ts";
import type { GrantOutcome } from "../../sim/cloud/grants/grant-service.ts";
import { serveGrants } from "../../sim/cloud/grants/local.ts";
import type { KeyedCamera } from "./keyed-camera.ts";
import { connectSigned } from "./websocket-rig.ts";

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";

const limit = 10_000;

/** What requests are signed with. */
interface Keys {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

export class PeopleRig {
  readonly cloud: Cloud;
  readonly directory: string;
  readonly table: JsonBindingTable;
  /** What the functions have said, in order. */
  readonly bindings: BindingOutcome[] = [];
  readonly grants: GrantOutcome[] = [];
  readonly failures: string[] = [];
  readonly administrator: Clients;

  private constructor(cloud: Cloud, directory: string, allowUnproven: boolean) {
    this.cloud = cloud;
    this.directory = directory;
    this.table = new JsonBindingTable(bindingsFile(directory));
    this.administrator = new Clients(cloud, cloud.accessKey);
    const onFailure = (reason: string) => this.failures.push(reason);
    serveBindings(cloud, { directory, allowUnproven, onFailure, onOutcome: (outcome) => this.bindings.push(outcome) });
    serveGrants(cloud, { directory, onFailure, onOutcome: (outcome) => this.grants.push(outcome) });
  }

  static async open({ allowUnproven = false } = {}): Promise<PeopleRig> {
    const directory = await mkdtemp(join(tmpdir(), "devicelink-people-"));
    const limits = { connectsPerSecond: 1000 };
    return new PeopleRig(
      await startCloud({ directory, out: join(directory, "out"), limits }),
      directory,
      allowUnproven,
    );
  }

  /** Somebody who has just signed in for the first time: the phone's policy is attached, as phones do it. */
  async person(): Promise<Person> {
    const person = await this.#signIn(`person-${randomUUID()}`, "Sesame, open 1!");
    await person.iot.send(new AttachPolicyCommand({ policyName: "devicelink-phone", target: person.identityId }));
    return person;
  }

  /** User pool (SRP), then identity pool: a user that the administrator has made. */
  async #signIn(Username: string, Password: string): Promise<Person> {
    const { cloud } = this;
    const { userPoolId: UserPoolId, clientId: ClientId, identityPoolId: IdentityPoolId } = cloud.cognito.ids;
    const { region, accessKey: credentials } = cloud;
    const common = { region, requestHandler: { httpsAgent: { ca: cloud.ca.certPem } } };
    const idp = new CognitoIdentityProviderClient({ ...common, credentials, endpoint: cloud.cognitoIdp.url });
    await idp.send(new AdminCreateUserCommand({ UserPoolId, Username, MessageAction: "SUPPRESS" }));
    await idp.send(new AdminSetUserPasswordCommand({ UserPoolId, Username, Password, Permanent: true }));

    const session = createSrpSession(Username, Password, UserPoolId, false);
    const start = { ClientId, AuthFlow: "USER_SRP_AUTH" as const, AuthParameters: { USERNAME: Username } };
    const challenge = await idp.send(new InitiateAuthCommand(wrapInitiateAuth(session, start)));
    const { ChallengeParameters: parameters = {} } = challenge;
    const signed = signSrpSession(
      { ...session, username: parameters.USER_ID_FOR_SRP },
      challenge as InitiateAuthResponse,
    );
    const answer = wrapAuthChallenge(signed, {
      ClientId,
      ChallengeName: "PASSWORD_VERIFIER",
      ChallengeResponses: { USERNAME: parameters.USERNAME },
    });
    const { AuthenticationResult: tokens } = await idp.send(
      new RespondToAuthChallengeCommand({ ...answer, ChallengeName: "PASSWORD_VERIFIER" }),
    );

    const identity = new CognitoIdentityClient({ ...common, endpoint: cloud.cognitoIdentity.url });
    const Logins = { [`cognito-idp.${region}.amazonaws.com/${UserPoolId}`]: tokens!.IdToken! };
    const { IdentityId } = await identity.send(new GetIdCommand({ IdentityPoolId, Logins }));
    const got = await identity.send(new GetCredentialsForIdentityCommand({ IdentityId, Logins }));
    const { AccessKeyId, SecretKey, SessionToken } = got.Credentials!;
    const key = { accessKeyId: AccessKeyId!, secretAccessKey: SecretKey!, sessionToken: SessionToken! };
    return new Person(cloud, IdentityId!, key);
  }

  async close(): Promise<void> {
    await this.cloud.close();
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** Clients that sign with one key. */
export class Clients {
  readonly iot: IoTClient;
  readonly data: IoTDataPlaneClient;
  readonly s3: S3Client;

  constructor({ ca, region, api, data, s3 }: Cloud, credentials: Keys) {
    const common = { region, credentials, requestHandler: { httpsAgent: { ca: ca.certPem } }, maxAttempts: 1 };
    this.iot = new IoTClient({ ...common, endpoint: api.url });
    this.data = new IoTDataPlaneClient({ ...common, endpoint: data.url });
    const checksums = { requestChecksumCalculation: "WHEN_REQUIRED" } as const;
    this.s3 = new S3Client({ ...common, ...checksums, endpoint: s3.url, forcePathStyle: true });
  }
}

export class Person extends Clients {
  readonly identityId: string;
  readonly key: Keys;
  #cloud: Cloud;
  #count = 0;

  constructor(cloud: Cloud, identityId: string, key: Keys) {
    super(cloud, key);
    this.identityId = identityId;
    this.key = key;
    this.#cloud = cloud;
  }

  /** MQTT over WebSocket as this person; resolves when the broker has taken the client. */
  connect(clientId = `phone-${this.identityId}-${randomUUID()}`): Promise<MqttClient> {
    const host = `localhost:${this.#cloud.data.port}`;
    const door = { origin: `wss://${host}`, host, ca: this.#cloud.ca.certPem };
    return connectSigned(door, this.key, { clientId, keepalive: 30, connectTimeout: limit });
  }

  /** A nonce, which the camera signs; then the claim. @param fields of the claim, also instead of those that are right */
  async claim(camera: KeyedCamera, fields: { name?: string; csr?: string; requestId?: string } = {}) {
    const { nonce = "" } = await this.ask({ action: "challenge" });
    const proof = camera.sign({ identity: this.identityId, nonce, csr: fields.csr });
    return this.ask({ action: "claim", thingName: camera.thingName, nonce, ...proof, ...fields });
  }

  /** Asks the binding function over MQTT, as a phone does, and waits for its answer. */
  async ask(message: object): Promise<BindingAnswer> {
    this.#count += 1;
    const { requestId = `request-${this.#count}` } = message as { requestId?: string };
    const mqtt = await this.connect();
    try {
      await mqtt.subscribeAsync(`users/${this.identityId}/cameras/answer`, { qos: 1 });
      const answer = nextMessage(mqtt, (body) => (body as BindingAnswer).requestId === requestId);
      const payload = JSON.stringify({ ...message, requestId });
      await mqtt.publishAsync(`users/${this.identityId}/cameras/request`, payload, { qos: 1 });
      return (await answer) as BindingAnswer;
    } finally {
      await mqtt.endAsync(true);
    }
  }
}

/** The next JSON message that fits. Rejects when none has come in ten seconds, or the connection ends. */
export function nextMessage(mqtt: MqttClient, fits: (body: unknown, topic: string) => boolean): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const end = (finish: () => void) => {
      clearTimeout(timer);
      mqtt.off("message", hear).off("close", close);
      finish();
    };
    const timer = setTimeout(() => end(() => reject(new Error(`no message in ${limit / 1000} s`))), limit);
    const close = () => end(() => reject(new Error("the broker has closed the connection")));
    const hear = (topic: string, payload: Buffer) => {
      const body = JSON.parse(payload.toString());
      if (fits(body, topic)) end(() => resolve(body));
    };
    mqtt.on("message", hear).on("close", close);
  });
}
