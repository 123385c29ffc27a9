import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Case, CaseSettings } from "./case.ts";
import { allCases, chooseCases } from "./cases/all.ts";
import { cameraPolicies } from "./cases/policy.ts";
import type { Client } from "./clients/client.ts";
import { CommandClient, writeIdentity } from "./clients/command.ts";
import { DeviceClient } from "./clients/device.ts";
import { Credentials, host } from "./credentials.ts";
import { formatHeader, formatResult, formatSummary } from "./report.ts";
import { clientId, type Result, Runner, type RunOptions } from "./runner.ts";

const help = `npm run advisor [-- CASE... OPTIONS]     CASE: a part of a case's name
  --client device|sdk|mqtt   whom to judge: the camera's session (default), the same on the Moddable SDK's MQTT client ($MODDABLE), or npm mqtt
  --command COMMAND      judge a program; ADVISOR_HOST, _PORT, _CLIENT_ID, _CA, _CERTIFICATE and _KEY say where and as whom to connect
  --serve                start no client: wait for one to connect to an address that is printed
  --port N --directory D with --serve: where to listen (default 8883), where to write the CA and the client's certificate
  --time-scale N         the device's clock (default 10)
  --attempts N           of the back-off cases, 5 to 10 (default 5)
  --server-away MINUTES  of LONG_SERVER_DISCONNECT, the client's time (default 30; 1 for clients in real time)
  --shadow-name NAME --desired-state JSON --job-document JSON --policy FILE...
  --json                 one JSON object instead of the table
  --list                 the cases
`;

const options = {
  client: { type: "string", default: "device" },
  command: { type: "string" },
  serve: { type: "boolean", default: false },
  port: { type: "string", default: "8883" },
  directory: { type: "string", default: ".build/advisor" },
  "time-scale": { type: "string", default: "10" },
  attempts: { type: "string", default: "5" },
  "server-away": { type: "string" },
  "shadow-name": { type: "string" },
  "desired-state": { type: "string", default: '{"telemetryInterval":120}' },
  "job-document": { type: "string", default: '{"operation":"echo","message":"hello"}' },
  policy: { type: "string", multiple: true },
  json: { type: "boolean", default: false },
  list: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

type Values = ReturnType<typeof parse>["values"];
const parse = (args: string[]) => parseArgs({ args, options, allowPositionals: true });
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** @returns the exit code: 1 when a case fails, 2 when the arguments make no sense */
export async function runAdvisor(args: string[]): Promise<number> {
  let values: Values;
  let cases: Case[];
  let run: RunOptions;
  try {
    const parsed = parse(args);
    values = parsed.values;
    cases = chooseCases(parsed.positionals);
    run = { client: chooseClient(values), settings: settingsOf(values), concurrency: 8 };
    number("port", values.port, 1, 65_535);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${help}`);
    return 2;
  }
  if (values.help) console.log(help);
  else if (values.list) for (const { id, qualification } of allCases) console.log(`${qualification ? "Q" : " "} ${id}`);
  else return judgeOrTell(cases, values, run);
  return 0;
}

async function judgeOrTell(cases: Case[], values: Values, run: RunOptions): Promise<number> {
  try {
    return await judge(cases, values, values.serve ? await serve(run, values) : run);
  } catch (error) {
    const { syscall, message } = error as NodeJS.ErrnoException;
    if (syscall !== "listen") throw error;
    console.error(`${message}\nSomebody else listens there: --port takes another one`);
    return 2;
  }
}

async function judge(cases: Case[], values: Values, run: RunOptions): Promise<number> {
  // So that what was started ends with us.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
  const runner = new Runner({ ...run, onResult: values.json || !values.serve ? undefined : print });
  if (!values.json) console.log(formatHeader());
  const results = await runner.run(cases);
  const summary = runner.observations.summary();
  if (values.json) console.log(JSON.stringify({ cases: results, summary }, undefined, 2));
  else {
    if (!values.serve) for (const result of results) print(result);
    console.log(`\n${formatSummary(summary, results)}`);
  }
  return results.some(({ verdict }) => verdict === "FAIL") ? 1 : 0;
}

const print = (result: Result) => console.log(formatResult(result));

function chooseClient({ client, command, serve: isServing, "time-scale": scale }: Values): Client {
  // Nobody is started: who connects was started by somebody else.
  if (isServing) return { timeScale: 1, isScalable: false, start: async () => ({ stop: async () => {} }) };
  if (command) return new CommandClient(command);
  if (client === "mqtt") return new CommandClient(`"${process.execPath}" "${path("clients/npm-mqtt.mjs")}"`);
  if (client === "device" || client === "sdk")
    return new DeviceClient(number("time-scale", scale, 1, 50), client === "sdk" ? "sdk" : "host");
  throw new RangeError(`no client is called ${client}`);
}

function settingsOf(values: Values): CaseSettings {
  const isScaled = values.client !== "mqtt" && !values.command && !values.serve;
  const minutes = values["server-away"] ?? (isScaled ? "30" : "1");
  return {
    attempts: number("attempts", values.attempts, 5, 10),
    shadowName: values["shadow-name"],
    desiredState: object("desired-state", values["desired-state"]),
    jobDocument: object("job-document", values["job-document"]),
    serverAway: number("server-away", minutes, 1, 120) * 60_000,
    policies: values.policy ?? cameraPolicies,
  };
}

function number(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!(value >= least && value <= most)) throw new RangeError(`--${name} is between ${least} and ${most}`);
  return value;
}

function object(name: string, text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Said below.
  }
  throw new RangeError(`--${name} is a JSON object`);
}

/** One case after the other at one address, as the real tool does it; in between nobody is there. */
async function serve(run: RunOptions, { port, directory }: Values): Promise<RunOptions> {
  const credentials = new Credentials();
  const identity = await credentials.client(clientId);
  const folder = resolve(directory);
  await mkdir(folder, { recursive: true });
  const files = await writeIdentity(folder, identity);
  console.error(
    `Connect to ${host}:${port} as ${clientId}, again and again, with\n  ${Object.values(files).join("\n  ")}`,
  );
  return { ...run, credentials, identity, port: Number(port), concurrency: 1 };
}
