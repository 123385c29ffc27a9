import { checkPolicyDocument } from "./policy-document.ts";
import { RegistryError } from "./registry-error.ts";
import type { Policy } from "./registry-records.ts";

/** General Reference, AWS IoT Core quotas. */
const versionsPerPolicy = 5;

export interface PolicyVersion {
  /** `1`, `2`, ...: counts on, also when versions are deleted. */
  versionId: string;
  policyDocument: string;
  /** Milliseconds since 1970. */
  createdAt: number;
}

/** A policy in force is its default version; the others wait to become it. */
export function versionsOf(policy: Policy): (PolicyVersion & { isDefault: boolean })[] {
  const { policyDocument, createdAt, versions, defaultVersionId = "1" } = policy;
  const all = versions ?? [{ versionId: "1", policyDocument, createdAt }];
  return all.map((version) => ({ ...version, isDefault: version.versionId === defaultVersionId }));
}

/** @throws RegistryError ResourceNotFoundException */
export function versionOf(policy: Policy, versionId: string): PolicyVersion & { isDefault: boolean } {
  const found = versionsOf(policy).find((version) => version.versionId === versionId);
  if (found) return found;
  throw new RegistryError("ResourceNotFoundException", `Policy version ${versionId} of ${policy.policyName} not found`);
}

/** @returns the id of the new version @throws RegistryError MalformedPolicyException, VersionsLimitExceededException */
export function addVersion(policy: Policy, policyDocument: string, setAsDefault: boolean): string {
  checkPolicyDocument(policyDocument);
  const versions = versionsOf(policy).map(({ isDefault: _, ...version }) => version);
  if (versions.length >= versionsPerPolicy)
    throw new RegistryError("VersionsLimitExceededException", `a policy has at most ${versionsPerPolicy} versions`);
  policy.lastVersion = (policy.lastVersion ?? 1) + 1;
  const versionId = String(policy.lastVersion);
  policy.versions = [...versions, { versionId, policyDocument, createdAt: Date.now() }];
  if (setAsDefault) setDefaultVersion(policy, versionId);
  return versionId;
}

/** Connections feel it with their next packet. @throws RegistryError ResourceNotFoundException */
export function setDefaultVersion(policy: Policy, versionId: string): void {
  const { policyDocument } = versionOf(policy, versionId);
  policy.defaultVersionId = versionId;
  policy.policyDocument = policyDocument;
}

/** @throws RegistryError ResourceNotFoundException, DeleteConflictException */
export function deleteVersion(policy: Policy, versionId: string): void {
  if (versionOf(policy, versionId).isDefault)
    throw new RegistryError("DeleteConflictException", "Cannot delete the default version of a policy");
  policy.versions = policy.versions?.filter((version) => version.versionId !== versionId);
}
