import { join } from "node:path";
import { IoTClient } from "@aws-sdk/client-iot";
import ownerPolicy from "../../../certs/owner-policy.json" with { type: "json" };
import type { Cloud } from "../cloud.ts";
import { deployPolicies } from "../stack-policies.ts";
import { runTopicRule, type TopicRuleOptions } from "../topic-rule.ts";
import { type BindingOutcome, createBindingHandler } from "./binding-service.ts";
import { CameraRights } from "./camera-rights.ts";
import { JsonBindingTable } from "./json-table.ts";
import { PolicyStore } from "./policy-store.ts";
import { bindingRuleSQL } from "./rule.ts";

type Options = Pick<TopicRuleOptions<BindingOutcome>, "delay" | "onOutcome" | "onFailure"> & {
  /** That of the cloud. */
  directory: string;
  /** Cameras that cannot sign may be claimed as well. */
  allowUnproven?: boolean;
};

/** The file of a cloud's bindings: which camera belongs to whom. */
export const bindingsFile = (directory: string) => join(directory, "bindings.json");

/**
 * Rule and function in the local cloud: its own broker, the AWS SDK's client on its own control plane, and a table in a file; and the
 * policies that they and people's phones attach.
 */
export function serveBindings(cloud: Cloud, { directory, allowUnproven, ...options }: Options): void {
  const { iot, api, ca, accessKey: credentials, region, registry } = cloud;
  deployPolicies(registry);
  const requestHandler = { httpsAgent: { ca: ca.certPem } };
  const client = new IoTClient({ region, credentials, endpoint: api.url, requestHandler });
  const handler = createBindingHandler({
    table: new JsonBindingTable(bindingsFile(directory)),
    rights: new CameraRights(client),
    policies: new PolicyStore(client),
    ownerPolicy,
    allowUnproven,
    publish: (topic, payload) => iot.publish(topic, payload),
  });
  runTopicRule({ iot, sql: bindingRuleSQL, handler, ...options });
}
