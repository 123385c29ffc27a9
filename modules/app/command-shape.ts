import type { JSONShape } from "../json/parse-json";

/** What all commands may have. */
const common: readonly string[] = Object.freeze(["type", "clientToken", "expires"]) as string[];

/**
 * The further fields of each command. What is not here is passed over and takes no memory while the command is carried out, so a new field is entered
 * here (tests/e2e/firmware-rules).
 */
const fields: Readonly<Record<string, readonly string[]>> = Object.freeze({
  CreateCsr: Object.freeze(["thingName"]) as string[],
  RegisterDevice: Object.freeze(["thingName", "endpoint", "certPem", "rootCA", "region", "privKey"]) as string[],
  ProveOwnership: Object.freeze(["identity", "nonce", "thingName", "csr"]) as string[],
  ProvisionByClaim: Object.freeze([
    "template",
    "parameters",
    "endpoint",
    "certPem",
    "privKey",
    "rootCA",
    "region",
    "expiration",
  ]) as string[],
  RotateCertificate: Object.freeze(["template", "parameters"]) as string[],
  TakePhoto: Object.freeze(["resolution", "quality"]) as string[],
  GetThumbnail: Object.freeze(["imageId", "offset"]) as string[],
  UploadPhoto: Object.freeze(["imageId", "url", "headers", "framing"]) as string[],
  GetUpload: Object.freeze(["imageId"]) as string[],
  GetEvents: Object.freeze(["since"]) as string[],
});

/**
 * The largest command: a certificate with its key and root, or a presigned URL of 4 KB with what has to be sent with it. Over MQTT the session
 * takes 4 KB (modules/cloud/settings).
 */
export const commandShape: JSONShape = Object.freeze({
  bytes: 6144,
  depth: 4,
  values: 40,
  text: 4608,
  name: 64,
  names: common,
  variants: Object.freeze({ by: "type", names: fields }),
  maps: Object.freeze(["headers", "parameters"]) as string[],
  nested: Object.freeze(["endpoint"]) as string[],
});

/** While a picture goes up, the machine has room for as much as over MQTT. */
export const commandShapeBesideUpload: JSONShape = Object.freeze({ ...commandShape, bytes: 4096 });
