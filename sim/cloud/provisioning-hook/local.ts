import { IoTClient } from "@aws-sdk/client-iot";
import type { Cloud } from "../cloud.ts";
import { type HookEvent, type HookOutcome, ProvisioningHook } from "./hook.ts";

interface Options {
  allowUnproven?: boolean;
  onOutcome?(outcome: HookOutcome): void;
}

/** ARN of the function in the local cloud, for `preProvisioningHook` of a template. */
export const hookArn = (region: string) =>
  `arn:aws:lambda:${region}:123456789012:function:devicelink-provisioning-hook`;

/** The function in the local cloud, with the AWS SDK's client on its own control plane. */
export function serveProvisioningHook(cloud: Cloud, { allowUnproven = false, onOutcome }: Options = {}): void {
  const { api, ca, accessKey: credentials, region, provisioning } = cloud;
  const requestHandler = { httpsAgent: { ca: ca.certPem } };
  const iot = new IoTClient({ region, credentials, endpoint: api.url, requestHandler });
  const hook = new ProvisioningHook({ iot, allowUnproven });
  provisioning.serveFunction(hookArn(region), async (event) => {
    const { answer, outcome } = await hook.decide(event as HookEvent);
    onOutcome?.(outcome);
    return answer;
  });
}
