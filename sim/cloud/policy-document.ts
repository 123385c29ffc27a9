import { RegistryError } from "./registry-error.ts";

/** Of a policy document, without its white space (General Reference, AWS IoT Core quotas). */
const policyLimit = 2048;

/** @throws RegistryError MalformedPolicyException */
export function checkPolicyDocument(text: string): void {
  const malformed = (message: string) => new RegistryError("MalformedPolicyException", message);
  if (text.replace(/\s/g, "").length > policyLimit) throw malformed(`policy is longer than ${policyLimit} characters`);
  let document: { Version?: unknown; Statement?: unknown };
  try {
    document = JSON.parse(text);
  } catch {
    throw malformed("policy document is not JSON");
  }
  if (document?.Version !== "2012-10-17" && document?.Version !== "2008-10-17")
    throw malformed("policy has no Version");
  const statements = [document.Statement].flat() as { Effect?: unknown; Action?: unknown; Resource?: unknown }[];
  for (const statement of statements)
    if ((statement?.Effect !== "Allow" && statement?.Effect !== "Deny") || !statement.Action || !statement.Resource)
      throw malformed("a statement needs Effect, Action and Resource");
}
