import { define, seconds, text } from "./control-operations.ts";
import { keyByTime, pageOf } from "./paging.ts";
import { addVersion, deleteVersion, setDefaultVersion, versionOf, versionsOf } from "./policy-versions.ts";
import type { Policy, Registry } from "./registry.ts";

// Policies and what they are attached to, as in the API model `iot`.

const summary = (registry: Registry, policyName: string) => ({
  policyName,
  policyArn: registry.arn(`policy/${policyName}`),
});

function describe(registry: Registry, policy: Policy): object {
  return { ...summary(registry, policy.policyName), policyDocument: policy.policyDocument };
}

define("CreatePolicy", "POST /policies/{policyName}", ({ registry, parameters, body }) => {
  const policy = registry.createPolicy(parameters.policyName, text(body, "policyDocument"));
  return { ...describe(registry, policy), policyVersionId: "1" };
});

define("GetPolicy", "GET /policies/{policyName}", ({ registry, parameters }) => {
  const policy = registry.policy(parameters.policyName);
  const versions = versionsOf(policy);
  const lastModifiedDate = seconds(Math.max(...versions.map(({ createdAt }) => createdAt)));
  const defaultVersionId = versions.find(({ isDefault }) => isDefault)?.versionId;
  return {
    ...describe(registry, policy),
    defaultVersionId,
    creationDate: seconds(policy.createdAt),
    lastModifiedDate,
  };
});

define("DeletePolicy", "DELETE /policies/{policyName}", ({ registry, parameters }) => {
  registry.deletePolicy(parameters.policyName);
  return {};
});

define("ListPolicies", "GET /policies", ({ registry, query }) => {
  const keyOf = ({ policyName, createdAt }: Policy) => keyByTime(createdAt, policyName);
  const { items, next } = pageOf(registry.policies, query, { keyOf, style: "pageSize", descending: true });
  return { policies: items.map(({ policyName }) => summary(registry, policyName)), nextMarker: next };
});

// Versions

define("CreatePolicyVersion", "POST /policies/{policyName}/version", ({ registry, parameters, query, body }) => {
  const { policyName } = parameters;
  const policyDocument = text(body, "policyDocument");
  const isDefaultVersion = query.get("setAsDefault") === "true";
  const change = (policy: Policy) => addVersion(policy, policyDocument, isDefaultVersion);
  const policyVersionId = registry.changePolicy(policyName, change);
  return { policyArn: registry.arn(`policy/${policyName}`), policyDocument, policyVersionId, isDefaultVersion };
});

define("ListPolicyVersions", "GET /policies/{policyName}/version", ({ registry, parameters }) => ({
  policyVersions: versionsOf(registry.policy(parameters.policyName)).map(({ versionId, isDefault, createdAt }) => {
    return { versionId, isDefaultVersion: isDefault, createDate: seconds(createdAt) };
  }),
}));

define("GetPolicyVersion", "GET /policies/{policyName}/version/{policyVersionId}", ({ registry, parameters }) => {
  const { policyName, policyVersionId } = parameters;
  const { policyDocument, isDefault, createdAt } = versionOf(registry.policy(policyName), policyVersionId);
  const dates = { creationDate: seconds(createdAt), lastModifiedDate: seconds(createdAt) };
  return { ...summary(registry, policyName), policyDocument, policyVersionId, isDefaultVersion: isDefault, ...dates };
});

define("SetDefaultPolicyVersion", "PATCH /policies/{policyName}/version/{policyVersionId}", (call) => {
  const { policyName, policyVersionId } = call.parameters;
  call.registry.changePolicy(policyName, (policy) => setDefaultVersion(policy, policyVersionId));
  return {};
});

define("DeletePolicyVersion", "DELETE /policies/{policyName}/version/{policyVersionId}", (call) => {
  const { policyName, policyVersionId } = call.parameters;
  call.registry.changePolicy(policyName, (policy) => deleteVersion(policy, policyVersionId));
  return {};
});

// Targets

define("AttachPolicy", "PUT /target-policies/{policyName}", ({ registry, parameters, body }) => {
  registry.attachPolicy(parameters.policyName, text(body, "target"));
  return {};
});

define("DetachPolicy", "POST /target-policies/{policyName}", ({ registry, parameters, body }) => {
  registry.detachPolicy(parameters.policyName, text(body, "target"));
  return {};
});

define("ListAttachedPolicies", "POST /attached-policies/{target}", ({ registry, parameters, query }) => {
  const names = registry.policiesOf(parameters.target);
  const { items, next } = pageOf(names, query, { keyOf: (name) => name, style: "pageSize" });
  return { policies: items.map((name) => summary(registry, name)), nextMarker: next };
});

define("ListTargetsForPolicy", "POST /policy-targets/{policyName}", ({ registry, parameters, query }) => {
  registry.policy(parameters.policyName);
  const targets = registry.targetsOf(parameters.policyName);
  const { items, next } = pageOf(targets, query, { keyOf: (target) => target, style: "pageSize" });
  return { targets: items, nextMarker: next };
});
