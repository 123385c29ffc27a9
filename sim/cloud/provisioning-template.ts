import { ownMember, recordOf } from "../own-member.ts";

/**
 * Provisioning templates (IoT guide, "Provisioning templates"): which thing, certificate and policies are made for a device, with the
 * functions Ref, Fn::Join, Fn::Select, Fn::FindInMap, Fn::Split and Fn::Sub over the parameters that it gave.
 */
export interface ProvisionedResources {
  thing?: {
    thingName: string;
    attributes: Record<string, string>;
    existing: "MERGE" | "REPLACE" | "DO_NOTHING" | "FAIL";
  };
  certificate: { certificateId: string; status: "ACTIVE" | "INACTIVE" };
  /** Names of policies that exist, or documents. */
  policies: { name?: string; document?: string }[];
  deviceConfiguration: Record<string, string>;
}

export class TemplateError extends Error {
  override name = "TemplateError";
}

type Values = Record<string, string>;

interface Resource {
  Type?: string;
  Properties?: Record<string, unknown>;
  OverrideSettings?: Record<string, string>;
}

interface Template {
  Parameters?: Record<string, { Type?: string; Default?: string }>;
  Mappings?: Record<string, Record<string, Values>>;
  Resources?: Record<string, Resource>;
  DeviceConfiguration?: Record<string, unknown>;
}

/** @throws TemplateError for what no template is */
export function parseTemplate(body: string): Template {
  let template: Template;
  try {
    template = JSON.parse(body);
  } catch {
    throw new TemplateError("the template body is not JSON");
  }
  const types = Object.values(template?.Resources ?? {}).map(({ Type }) => Type);
  const known = ["AWS::IoT::Thing", "AWS::IoT::Certificate", "AWS::IoT::Policy"];
  const odd = types.find((type) => !known.includes(type ?? ""));
  if (odd !== undefined || types.filter((type) => type === known[1]).length !== 1)
    throw new TemplateError("a template has one AWS::IoT::Certificate, and beside it things and policies only");
  return template;
}

/** @throws TemplateError for a parameter that is missing, or a function that does not fit */
export function evaluateTemplate(body: string, given: Values): ProvisionedResources {
  const template = parseTemplate(body);
  const values: Values = recordOf();
  for (const [name, { Default }] of Object.entries(template.Parameters ?? {})) {
    const value = ownMember(given, name) ?? Default;
    if (value === undefined) throw new TemplateError(`parameter ${name} is missing`);
    values[name] = value;
  }
  const scope = { values, mappings: template.Mappings ?? {} };
  const resources = Object.values(template.Resources ?? {});
  const of = (type: string) => resources.filter(({ Type }) => Type === `AWS::IoT::${type}`);
  const certificate = properties(of("Certificate")[0], scope);
  return {
    thing: thingOf(of("Thing")[0], scope),
    certificate: {
      certificateId: String(certificate.CertificateId),
      status: certificate.Status === "INACTIVE" ? "INACTIVE" : "ACTIVE",
    },
    policies: of("Policy").map((policy) => {
      const { PolicyName, PolicyDocument } = properties(policy, scope);
      return { name: PolicyName as string | undefined, document: PolicyDocument as string | undefined };
    }),
    deviceConfiguration: evaluate(template.DeviceConfiguration ?? {}, scope) as Values,
  };
}

interface Scope {
  values: Values;
  mappings: Record<string, Record<string, Values>>;
}

function properties(resource: Resource | undefined, scope: Scope): Record<string, unknown> {
  return evaluate(resource?.Properties ?? {}, scope) as Record<string, unknown>;
}

function thingOf(resource: Resource | undefined, scope: Scope): ProvisionedResources["thing"] {
  if (!resource) return undefined;
  const { ThingName, AttributePayload = {} } = properties(resource, scope);
  if (typeof ThingName !== "string") throw new TemplateError("the thing has no ThingName");
  const existing = (resource.OverrideSettings?.AttributePayload ?? "DO_NOTHING") as "DO_NOTHING";
  return { thingName: ThingName, attributes: AttributePayload as Values, existing };
}

function evaluate(value: unknown, scope: Scope): unknown {
  if (Array.isArray(value)) return value.map((one) => evaluate(one, scope));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  const [name, argument] = entries.length === 1 ? entries[0] : ["", undefined];
  if (name === "Ref") return reference(String(argument), scope);
  if (name.startsWith("Fn::")) return call(name, evaluate(argument, scope), scope);
  return Object.fromEntries(entries.map(([key, one]) => [key, evaluate(one, scope)]));
}

function reference(name: string, { values }: Scope): string {
  if (!Object.hasOwn(values, name)) throw new TemplateError(`Ref to ${name}, which is no parameter`);
  return values[name];
}

function call(name: string, argument: unknown, scope: Scope): unknown {
  const list = argument as unknown[];
  switch (name) {
    case "Fn::Join":
      return (list[1] as string[]).join(String(list[0]));
    case "Fn::Select":
      return (list[1] as string[])[Number(list[0])];
    case "Fn::Split":
      return String(list[1]).split(String(list[0]));
    case "Fn::FindInMap":
      return list.reduce<unknown>((found, key) => ownMember(found as Values | undefined, String(key)), scope.mappings);
    case "Fn::Sub":
      return substitute(argument, scope);
    default:
      throw new TemplateError(`${name} is no function of provisioning templates`);
  }
}

/** `"...${name}..."`, or that and further values in a list. */
function substitute(argument: unknown, scope: Scope): string {
  const [text, more = {}] = [argument].flat() as [string, Values?];
  const inner = { ...scope, values: { ...scope.values, ...more } };
  return text.replace(/\$\{([^}]+)\}/g, (_, name) => reference(name, inner));
}
