import { readFile } from "node:fs/promises";
import {
  CreatePolicyCommand,
  CreateProvisioningClaimCommand,
  CreateProvisioningTemplateCommand,
  DescribeEndpointCommand,
  type IoTClient,
  ResourceAlreadyExistsException,
} from "@aws-sdk/client-iot";

/** The policies of certs/, under the names that the template of certs/ asks for. */
const policies = {
  "devicelink-camera": "iot-policy.json",
  "devicelink-rotation": "rotation-policy.json",
  "devicelink-claim": "claim-policy.json",
};

export interface FleetOptions {
  templateName: string;
  /** May register things (AWSIoTThingsRegistration). Its account is the one that policies are made for. */
  roleArn: string;
  region: string;
  /** ARN of the function that says who may have which thing (sim/cloud/provisioning-hook). */
  hookArn: string;
}

/** What a fleet needs once in an account: the policies and the provisioning template. What is there already is left as it is. */
export async function setUpFleet(
  client: IoTClient,
  { templateName, roleArn, region, hookArn }: FleetOptions,
): Promise<void> {
  const [, partition, , , account] = roleArn.split(":");
  for (const [policyName, file] of Object.entries(policies)) {
    const document = (await readCerts(file))
      .replaceAll("arn:PARTITION:iot:REGION:ACCOUNT:", `arn:${partition}:iot:${region}:${account}:`)
      .replaceAll("TEMPLATE", templateName);
    const policyDocument = JSON.stringify(JSON.parse(document));
    await unlessItExists(client.send(new CreatePolicyCommand({ policyName, policyDocument })));
  }
  const templateBody = await readCerts("provisioning-template.json");
  const preProvisioningHook = { payloadVersion: "2020-04-01", targetArn: hookArn };
  const template = { templateName, templateBody, provisioningRoleArn: roleArn, enabled: true, preProvisioningHook };
  await unlessItExists(client.send(new CreateProvisioningTemplateCommand(template)));
}

/** The fields of ProvisionByClaim. */
export interface Claim {
  template: string;
  endpoint: string;
  certPem: string;
  privKey: string;
  /** Milliseconds since 1970. */
  expiration?: number;
}

/** A claim of five minutes for one camera, as the app of a trusted user fetches it. */
export async function createClaim(client: IoTClient, templateName: string): Promise<Claim> {
  const claim = await client.send(new CreateProvisioningClaimCommand({ templateName }));
  const { endpointAddress } = await client.send(new DescribeEndpointCommand({ endpointType: "iot:Data-ATS" }));
  return {
    template: templateName,
    endpoint: endpointAddress!,
    certPem: claim.certificatePem!,
    privKey: claim.keyPair!.PrivateKey!,
    expiration: claim.expiration?.getTime(),
  };
}

function readCerts(file: string): Promise<string> {
  return readFile(new URL(`../../certs/${file}`, import.meta.url), "utf8");
}

async function unlessItExists(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof ResourceAlreadyExistsException)) throw error;
  }
}
