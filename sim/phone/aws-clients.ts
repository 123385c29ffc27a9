import { CognitoIdentityClient } from "@aws-sdk/client-cognito-identity";
import { CognitoIdentityProviderClient } from "@aws-sdk/client-cognito-identity-provider";
import { IoTClient } from "@aws-sdk/client-iot";
import { S3Client } from "@aws-sdk/client-s3";
import type { ActivityChannel, ActivityLog } from "./activity.ts";
import { isExpiredCredentials } from "./aws-errors.ts";
import type { CloudSettings } from "./cloud-settings.ts";
import type { CloudOptions } from "./transport.ts";

/** Milliseconds until the head of an answer has to be there. */
const requestTimeout = 15_000;

/** Temporary credentials. `expiration` is by the cloud's clock. */
export interface TemporaryCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiration: Date;
}

/** Credentials that can be had anew before their time. */
export interface CredentialSource {
  credentials(): Promise<TemporaryCredentials>;
  /** A service has called these credentials dead: the next ones will be others. */
  renew(dead: TemporaryCredentials): void;
  /** Milliseconds that the cloud's clock is ahead. */
  readonly clockOffset: number;
}

/** Clients that need nobody to be signed in. */
export function makeCognitoClients(settings: CloudSettings, options: CloudOptions) {
  const common = { region: settings.region, ...transportOf(options) };
  const idp = new CognitoIdentityProviderClient({ ...common, endpoint: settings.endpoints?.cognitoIdp });
  const identity = new CognitoIdentityClient({ ...common, endpoint: settings.endpoints?.cognitoIdentity });
  observe(idp, "cognito", options.activity);
  observe(identity, "cognito", options.activity);
  return { idp, identity };
}

export interface AwsClients {
  iot: IoTClient;
  s3: S3Client;
  /** Only for signing: S3 under the address that the camera knows. */
  deviceS3: S3Client;
}

/** Clients for a person who has signed in. Their credentials renew themselves. */
export function makeAwsClients(settings: CloudSettings, source: CredentialSource, options: CloudOptions): AwsClients {
  const { region, endpoints } = settings;
  const common = {
    region,
    // "memoized": the SDK asks each time; the account keeps them itself, and knows when a service has called them dead.
    credentials: Object.assign(() => source.credentials(), { memoized: true }),
    systemClockOffset: source.clockOffset,
    ...transportOf(options),
  };
  // A checksum that the SDK adds by itself would be that of an empty body, and signed.
  const s3Options = { ...common, requestChecksumCalculation: "WHEN_REQUIRED", forcePathStyle: !!endpoints } as const;
  const clients = {
    iot: new IoTClient({ ...common, endpoint: endpoints?.iot }),
    s3: new S3Client({ ...s3Options, endpoint: endpoints?.s3 }),
    deviceS3: new S3Client({ ...s3Options, endpoint: endpoints?.deviceS3 }),
  };
  for (const client of [clients.iot, clients.s3]) renewExpired(client, source);
  observe(clients.iot, "iot", options.activity);
  observe(clients.s3, "s3", options.activity);
  return clients;
}

function transportOf({ transport }: CloudOptions) {
  return { requestHandler: { requestTimeout, connectionTimeout: requestTimeout, ...transport?.requestHandler } };
}

/** What all clients have in common, of what is needed here. */
interface Middlewares {
  middlewareStack: {
    add(middleware: never, options: { step: "initialize"; name: string; priority?: "high" | "normal" | "low" }): void;
  };
}

type Next = (args: { input: object }) => Promise<{ response: unknown }>;

/** Credentials that die on the way, or before their time, are a new attempt with new ones. */
function renewExpired(client: Middlewares, source: CredentialSource): void {
  const middleware = (next: Next) => async (args: { input: object }) => {
    const used = await source.credentials();
    try {
      return await next(args);
    } catch (error) {
      if (!isExpiredCredentials(error)) throw error;
      source.renew(used);
      return await next(args);
    }
  };
  client.middlewareStack.add(middleware as never, { step: "initialize", name: "renewExpiredCredentials" });
}

/** Cognito's requests are secrets from end to end; of S3's, name and place are told. */
function observe(client: Middlewares, channel: ActivityChannel, activity: ActivityLog | undefined): void {
  if (!activity) return;
  const middleware = (next: Next, context: { commandName?: string }) => async (args: { input: object }) => {
    const name = (context.commandName ?? "?").replace(/Command$/, "");
    activity.add(channel, "out", name, channel === "cognito" ? undefined : args.input);
    try {
      const answer = await next(args);
      activity.add(channel, "in", `${name}: done`);
      return answer;
    } catch (error) {
      activity.add(channel, "in", `${name}: ${(error as Error).name}`, { message: (error as Error).message });
      throw error;
    }
  };
  client.middlewareStack.add(middleware as never, { step: "initialize", name: "observe", priority: "high" });
}
