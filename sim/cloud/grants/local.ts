import { join } from "node:path";
import { S3Client } from "@aws-sdk/client-s3";
import { type Cloud, photoBucket } from "../cloud.ts";
import { createHandler } from "./grant-service.ts";
import { JsonBindingTable } from "./json-table.ts";
import { type GrantRuleOptions, runGrantRule } from "./rule.ts";

type Options = Pick<GrantRuleOptions, "delay" | "onOutcome" | "onFailure"> & {
  /** That of the cloud. */
  directory: string;
};

/** The file of a cloud's bindings: which camera belongs to whom. */
export const bindingsFile = (directory: string) => join(directory, "bindings.json");

/** Rule and function in the local cloud, with its own broker, bucket and access key, and a table in a file. */
export function serveGrants(cloud: Cloud, { directory, ...options }: Options): void {
  const { iot, s3, accessKey: credentials, region } = cloud;
  const handler = createHandler({
    table: new JsonBindingTable(bindingsFile(directory)),
    s3: new S3Client({
      region,
      credentials,
      endpoint: s3.url,
      forcePathStyle: true,
      requestChecksumCalculation: "WHEN_REQUIRED",
    }),
    bucket: photoBucket,
    publish: (topic, payload) => iot.publish(topic, payload),
  });
  runGrantRule({ iot, handler, ...options });
}
