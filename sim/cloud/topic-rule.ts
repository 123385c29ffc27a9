import { setTimeout as delay } from "node:timers/promises";
import type { IotCore } from "./iot-core.ts";

/** A rule of AWS IoT whose one action is a function: `SELECT a, b, topic(2) AS c FROM 'x/+/y'`, AWS IoT SQL as far as the project's rules use it. */
export class TopicRule {
  #filter: RegExp;
  #fields: string[] = [];
  /** Name in the result, and number of the topic's segment, from 1. */
  #segments: [name: string, number: number][] = [];

  /** @throws SyntaxError */
  constructor(sql: string) {
    const [, what, filter] = /^SELECT (.+) FROM '([^']+)'$/.exec(sql) ?? [];
    if (!what) throw new SyntaxError(`this rule is not understood here: ${sql}`);
    this.#filter = new RegExp(`^${filter.split("/").map(toExpression).join("/")}$`);
    for (const item of what.split(", ")) {
      const [, number, name] = /^topic\((\d+)\) AS (\w+)$/.exec(item) ?? [];
      if (name) this.#segments.push([name, Number(number)]);
      else if (/^\w+$/.test(item)) this.#fields.push(item);
      else throw new SyntaxError(`this rule is not understood here: ${item}`);
    }
  }

  /** What the function is given; undefined when the rule does not apply. Of a payload that is no JSON object there is only the topic. */
  select(topic: string, payload: Buffer): Record<string, unknown> | undefined {
    if (!this.#filter.test(topic)) return undefined;
    const message = parse(payload);
    const fields = this.#fields.filter((name) => Object.hasOwn(message, name)).map((name) => [name, message[name]]);
    const segments = this.#segments.map(([name, number]) => [name, topic.split("/")[number - 1]]);
    return Object.fromEntries([...fields, ...segments]);
  }
}

export interface TopicRuleOptions<Outcome> {
  iot: IotCore;
  sql: string;
  handler(event: Record<string, unknown>): Promise<Outcome>;
  /** Milliseconds that pass before the function runs, as when it starts cold. */
  delay?: number;
  onOutcome?(outcome: Outcome): void;
  /** The function failed. There is no second run here: whoever has asked asks again. */
  onFailure?(reason: string): void;
}

/** Runs a rule on the broker, until the broker ends. */
export function runTopicRule<Outcome>(options: TopicRuleOptions<Outcome>): void {
  const { iot, sql, handler, delay: pause = 0, onOutcome, onFailure } = options;
  const rule = new TopicRule(sql);
  iot.on("publish", async ({ topic, payload }) => {
    const event = rule.select(topic, payload);
    if (!event) return;
    try {
      if (pause) await delay(pause, undefined, { ref: false });
      const outcome = await handler(event);
      onOutcome?.(outcome);
    } catch (error) {
      onFailure?.((error as Error).message);
    }
  });
}

const toExpression = (segment: string) => (segment === "+" ? "[^/]*" : segment.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));

function parse(payload: Buffer): Record<string, unknown> {
  try {
    const value = JSON.parse(payload.toString());
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}
