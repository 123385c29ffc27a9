import cameraPolicy from "../../certs/iot-policy.json" with { type: "json" };
import phonePolicy from "../../certs/phone-policy.json" with { type: "json" };
import { addVersion, deleteVersion, versionsOf } from "./policy-versions.ts";
import type { Registry } from "./registry.ts";
import type { Policy } from "./registry-records.ts";

const policies = { "devicelink-camera": cameraPolicy, "devicelink-phone": phonePolicy };

/** Makes the policies of template.yaml as deploying the stack does: what has changed since the last time becomes a new version. */
export function deployPolicies(registry: Registry): void {
  const existing = new Map(registry.policies.map((policy) => [policy.policyName, policy.policyDocument]));
  for (const [name, document] of Object.entries(policies)) {
    const text = JSON.stringify(document).replaceAll("arn:PARTITION:iot:REGION:ACCOUNT:", registry.arn(""));
    if (!existing.has(name)) registry.createPolicy(name, text);
    else if (existing.get(name) !== text) registry.changePolicy(name, (policy) => replaceDocument(policy, text));
  }
}

/** The versions that are not in force make room. */
function replaceDocument(policy: Policy, document: string): void {
  for (const { versionId, isDefault } of versionsOf(policy)) if (!isDefault) deleteVersion(policy, versionId);
  addVersion(policy, document, true);
}
