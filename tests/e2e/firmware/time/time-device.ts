import TCP from "embedded:io/socket/tcp";
import UDP from "embedded:io/socket/udp";
import Resolver from "embedded:network/dns/resolver/udp";
import { getEnvironment } from "environment";
import { Clock } from "modules/network/clock";
import { HTTPSTime } from "modules/network/https-time";
import { SNTP } from "modules/network/sntp";
import type { TimeSource } from "modules/network/time-source";
import { randomBytes } from "native/tls/crypto";
import type { TimeOutcome, TimeTask } from "./task";

const { released, servers = [], https }: TimeTask = JSON.parse(getEnvironment("TASK") as string);

function sources(): TimeSource[] {
  const resolver = new Resolver({});
  const options = { UDP: { io: UDP as never }, resolver, randomBytes, timeout: 500 };
  const told: TimeSource[] = servers.map((name) => new SNTP(name, options));
  if (https) told.push(new HTTPSTime({ name: "https", released, TCP: { io: TCP }, resolver, ...https }));
  return told;
}

const clock = new Clock({ released, sources });
const outcome: TimeOutcome = { state: "", source: "" };
try {
  await clock.synchronize();
  outcome.time = clock.now();
} catch (error) {
  const { code, message } = error as { code: string; message: string };
  Object.assign(outcome, { code, message });
}
outcome.state = clock.state;
outcome.source = clock.source;
trace(`${JSON.stringify(outcome)}\n`);
