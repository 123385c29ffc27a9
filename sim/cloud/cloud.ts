import { readFileSync } from "node:fs";
import { join } from "node:path";
import { LocalCA } from "../../certs/local-ca.ts";
import { Authorization } from "./authorization.ts";
import { Cognito, listen } from "./cognito/cognito.ts";
import type { CognitoSettings } from "./cognito/settings.ts";
import { ControlPlane } from "./control-plane.ts";
import { type AccessKey, CredentialStore, openAdministratorKey } from "./credentials.ts";
import { DataPlane } from "./data-plane.ts";
import { FleetProvisioningAPI } from "./fleet-provisioning-api.ts";
import { Gateway } from "./gateway.ts";
import { IotCore } from "./iot-core.ts";
import type { IotLimits } from "./iot-limits.ts";
import { JobService } from "./jobs/job-service.ts";
import { JobsOverMqtt } from "./jobs/jobs-over-mqtt.ts";
import { JobsPlane } from "./jobs/jobs-plane.ts";
import type { JsonApi } from "./json-api.ts";
import { JsonFile } from "./json-file.ts";
import { JustInTime } from "./just-in-time.ts";
import { MqttWebSocket } from "./mqtt-websocket.ts";
import { Provisioning } from "./provisioning.ts";
import { Registry } from "./registry.ts";
import { PhoneRole } from "./role-policy.ts";
import type { CorsRule } from "./s3/cors.ts";
import { S3Server } from "./s3/server.ts";
import { ShadowService } from "./shadow.ts";

export interface CloudOptions {
  /** Keeps the authority, the registry, sessions, credentials and ports: what is started with the same directory again is the same cloud. */
  directory: string;
  /** Where the buckets lie. */
  out: string;
  /** Default: those of the last time if they are free, otherwise any. */
  ports?: Partial<Ports>;
  region?: string;
  limits?: Partial<IotLimits>;
  /** Of the user pool and the identity pool. */
  cognito?: Partial<CognitoSettings>;
  /** After each call of the control plane. */
  onCall?(call: { operation: string; status: number; error?: string }): void;
}

interface Ports {
  s3: number;
  mqtt: number;
  api: number;
  data: number;
  jobs: number;
  gateway: number;
  cognitoIdp: number;
  cognitoIdentity: number;
}

/** The bucket that pictures go to. */
export const photoBucket = "devicelink-photos";

/** The account number that AWS uses in its documentation. */
const accountId = "123456789012";

/** S3, IoT Core's message broker, IoT's control plane and Cognito, all on 127.0.0.1, with certificates of one local authority. */
export class Cloud {
  readonly ca: LocalCA;
  readonly registry: Registry;
  readonly s3: S3Server;
  readonly iot: IotCore;
  readonly api: ControlPlane;
  readonly shadows: ShadowService;
  readonly data: DataPlane;
  readonly jobs: JobService;
  readonly jobsPlane: JobsPlane;
  readonly cognito: Cognito;
  readonly cognitoIdp: JsonApi;
  readonly cognitoIdentity: JsonApi;
  /** All of them once more, for browsers. */
  readonly gateway: Gateway;
  readonly region: string;
  /** The administrator's. */
  readonly accessKey: AccessKey;
  /** All access keys, temporary ones too. */
  readonly credentials: CredentialStore;
  /** Files with the root certificate (PEM) and with the access key (JSON, readable by its owner only). */
  readonly files: { rootCA: string; credentials: string };

  private constructor(parts: Omit<Cloud, "close">) {
    this.ca = parts.ca;
    this.registry = parts.registry;
    this.s3 = parts.s3;
    this.iot = parts.iot;
    this.api = parts.api;
    this.shadows = parts.shadows;
    this.data = parts.data;
    this.jobs = parts.jobs;
    this.jobsPlane = parts.jobsPlane;
    this.cognito = parts.cognito;
    this.cognitoIdp = parts.cognitoIdp;
    this.cognitoIdentity = parts.cognitoIdentity;
    this.gateway = parts.gateway;
    this.region = parts.region;
    this.accessKey = parts.accessKey;
    this.credentials = parts.credentials;
    this.files = parts.files;
  }

