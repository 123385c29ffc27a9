import type { Case } from "../case.ts";
import { backoffCases } from "./backoff.ts";
import { jobCases } from "./job.ts";
import { longDurationCases } from "./long-duration.ts";
import { mqttCases } from "./mqtt.ts";
import { policyCases } from "./policy.ts";
import { shadowCases } from "./shadow.ts";
import { tlsCases } from "./tls.ts";

/** Every case, in the order of the table. */
export const allCases: Case[] = [
  ...tlsCases,
  ...mqttCases,
  ...backoffCases,
  ...shadowCases,
  ...jobCases,
  ...policyCases,
  ...longDurationCases,
];

/** The cases whose name contains one of the words, all without a word. */
export function chooseCases(words: string[]): Case[] {
  const wanted = words.map((word) => word.toLowerCase());
  const chosen = allCases.filter(({ id }) => !wanted.length || wanted.some((word) => id.toLowerCase().includes(word)));
  if (!chosen.length) throw new RangeError(`no case is called ${words.join(" or ")}`);
  return chosen;
}
