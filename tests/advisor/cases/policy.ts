import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import type { Bench, Case } from "../case.ts";
import { CaseFailure, check, type Outcome, pass } from "../verdict.ts";

interface Statement {
  Effect: string;
  Action: string | string[];
  Resource: string | string[];
}

const list = (value: string | string[]) => (Array.isArray(value) ? value : [value]);

/**
 * What an allowing statement leaves open that a device does not need: every action of a service, or a resource of which any
 * other device's could be meant. A wildcard is bounded where the device's own name stands before it.
 */
export function broadPermissions(policy: { Statement: Statement | Statement[] }): string[] {
  const statements = Array.isArray(policy.Statement) ? policy.Statement : [policy.Statement];
  return statements
    .filter(({ Effect }) => Effect === "Allow")
    .flatMap(({ Action, Resource }) => [
      ...list(Action).filter((action) => action.includes("*")),
      ...list(Resource).filter(isBroad),
    ]);
}

const ownName = /\$\{iot:(ClientId|Connection\.Thing\.ThingName|Certificate\.Subject\.CommonName)\}/;

function isBroad(resource: string): boolean {
  // Policy variables are named in braces; what they stand for is one device.
  const wildcard = resource.search(/[*?]/);
  if (wildcard < 0) return false;
  const variable = resource.search(ownName);
  return variable < 0 || variable > wildcard;
}

async function devicePolicies(bench: Bench): Promise<Outcome> {
  const { policies } = bench.settings;
  check(policies.length, "no policy");
  for (const path of policies) {
    const broad = broadPermissions(JSON.parse(await readFile(path, "utf8")));
    if (broad.length) throw new CaseFailure(`${basename(path)} is too broad: ${broad.join(", ")}`);
  }
  return pass(`${policies.map((path) => basename(path)).join(", ")}: no broad wildcard`);
}

export const policyCases: Case[] = [
  { id: "Security_Device_Policies", category: "Security", offline: true, run: devicePolicies },
];
