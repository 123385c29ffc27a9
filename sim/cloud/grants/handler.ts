/**
 * The AWS Lambda function behind the rule of template.yaml. Its settings are environment variables: PHOTO_BUCKET, BINDING_TABLE,
 * IOT_ENDPOINT (the account's `-ats` endpoint) and GRANT_SECONDS (how long a URL lives).
 */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { IoTDataPlaneClient, PublishCommand } from "@aws-sdk/client-iot-data-plane";
import { S3Client } from "@aws-sdk/client-s3";
import { DynamoBindingTable } from "../bindings/dynamo-table.ts";
import { functionSetting } from "../function-setting.ts";
import { createHandler, type GrantOutcome } from "./grant-service.ts";
import type { GrantEvent } from "./request.ts";

const iot = new IoTDataPlaneClient({ endpoint: `https://${functionSetting("IOT_ENDPOINT")}` });

const grant = createHandler({
  table: new DynamoBindingTable(new DynamoDBClient({}), functionSetting("BINDING_TABLE")),
  // A checksum that the SDK adds by itself would be that of an empty body, and signed.
  s3: new S3Client({ requestChecksumCalculation: "WHEN_REQUIRED" }),
  bucket: functionSetting("PHOTO_BUCKET"),
  expiresIn: Number(functionSetting("GRANT_SECONDS")),
  publish: async (topic, payload) => {
    await iot.send(new PublishCommand({ topic, payload: Buffer.from(payload), qos: 1 }));
  },
});

export async function handler(event: GrantEvent): Promise<GrantOutcome> {
  const outcome = await grant(event);
  console.log(JSON.stringify(outcome));
  return outcome;
}
