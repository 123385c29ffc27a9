import { define, seconds, text } from "./control-operations.ts";
import type { RegistrationConfig } from "./just-in-time.ts";
import { keyByTime, pageOf } from "./paging.ts";
import { RegistryError } from "./registry-error.ts";

// The owner's own authorities, as in the API model `iot`.

define("GetRegistrationCode", "GET /registrationcode", ({ cloud }) => ({
  registrationCode: cloud.justInTime.registrationCode,
}));

define("RegisterCACertificate", "POST /cacertificate", ({ registry, cloud, query, body }) => {
  if ((body.certificateMode ?? "DEFAULT") !== "DEFAULT")
    throw new RegistryError("InvalidRequestException", "only certificate mode DEFAULT is served here");
  const { certificateId } = cloud.justInTime.register({
    certificatePem: text(body, "caCertificate"),
    verificationCertificate: text(body, "verificationCertificate"),
    status: query.get("setAsActive") === "true" ? "ACTIVE" : "INACTIVE",
    autoRegistration: query.get("allowAutoRegistration") === "true",
    registrationConfig: body.registrationConfig as RegistrationConfig | undefined,
  });
  return { certificateArn: registry.arn(`cacert/${certificateId}`), certificateId };
});

define("ListCACertificates", "GET /cacertificates", ({ registry, cloud, query }) => {
  const { items, next } = pageOf(cloud.justInTime.authorities, query, {
    keyOf: ({ certificateId, createdAt }) => keyByTime(createdAt, certificateId),
    style: "pageSize",
    descending: true,
  });
  const certificates = items.map(({ certificateId, status, createdAt }) => {
    const certificateArn = registry.arn(`cacert/${certificateId}`);
    return { certificateArn, certificateId, status, creationDate: seconds(createdAt) };
  });
  return { certificates, nextMarker: next };
});

define("DescribeCACertificate", "GET /cacertificate/{certificateId}", ({ registry, cloud, parameters }) => {
  const authority = cloud.justInTime.authority(parameters.certificateId);
  const { certificateId, certificatePem, status, autoRegistration, registrationConfig, createdAt } = authority;
  return {
    certificateDescription: {
      certificateArn: registry.arn(`cacert/${certificateId}`),
      certificateId,
      certificatePem,
      status,
      ownedBy: registry.accountId,
      creationDate: createdAt / 1000,
      autoRegistrationStatus: autoRegistration ? "ENABLE" : "DISABLE",
      certificateMode: "DEFAULT",
    },
    registrationConfig,
  };
});
