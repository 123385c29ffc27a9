import { setTimeout as delay } from "node:timers/promises";
import type { IotCore } from "../iot-core.ts";
import type { GrantHandler, GrantOutcome } from "./grant-service.ts";
import type { GrantEvent } from "./request.ts";

/**
 * The rule, as template.yaml has it. The fields are named rather than taken with `*`, so that a camera cannot bring a `thing` of its own along.
 */
export const grantRuleSQL =
  "SELECT imageId, byteLength, contentType, requestId, topic(2) AS thing FROM 'device/+/uploads/request'";

const topicFilter = /^device\/([^/]+)\/uploads\/request$/;
const fields = ["imageId", "byteLength", "contentType", "requestId"] as const;

export interface GrantRuleOptions {
  iot: IotCore;
  handler: GrantHandler;
  /** Milliseconds that pass before the function runs, as when it starts cold. */
  delay?: number;
  onOutcome?(outcome: GrantOutcome): void;
  /** The function failed. There is no second run here: the camera asks again. */
  onFailure?(reason: string): void;
}

/** Runs the rule on the broker, until the broker ends. */
export function runGrantRule({ iot, handler, delay: pause = 0, onOutcome, onFailure }: GrantRuleOptions): void {
  iot.on("publish", async ({ topic, payload }) => {
    const event = select(topic, payload);
    if (!event) return;
    try {
      if (pause) await delay(pause, undefined, { ref: false });
      onOutcome?.(await handler(event));
    } catch (error) {
      onFailure?.((error as Error).message);
    }
  });
}

/** What the rule's SQL selects; undefined when the rule does not apply. Of a payload that is no JSON object there is only the topic. */
export function select(topic: string, payload: Buffer): GrantEvent | undefined {
  const thing = topicFilter.exec(topic)?.[1];
  if (thing === undefined) return undefined;
  const message = parse(payload);
  const selected = fields.filter((name) => Object.hasOwn(message, name)).map((name) => [name, message[name]]);
  return { ...Object.fromEntries(selected), thing };
}

function parse(payload: Buffer): Record<string, unknown> {
  try {
    const value = JSON.parse(payload.toString());
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}
