import type { JSONShape } from "../json/parse-json";

/** Every field that a command can have. What is not here is passed over, so a new field is entered here (tests/e2e/firmware-rules). */
const names: readonly string[] = Object.freeze([
  "type",
  "clientToken",
  "expires",
  "thingName",
  "endpoint",
  "certPem",
  "rootCA",
  "region",
  "privKey",
  "identity",
  "nonce",
  "csr",
  "template",
  "parameters",
  "expiration",
  "resolution",
  "quality",
  "imageId",
  "offset",
  "url",
  "headers",
  "framing",
  "since",
]) as string[];

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
  names,
  maps: Object.freeze(["headers", "parameters"]) as string[],
});
