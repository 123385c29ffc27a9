/**
 * The AWS Lambda function that the provisioning template of template.yaml names as its hook. Its setting is an environment variable: ALLOW_UNPROVEN
 * (`true`: cameras that cannot sign get their first certificate as well).
 */
import { IoTClient } from "@aws-sdk/client-iot";
import { functionSetting } from "../function-setting.ts";
import { type HookAnswer, type HookEvent, ProvisioningHook } from "./hook.ts";

const hook = new ProvisioningHook({
  iot: new IoTClient({}),
  allowUnproven: functionSetting("ALLOW_UNPROVEN") === "true",
});

export async function handler(event: HookEvent): Promise<HookAnswer> {
  const { answer, outcome } = await hook.decide(event);
  console.log(JSON.stringify(outcome));
  return answer;
}
