import { define, text } from "./control-operations.ts";
import { pageOf } from "./paging.ts";
import type { Provisioning, ProvisioningTemplate } from "./provisioning.ts";
import { RegistryError } from "./registry-error.ts";

// Provisioning templates and claims, as in the API model `iot`.

const arn = (provisioning: Provisioning, name: string) => provisioning.registry.arn(`provisioningtemplate/${name}`);

/** @throws RegistryError InvalidRequestException */
function hookOf(value: unknown): ProvisioningTemplate["preProvisioningHook"] {
  if (value === undefined) return undefined;
  const { payloadVersion = "2020-04-01", targetArn } = value as { payloadVersion?: string; targetArn?: unknown };
  if (typeof targetArn !== "string" || !targetArn.startsWith("arn:") || payloadVersion !== "2020-04-01")
    throw new RegistryError(
      "InvalidRequestException",
      "preProvisioningHook has the ARN of a function, and payload version 2020-04-01",
    );
  return { payloadVersion, targetArn };
}

define("CreateProvisioningTemplate", "POST /provisioning-templates", ({ cloud: { provisioning }, body }) => {
  const type = body.type ?? "FLEET_PROVISIONING";
  if (type !== "FLEET_PROVISIONING" && type !== "JITP")
    throw new RegistryError("InvalidRequestException", `template type ${type} is not known`);
  const { templateName } = provisioning.createTemplate({
    templateName: text(body, "templateName"),
    templateBody: text(body, "templateBody"),
    provisioningRoleArn: text(body, "provisioningRoleArn"),
    description: typeof body.description === "string" ? body.description : undefined,
    enabled: body.enabled === true,
    preProvisioningHook: hookOf(body.preProvisioningHook),
    type,
  });
  return { templateArn: arn(provisioning, templateName), templateName, defaultVersionId: 1 };
});

define(
  "DescribeProvisioningTemplate",
  "GET /provisioning-templates/{templateName}",
  ({ cloud: { provisioning }, parameters }) => {
    const { createdAt, ...template } = provisioning.template(parameters.templateName);
    const date = createdAt / 1000;
    const dates = { creationDate: date, lastModifiedDate: date };
    return { ...template, templateArn: arn(provisioning, template.templateName), defaultVersionId: 1, ...dates };
  },
);

define("ListProvisioningTemplates", "GET /provisioning-templates", ({ cloud: { provisioning }, query }) => {
  const { items, next } = pageOf(provisioning.templates, query, { keyOf: ({ templateName }) => templateName });
  const templates = items.map(({ templateName, description, enabled, type, createdAt }) => {
    const date = createdAt / 1000;
    return {
      templateArn: arn(provisioning, templateName),
      templateName,
      description,
      creationDate: date,
      lastModifiedDate: date,
      enabled,
      type,
    };
  });
  return { templates, nextToken: next };
});

define(
  "DeleteProvisioningTemplate",
  "DELETE /provisioning-templates/{templateName}",
  ({ cloud: { provisioning }, parameters }) => {
    provisioning.deleteTemplate(parameters.templateName);
    return {};
  },
);

const claims = "POST /provisioning-templates/{templateName}/provisioning-claim";
define("CreateProvisioningClaim", claims, async ({ cloud: { provisioning }, parameters }) => {
  const claim = await provisioning.createClaim(parameters.templateName);
  return {
    certificateId: claim.certificateId,
    certificatePem: claim.certPem,
    keyPair: { PublicKey: claim.publicKeyPem, PrivateKey: claim.keyPem },
    expiration: claim.expiresAt / 1000,
  };
});
