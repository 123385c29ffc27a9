import { readFile } from "node:fs/promises";
import type { CloudSettings, SimulatorHints } from "../phone/cloud-settings.ts";
import type { CloudAddresses } from "./processes.ts";

interface Extras {
  /** Address of the page's way to the simulator's radio. */
  radio?: string;
  account?: { username: string; password: string };
  simulator?: SimulatorHints;
}

/** The settings for the local cloud: what a file for real AWS would have, and the addresses that stand in for AWS's own. */
export async function simulatorSettings(cloud: CloudAddresses, extras: Extras = {}): Promise<CloudSettings> {
  const { region, cognito, gateway, s3 } = cloud;
  const { userPoolId, clientId, identityPoolId } = cognito;
  const at = (service: string, scheme = "http") => `${scheme}://${service}.localhost:${gateway.port}`;
  return {
    name: "Simulator",
    region,
    userPoolId,
    userPoolClientId: clientId,
    identityPoolId,
    bucket: "devicelink-photos",
    endpoints: {
      cognitoIdp: at("cognito-idp"),
      cognitoIdentity: at("cognito-identity"),
      iot: at("iot"),
      iotData: at("data.iot"),
      s3: at("s3"),
      mqtt: `${at("data.iot", "ws")}/mqtt`,
      deviceS3: s3.url,
    },
    rootCA: await readFile(cloud.rootCA, "utf8"),
    ...extras,
  };
}
