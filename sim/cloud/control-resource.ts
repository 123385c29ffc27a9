import type { Registry } from "./registry.ts";

interface Call {
  /** Of the path, decoded. */
  parameters: Record<string, string>;
  body: Record<string, unknown>;
}

/** Kinds of resources by the parameter of the path that names one. */
const kinds: Record<string, string> = {
  jobId: "job",
  thingName: "thing",
  certificateId: "cert",
  caCertificateId: "cacert",
  policyName: "policy",
  templateName: "provisioningtemplate",
};

/**
 * The resource that IAM decides on (Service Authorization Reference, "AWS IoT"). Attaching and detaching policies is about the target, whatever the
 * policy: AWS says "not authorized to perform: iot:AttachPolicy on resource: ap-southeast-1:81084a40-..." to somebody who may not.
 */
export function resourceOf(operation: string, { parameters, body }: Call, registry: Registry): string {
  if (operation === "AttachPolicy" || operation === "DetachPolicy") return String(body.target ?? "*");
  if (parameters.target !== undefined) return parameters.target;
  for (const [name, kind] of Object.entries(kinds))
    if (parameters[name] !== undefined) return registry.arn(`${kind}/${parameters[name]}`);
  return "*";
}
