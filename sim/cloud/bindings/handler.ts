/**
 * The AWS Lambda function behind the rule of template.yaml. Its settings are environment variables: BINDING_TABLE, IOT_ENDPOINT (the
 * account's `-ats` endpoint) and ALLOW_UNPROVEN (`true`: cameras that cannot sign may be claimed as well).
 */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { IoTClient } from "@aws-sdk/client-iot";
import { IoTDataPlaneClient, PublishCommand } from "@aws-sdk/client-iot-data-plane";
import ownerPolicy from "../../../certs/owner-policy.json" with { type: "json" };
import { functionSetting } from "../function-setting.ts";
import { type BindingOutcome, createBindingHandler } from "./binding-service.ts";
import { CameraRights } from "./camera-rights.ts";
import { DynamoBindingTable } from "./dynamo-table.ts";
import { PolicyStore } from "./policy-store.ts";
import type { BindingEvent } from "./request.ts";

const data = new IoTDataPlaneClient({ endpoint: `https://${functionSetting("IOT_ENDPOINT")}` });

const iot = new IoTClient({});

const bind = createBindingHandler({
  table: new DynamoBindingTable(new DynamoDBClient({}), functionSetting("BINDING_TABLE")),
  rights: new CameraRights(iot),
  policies: new PolicyStore(iot),
  ownerPolicy,
  allowUnproven: functionSetting("ALLOW_UNPROVEN") === "true",
  publish: async (topic, payload) => {
    await data.send(new PublishCommand({ topic, payload: Buffer.from(payload), qos: 1 }));
  },
});

export async function handler(event: BindingEvent): Promise<BindingOutcome> {
  const outcome = await bind(event);
  console.log(JSON.stringify(outcome));
  return outcome;
}
