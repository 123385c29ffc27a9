import { define, text } from "./control-operations.ts";
import { pageOf } from "./paging.ts";
import type { Provisioning } from "./provisioning.ts";
import { RegistryError } from "./registry-error.ts";

// Provisioning templates and claims, as in the API model `iot`.

const arn = (provisioning: Provisioning, name: string) => provisioning.registry.arn(`provisioningtemplate/${name}`);

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
