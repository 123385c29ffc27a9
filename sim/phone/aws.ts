import { readFile } from "node:fs/promises";
import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateCertificateFromCsrCommand,
  CreatePolicyCommand,
  CreateThingCommand,
  DescribeEndpointCommand,
  IoTClient,
  RegisterCertificateWithoutCACommand,
  ResourceAlreadyExistsException,
} from "@aws-sdk/client-iot";
import { PutObjectCommand, S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import type { Registrar, Registration } from "./camera-owner.ts";

/** The policy of every camera; its variables make it fit the one that connects. */
const policyName = "devicelink-camera";
const policyFile = new URL("../../certs/iot-policy.json", import.meta.url);

/** Credentials of a Cognito identity live an hour, and a URL dies with what it was signed with (S3 guide, "Presigned URLs"). */
const longestExpiry = 3600;

/**
 * Makes a thing of AWS IoT out of a camera: a certificate for the camera's own key, the thing, the policy, and what belongs together
 * attached. A thing and a policy that are there already are used.
 */
export async function registerThing(
  client: IoTClient,
  { thingName, csrPem }: { thingName: string; csrPem: string },
): Promise<Registration> {
  const certificate = await client.send(
    new CreateCertificateFromCsrCommand({ certificateSigningRequest: csrPem, setAsActive: true }),
  );
  const certificateArn = certificate.certificateArn!;
  const endpoint = await attachThing(client, thingName, certificateArn);
  return { thingName, endpoint, certPem: certificate.certificatePem!, certificateArn };
}

/**
 * The same in several regions, for a camera that may use any of them: the certificate comes from the first, and is registered in the others, each of which
 * has the thing and the policy of its own. The camera gets all endpoints.
 */
export async function registerInRegions(
  [home, ...others]: IoTClient[],
  request: { thingName: string; csrPem: string },
): Promise<Omit<Registration, "endpoint"> & { endpoint: string[] }> {
  const registration = await registerThing(home, request);
  const endpoint = [registration.endpoint];
  for (const client of others) {
    const { certificateArn } = await client.send(
      new RegisterCertificateWithoutCACommand({ certificatePem: registration.certPem, status: "ACTIVE" }),
    );
    endpoint.push(await attachThing(client, request.thingName, certificateArn!));
  }
  return { ...registration, endpoint };
}

/** @returns the region's endpoint */
async function attachThing(client: IoTClient, thingName: string, certificateArn: string): Promise<string> {
  await unlessItExists(client.send(new CreateThingCommand({ thingName })));
  await unlessItExists(
    client.send(new CreatePolicyCommand({ policyName, policyDocument: await policyFor(certificateArn) })),
  );
  await client.send(new AttachPolicyCommand({ policyName, target: certificateArn }));
  await client.send(new AttachThingPrincipalCommand({ thingName, principal: certificateArn }));
  const { endpointAddress } = await client.send(new DescribeEndpointCommand({ endpointType: "iot:Data-ATS" }));
  return endpointAddress!;
}

/** The policy template for the partition, region and account of an ARN (`arn:aws:iot:eu-west-1:123456789012:...`). */
export async function policyFor(arn: string): Promise<string> {
  const [, partition, , region, account] = arn.split(":");
  const template = await readFile(policyFile, "utf8");
  const prefix = `arn:${partition}:iot:${region}:${account}:`;
  return JSON.stringify(JSON.parse(template.replaceAll("arn:PARTITION:iot:REGION:ACCOUNT:", prefix)));
}

export interface PhotoURLRequest {
  bucket: string;
  thingName: string;
  imageId: string;
  /** Seconds. */
  expiresIn?: number;
}

/** A URL for one PUT of a JPEG. It is a credential: whoever has it can write that object. */
export function presignPhoto(client: S3Client, request: PhotoURLRequest): Promise<string> {
  const { bucket, thingName, imageId, expiresIn = longestExpiry } = request;
  const command = new PutObjectCommand({ Bucket: bucket, Key: `${thingName}/${imageId}.jpg` });
  return getSignedUrl(client, command, { expiresIn });
}

async function unlessItExists<T>(call: Promise<T>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof ResourceAlreadyExistsException)) throw error;
  }
}

/** Where the local cloud is: what sim/cloud/main.ts says in its first line. */
export interface LocalCloud {
  s3: { url: string };
  api: { url: string };
  region?: string;
  /** File with the access key. */
  credentials: string;
}

export type RegistrarOptions = {
  bucket?: string;
} & (
  | {
      cloud: LocalCloud;
      /** PEM. */
      rootCA: string;
    }
  | { /** Real AWS, with the credentials that the SDK finds. */ region: string; bucket: string }
);

/** Registers cameras and signs URLs with the AWS SDK, in AWS or in the local cloud. */
export class AwsRegistrar implements Registrar {
  #options: RegistrarOptions;
  #clients?: Promise<{ iot: IoTClient; s3: S3Client }>;

  constructor(options: RegistrarOptions) {
    this.#options = options;
  }

  async registerThing(request: { thingName: string; csrPem: string }): Promise<Registration> {
    const { iot } = await this.#open();
    return registerThing(iot, request);
  }

  async presignPhoto(request: { thingName: string; imageId: string; expiresIn?: number }): Promise<string> {
    const { s3 } = await this.#open();
    return presignPhoto(s3, { bucket: this.#options.bucket ?? "devicelink-photos", ...request });
  }

  #open() {
    this.#clients ??= makeClients(this.#options);
    return this.#clients;
  }
}

async function makeClients(options: RegistrarOptions): Promise<{ iot: IoTClient; s3: S3Client }> {
  // A checksum that the SDK adds by itself would be that of an empty body, and signed.
  const checksums = { requestChecksumCalculation: "WHEN_REQUIRED" } satisfies S3ClientConfig;
  if (!("cloud" in options)) {
    const { region } = options;
    return { iot: new IoTClient({ region }), s3: new S3Client({ region, ...checksums }) };
  }
  const { cloud, rootCA } = options;
  const credentials = JSON.parse(await readFile(cloud.credentials, "utf8"));
  const common = { region: cloud.region ?? "us-east-1", credentials, requestHandler: { httpsAgent: { ca: rootCA } } };
  return {
    iot: new IoTClient({ ...common, endpoint: cloud.api.url }),
    s3: new S3Client({ ...common, endpoint: cloud.s3.url, forcePathStyle: true, ...checksums }),
  };
}
