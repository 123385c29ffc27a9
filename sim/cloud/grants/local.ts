import { S3Client } from "@aws-sdk/client-s3";
import { JsonBindingTable } from "../bindings/json-table.ts";
import { bindingsFile } from "../bindings/local.ts";
import { type Cloud, photoBucket } from "../cloud.ts";
import { runTopicRule, type TopicRuleOptions } from "../topic-rule.ts";
import { createHandler, type GrantOutcome } from "./grant-service.ts";
import { grantRuleSQL } from "./rule.ts";

type Options = Pick<TopicRuleOptions<GrantOutcome>, "delay" | "onOutcome" | "onFailure"> & {
  /** That of the cloud. */
  directory: string;
};

/** Seconds that Lambda's credentials of a function live. */
const credentialsLifetime = 12 * 3600;

/** Rule and function in the local cloud, with its own broker and bucket, the function's own role, and a table in a file. */
export function serveGrants(cloud: Cloud, { directory, ...options }: Options): void {
  const { iot, s3, region } = cloud;
  // As in Lambda, whose functions sign with temporary credentials: their token is most of a URL's length. The SDK asks again before they end.
  const credentials = async () =>
    cloud.credentials.issue({
      principal: { type: "role", roleName: "devicelink-grants" },
      seconds: credentialsLifetime,
    });
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
  runTopicRule({ iot, sql: grantRuleSQL, handler, ...options });
}