  static async start(options: CloudOptions): Promise<Cloud> {
    const { directory, out, region = "us-east-1" } = options;
    const ca = await LocalCA.open(join(directory, "ca"));
    const registry = new Registry({ path: join(directory, "registry.json"), region, accountId });
    const files = { rootCA: join(directory, "ca", "local-ca.crt"), credentials: join(directory, "credentials.json") };
    const accessKey = openAdministratorKey(files.credentials);
    const temporary = join(directory, "temporary-credentials.json");
    const credentials = new CredentialStore({ path: temporary, keys: [accessKey] });
    const role = new PhoneRole({ region, accountId, bucket: photoBucket });
    const authorization = new Authorization({ role, registry });
    const ports = new JsonFile<Ports>(join(directory, "ports.json"));
    const wanted = { ...ports.read(), ...options.ports };
    const { keyPem: key, chainPem: cert } = await ca.issueServer({ names: ["localhost", "127.0.0.1"] });
    const server = { key, cert };

    const s3 = await onPort(wanted.s3, (port) =>
      S3Server.listen({
        ca,
        directory: out,
        port,
        credentials,
        objection: authorization.s3Objection,
        region,
        buckets: [photoBucket],
        cors: { [photoBucket]: readCorsRules() },
      }),
    );
    const sessions = join(directory, "sessions.json");
    const { limits } = options;
    const provisioning = new Provisioning({ path: join(directory, "provisioning.json"), registry, ca });
    const publish = (topic: string, message: string) => void iot.publish(topic, message).catch(() => {});
    const justInTime = new JustInTime({ path: join(directory, "authorities.json"), provisioning, publish });
    const inspect = (certificateId: string, der: Buffer) =>
      provisioning.isExpired(certificateId) ? "the claim has expired" : justInTime.inspect(certificateId, der);
    const iot = await onPort(wanted.mqtt, (port) =>
      IotCore.listen({ registry, inspect, sessions, server, port, limits }),
    );
    new FleetProvisioningAPI(iot, provisioning);
    const { onCall } = options;
    const jobs = new JobService({ path: join(directory, "jobs.json"), registry });
    new JobsOverMqtt(iot, jobs);
    const jobsPlane = await onPort(wanted.jobs, (port) =>
      JobsPlane.listen({ jobs, region, server, credentials, port, onCall }),
    );
    const api = await onPort(wanted.api, (port) =>
      ControlPlane.listen({
        registry,
        provisioning,
        justInTime,
        jobs,
        endpoint: iot.endpoint,
        jobsEndpoint: `localhost:${jobsPlane.port}`,
        signRequest: async (csr) => (await ca.issueFromCsr(csr, { commonName: "AWS IoT Certificate" })).certPem,
        onCertificateChanged: () => iot.recheckRights(),
        server,
        credentials,
        authorization,
        port,
        onCall,
      }),
    );
    const shadows = new ShadowService(join(directory, "shadows.json"), iot);
    const mqtt = new MqttWebSocket({ iot, registry, keys: credentials, isRoleAllowed: role.isRoleAllowed });
    // Credentials that end before their time take their connections along.
    credentials.on("expire", () => iot.recheckRights());
    const data = await onPort(wanted.data, (port) =>
      DataPlane.listen({ shadows, mqtt, region, server, credentials, authorization, port, onCall }),
    );
    const cognito = await Cognito.open({
      directory: join(directory, "cognito"),
      region,
      accountId,
      credentials,
      settings: options.cognito,
      onCall,
    });
    const cognitoIdp = await onPort(wanted.cognitoIdp, (port) => listen(cognito.idp, { server, port }));
    const cognitoIdentity = await onPort(wanted.cognitoIdentity, (port) => listen(cognito.identity, { server, port }));
    const services = {
      s3,
      iot: api,
      "data.iot": data,
      "cognito-idp": cognito.idp,
      "cognito-identity": cognito.identity,
    };
    const gateway = await onPort(wanted.gateway, (port) => Gateway.listen({ services, port }));
    ports.write({
      s3: s3.port,
      mqtt: iot.port,
      api: api.port,
      data: data.port,
      jobs: jobsPlane.port,
      gateway: gateway.port,
      cognitoIdp: cognitoIdp.port,
      cognitoIdentity: cognitoIdentity.port,
    });
    return new Cloud({
      ca,
      registry,
      s3,
      iot,
      api,
      shadows,
      data,
      jobs,
      jobsPlane,
      cognito,
      cognitoIdp,
      cognitoIdentity,
      gateway,
      region,
      accessKey,
      credentials,
      files,
    });
  }

  async close(): Promise<void> {
    await this.gateway.close();
    await this.cognitoIdp.close();
    await this.cognitoIdentity.close();
    await this.api.close();
    await this.data.close();
    await this.jobsPlane.close();
    this.jobs.close();
    await this.iot.close();
    await this.s3.close();
  }
}

export function startCloud(options: CloudOptions): Promise<Cloud> {
  return Cloud.start(options);
}

/** The file has the shape of PutBucketCors, so that a bucket in AWS can be given the same. */
function readCorsRules(): CorsRule[] {
  return JSON.parse(readFileSync(new URL("bucket-cors.json", import.meta.url), "utf8")).CORSRules;
}

/** Somebody else may have taken the port of the last time. */
async function onPort<T>(port: number | undefined, listen: (port?: number) => Promise<T>): Promise<T> {
  try {
    return await listen(port);
  } catch (error) {
    if (!port || (error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    return listen();
  }
}
