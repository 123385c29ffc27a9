/**
 * The cloud as a process: `node --import tsx sim/cloud/main.ts --directory DIR --out DIR`. Prints what happens as JSON lines, the first
 * of them `listening`; ends on SIGTERM, SIGINT, or when its standard input was a pipe and closes.
 */
import { fstatSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { bindingsFile, serveBindings } from "./bindings/local.ts";
import { startCloud } from "./cloud.ts";
import { serveGrants } from "./grants/local.ts";
import { serveProvisioningHook } from "./provisioning-hook/local.ts";

const { values } = parseArgs({
  options: {
    directory: { type: "string", default: ".build/cloud" },
    out: { type: "string", default: "out" },
    region: { type: "string" },
    "s3-port": { type: "string" },
    "mqtt-port": { type: "string" },
    "api-port": { type: "string" },
    "data-port": { type: "string" },
    "jobs-port": { type: "string" },
    "gateway-port": { type: "string" },
    "cognito-idp-port": { type: "string" },
    "cognito-identity-port": { type: "string" },
    "allow-unproven": { type: "boolean" },
    "grant-delay": { type: "string" },
    "token-seconds": { type: "string" },
    "credential-seconds": { type: "string" },
  },
});

function say(event: string, fields: object): void {
  process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
}

/** Numbers that were given, without those that were not. */
function given(texts: Record<string, string | undefined>): Record<string, number> {
  return Object.fromEntries(Object.entries(texts).flatMap(([name, text]) => (text ? [[name, Number(text)]] : [])));
}

const cloud = await startCloud({
  directory: resolve(values.directory),
  out: resolve(values.out),
  region: values.region,
  ports: given({
    s3: values["s3-port"],
    mqtt: values["mqtt-port"],
    api: values["api-port"],
    data: values["data-port"],
    jobs: values["jobs-port"],
    gateway: values["gateway-port"],
    cognitoIdp: values["cognito-idp-port"],
    cognitoIdentity: values["cognito-identity-port"],
  }),
  cognito: given({ tokenSeconds: values["token-seconds"], credentialSeconds: values["credential-seconds"] }),
  onCall: (call) => say("call", call),
});
const { s3, iot, api, data, jobs, jobsPlane, gateway, shadows, region, files } = cloud;
const { cognito, cognitoIdp, cognitoIdentity } = cloud;

s3.on("progress", (progress) => say("progress", progress));
s3.on("object", (object) => say("object", object));
s3.on("request", (request) => say("request", request));
iot.on("connect", (event) => say("connect", event));
iot.on("refuse", (event) => say("refuse", event));
iot.on("disconnect", (event) => say("disconnect", event));
iot.on("subscribe", (event) => say("subscribe", event));
shadows.on("request", (event) => say("shadow", event));
jobs.on("status", ({ statusDetails, ...event }) => say("job", event));
// What a real pool sends by mail: codes, and the temporary passwords of new accounts.
cognito.userPool.on("message", (message) => say("message", message));
// The payload stays out of it: a grant has a URL with its signature in it.
iot.on("publish", ({ payload, ...event }) => say("publish", { ...event, bytes: payload.length }));

const directory = resolve(values.directory);
serveGrants(cloud, {
  directory,
  delay: Number(values["grant-delay"] ?? 0),
  onOutcome: (outcome) => say("grant", outcome),
  onFailure: (reason) => say("grantFailed", { reason }),
});
serveBindings(cloud, {
  directory,
  allowUnproven: values["allow-unproven"],
  onOutcome: (outcome) => say("binding", outcome),
  onFailure: (reason) => say("bindingFailed", { reason }),
});
serveProvisioningHook(cloud, {
  allowUnproven: values["allow-unproven"],
  onOutcome: (outcome) => say("provisioningHook", outcome),
});

say("listening", {
  s3: { port: s3.port, url: s3.url },
  mqtt: { port: iot.port, endpoint: iot.endpoint },
  api: { url: api.url },
  data: { url: data.url },
  jobs: { url: jobsPlane.url },
  gateway: { port: gateway.port },
  cognito: { ...cognito.ids, idpUrl: cognitoIdp.url, identityUrl: cognitoIdentity.url },
  region,
  rootCA: files.rootCA,
  credentials: files.credentials,
  bindings: bindingsFile(directory),
});

let stopping = false;
async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  await cloud.close();
  process.exit(0);
}

process.on("SIGTERM", stop);
process.on("SIGINT", stop);
// Whoever started it holds the other end of the pipe (Node's are sockets); when that is gone, so is the reason to run.
const input = fstatSync(0);
if (input.isFIFO() || input.isSocket()) process.stdin.on("end", stop).resume();
