import { readFileSync } from "node:fs";
import { join } from "node:path";
import { LocalCA } from "../../certs/local-ca.ts";
import { Authorization } from "./authorization.ts";
import type { CloudOptions } from "./cloud.ts";
import { Cognito, listen } from "./cognito/cognito.ts";
import { ControlPlane } from "./control-plane.ts";
import { CredentialStore, openAdministratorKey } from "./credentials.ts";
import { DataPlane } from "./data-plane.ts";
import { FleetProvisioningAPI } from "./fleet-provisioning-api.ts";
import { IotCore } from "./iot-core.ts";
import { JobService } from "./jobs/job-service.ts";
import { JobsOverMqtt } from "./jobs/jobs-over-mqtt.ts";
import { JobsPlane } from "./jobs/jobs-plane.ts";
import { JustInTime } from "./just-in-time.ts";
import { MqttWebSocket } from "./mqtt-websocket.ts";
import { Ports } from "./ports.ts";
import { Provisioning } from "./provisioning.ts";
import { Registry } from "./registry.ts";
import { PhoneRole } from "./role-policy.ts";
import type { CorsRule } from "./s3/cors.ts";
import { S3Server } from "./s3/server.ts";
import { ShadowService } from "./shadow.ts";

/** How the services of a cloud are plugged together, in the order in which they need one another. */

/** The bucket that pictures go to. */
export const photoBucket = "devicelink-photos";

/** The account number that AWS uses in its documentation. */
const accountId = "123456789012";

export type Foundation = Awaited<ReturnType<typeof openFoundation>>;
export type Broker = Awaited<ReturnType<typeof startBroker>>;

/** What all services stand on: authority, registry, keys, rights, ports. */
export async function openFoundation(options: CloudOptions) {
  const { directory, region = "us-east-1" } = options;
  const path = (name: string) => join(directory, name);
  const ca = await LocalCA.open(path("ca"));
  const { keyPem: key, chainPem: cert } = await ca.issueServer({ names: ["localhost", "127.0.0.1"] });
  const registry = new Registry({ path: path("registry.json"), region, accountId });
  const files = { rootCA: path("ca/local-ca.crt"), credentials: path("credentials.json") };
  const accessKey = openAdministratorKey(files.credentials);
  const credentials = new CredentialStore({ path: path("temporary-credentials.json"), keys: [accessKey] });
  const role = new PhoneRole({ region, accountId, bucket: photoBucket });
  const authorization = new Authorization({ role, registry });
  const ports = new Ports(path("ports.json"), options.ports);
  const server = { key, cert };
  return { options, path, region, ca, server, registry, files, accessKey, credentials, role, authorization, ports };
}

export function startBucket({ options, ca, credentials, authorization, region, ports }: Foundation): Promise<S3Server> {
  return ports.listen("s3", (port) =>
    S3Server.listen({
      ca,
      directory: options.out,
      port,
      credentials,
      objection: authorization.s3Objection,
      region,
      buckets: [photoBucket],
      cors: { [photoBucket]: readCorsRules() },
    }),
  );
}

/** The message broker, and the ways in which devices get an identity for it. */
export async function startBroker({ options, path, ca, server, registry, ports }: Foundation) {
  const provisioning = new Provisioning({ path: path("provisioning.json"), registry, ca });
  const publish = (topic: string, message: string) => void iot.publish(topic, message).catch(() => {});
  const justInTime = new JustInTime({ path: path("authorities.json"), provisioning, publish });
  const inspect = (certificateId: string, der: Buffer) =>
    provisioning.isExpired(certificateId) ? "the claim has expired" : justInTime.inspect(certificateId, der);
  const sessions = path("sessions.json");
  const iot = await ports.listen("mqtt", (port) =>
    IotCore.listen({ registry, inspect, sessions, server, port, limits: options.limits }),
  );
  new FleetProvisioningAPI(iot, provisioning);
  return { iot, provisioning, justInTime };
}

/** Jobs and the control plane. */
export async function startControl(foundation: Foundation, { iot, provisioning, justInTime }: Broker) {
  const { options, path, region, ca, server, registry, credentials, authorization, ports } = foundation;
  const { onCall } = options;
  const jobs = new JobService({ path: path("jobs.json"), registry });
  new JobsOverMqtt(iot, jobs);
  const jobsPlane = await ports.listen("jobs", (port) =>
    JobsPlane.listen({ jobs, region, server, credentials, port, onCall }),
  );
  const api = await ports.listen("api", (port) =>
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
  return { jobs, jobsPlane, api };
}

/** Shadows and the data plane, with MQTT over WebSocket at its door. */
export async function startData(foundation: Foundation, { iot }: Broker) {
  const { options, path, region, server, credentials, authorization, ports } = foundation;
  const shadows = new ShadowService(path("shadows.json"), iot);
  const { onCall } = options;
  const mqtt = new MqttWebSocket({
    iot,
    region,
    keys: credentials,
    authorization,
    // The client has been told no reason.
    onRefuse: (reason) => onCall?.({ operation: "WebSocket", status: 403, error: reason }),
  });
  // Credentials that end before their time take their connections along.
  credentials.on("expire", () => iot.recheckRights());
  const data = await ports.listen("data", (port) =>
    DataPlane.listen({ iot, shadows, mqtt, region, server, credentials, authorization, port, onCall }),
  );
  return { shadows, data };
}

/** User pool and identity pool. */
export async function startCognito({ options, path, region, server, credentials, ports }: Foundation) {
  const { onCall, cognito: settings } = options;
  const cognito = await Cognito.open({ directory: path("cognito"), region, accountId, credentials, settings, onCall });
  const cognitoIdp = await ports.listen("cognitoIdp", (port) => listen(cognito.idp, { server, port }));
  const cognitoIdentity = await ports.listen("cognitoIdentity", (port) => listen(cognito.identity, { server, port }));
  return { cognito, cognitoIdp, cognitoIdentity };
}

/** The file has the shape of PutBucketCors, so that a bucket in AWS can be given the same. */
function readCorsRules(): CorsRule[] {
  return JSON.parse(readFileSync(new URL("bucket-cors.json", import.meta.url), "utf8")).CORSRules;
}
