import type { LocalCA } from "../../certs/local-ca.ts";
import type { Cognito } from "./cognito/cognito.ts";
import type { CognitoSettings } from "./cognito/settings.ts";
import type { ControlPlane } from "./control-plane.ts";
import type { AccessKey, CredentialStore } from "./credentials.ts";
import type { DataPlane } from "./data-plane.ts";
import { Gateway } from "./gateway.ts";
import type { IotCore } from "./iot-core.ts";
import type { IotLimits } from "./iot-limits.ts";
import type { JobService } from "./jobs/job-service.ts";
import type { JobsPlane } from "./jobs/jobs-plane.ts";
import type { JsonApi } from "./json-api.ts";
import type { PortName } from "./ports.ts";
import type { Provisioning } from "./provisioning.ts";
import type { Registry } from "./registry.ts";
import type { S3Server } from "./s3/server.ts";
import { openFoundation, startBroker, startBucket, startCognito, startControl, startData } from "./services.ts";
import type { ShadowService } from "./shadow.ts";

export { photoBucket } from "./services.ts";

export interface CloudOptions {
  /** Keeps the authority, the registry, sessions, credentials and ports: what is started with the same directory again is the same cloud. */
  directory: string;
  /** Where the buckets lie. */
  out: string;
  /** Default: those of the last time if they are free, otherwise any. */
  ports?: Partial<Record<PortName, number>>;
  region?: string;
  limits?: Partial<IotLimits>;
  /** Of the user pool and the identity pool. */
  cognito?: Partial<CognitoSettings>;
  /** After each call of the control plane. */
  onCall?(call: { operation: string; status: number; error?: string }): void;
}

/** S3, IoT Core's message broker, IoT's control plane and Cognito, all on 127.0.0.1, with certificates of one local authority. */
export class Cloud {
  readonly ca: LocalCA;
  readonly registry: Registry;
  readonly s3: S3Server;
  readonly iot: IotCore;
  readonly provisioning: Provisioning;
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
    this.provisioning = parts.provisioning;
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
    const foundation = await openFoundation(options);
    const broker = await startBroker(foundation);
    const { jobs, jobsPlane, api } = await startControl(foundation, broker);
    const { shadows, data } = await startData(foundation, broker);
    const { cognito, cognitoIdp, cognitoIdentity } = await startCognito(foundation);
    const s3 = await startBucket(foundation);
    const { idp, identity } = cognito;
    const services = { s3, iot: api, "data.iot": data, "cognito-idp": idp, "cognito-identity": identity };
    const { ca, registry, region, accessKey, credentials, files, ports } = foundation;
    const gateway = await ports.listen("gateway", (port) => Gateway.listen({ services, port }));
    ports.save();
    const { iot } = broker;
    iot.open();
    return new Cloud({
      ca,
      registry,
      s3,
      iot,
      provisioning: broker.provisioning,
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
