import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import type { Bench, Case } from "../case.ts";
import { CaseFailure, check, type Outcome, pass } from "../verdict.ts";

/** Both that the provisioning template attaches to a camera's certificate. */
export const cameraPolicies = ["iot-policy.json", "rotation-policy.json"].map((name) =>
  fileURLToPath(new URL(`../../../certs/${name}`, import.meta.url)),
);

interface Statement {
  Effect: string;
  Action?: string | string[];
  Resource?: string | string[];
  /** All but these: always too broad. */
  NotAction?: string | string[];
  NotResource?: string | string[];
}

const list = (value: string | string[] = []) => (Array.isArray(value) ? value : [value]);

/**
 * What an allowing statement leaves open that a device does not need: every action of a service, or a resource of which any
 * other device's could be meant. A wildcard is bounded where the device's own name stands before it.
 */
export function broadPermissions(policy: { Statement: Statement | Statement[] }): string[] {
  const statements = Array.isArray(policy.Statement) ? policy.Statement : [policy.Statement];
  return statements
    .filter(({ Effect }) => Effect === "Allow")
    .flatMap(({ Action, Resource, NotAction, NotResource }) => [
      ...list(Action).filter((action) => action.includes("*")),
      ...list(Resource).filter(isBroad),
      ...list(NotAction).map((action) => `all but ${action}`),
      ...list(NotResource).map((resource) => `all but ${resource}`),
    ]);
}

/** As a whole level: with a wildcard right behind it, camera-1 would have the topics of camera-10 as well. */
const ownName = /\/\$\{iot:(ClientId|Connection\.Thing\.ThingName|Certificate\.Subject\.CommonName)\}(\/|$)/;

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
    const broad = broadPermissions(await readPolicy(path));
    if (broad.length) throw new CaseFailure(`${basename(path)} is too broad: ${broad.join(", ")}`);
  }
  return pass(`${policies.map((path) => basename(path)).join(", ")}: no broad wildcard`);
}

/** @throws CaseFailure */
async function readPolicy(path: string): Promise<Parameters<typeof broadPermissions>[0]> {
  try {
    const policy = JSON.parse(await readFile(path, "utf8"));
    if (policy?.Statement) return policy;
  } catch (error) {
    throw new CaseFailure(`${basename(path)} cannot be read: ${(error as Error).message}`);
  }
  throw new CaseFailure(`${basename(path)} is no policy: it has no Statement`);
}

export const policyCases: Case[] = [
  { id: "Security_Device_Policies", category: "Security", offline: true, run: devicePolicies },
];
