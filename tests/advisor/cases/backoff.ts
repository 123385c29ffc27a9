/** The cases that look at the pauses between attempts. */
import { type BackoffType, classifyBackoff, describeBackoff } from "../backoff-classifier.ts";
import type { Bench, Case } from "../case.ts";
import type { Peer } from "../peer.ts";
import { CaseFailure, type Outcome, pass, seconds, warn } from "../verdict.ts";

/** Who does not give up by itself without CONNACK loses the connection after this time. */
const patience = 60_000;
/** From then on a connection counts as a good one, and the next pause may be the shortest again. */
const stable = 40_000;
/** The time that an unstable connection holds. */
const unstable = 3_000;

/** What happens to a connection until its end. */
type Fate = (peer: Peer) => Promise<void>;

/** The gaps between the end of a connection and the next one, `attempts` of them. The last connection is left as it is. */
async function gapsAfter(bench: Bench, first: Peer, attempts: number, fate: Fate): Promise<[number[], Peer]> {
  const gaps: number[] = [];
  let peer = first;
  for (let i = 0; i < attempts; i += 1) {
    await fate(peer);
    peer.drop();
    if (i === attempts - 1) Object.assign(bench.endpoint.answers, { connack: true });
    const next = await bench.connection(600_000);
    gaps.push(next.acceptedAt - peer.endedAt!);
    peer = next;
  }
  return [gaps, peer];
}

const withoutConnack: Fate = async (peer) => {
  await peer.ended(patience);
};

/** `attempts` CONNECTs stay without an answer, the next one gets it. */
async function withhold(bench: Bench): Promise<[number[], Peer]> {
  bench.endpoint.answers.connack = false;
  return gapsAfter(bench, await bench.connection(), bench.settings.attempts, withoutConnack);
}

function judge(bench: Bench, rounds: number[][], isJitterExpected: boolean): Outcome {
  const type = classifyBackoff(rounds, bench.time.resolution);
  bench.observations.backoff.add(describeBackoff(type));
  const gaps = rounds.map((round) => round.map(seconds).join(", ")).join("; ");
  return judgeBackoff(type, isJitterExpected, gaps);
}

/** @throws CaseFailure where the pauses do not grow fast enough */
export function judgeBackoff(type: BackoffType, isJitterExpected: boolean, gaps: string): Outcome {
  const text = `${describeBackoff(type)} (${gaps})`;
  if (type.growth !== "exponential") throw new CaseFailure(text);
  return type.jitter || !isJitterExpected ? pass(text) : warn(text);
}

async function jitter(bench: Bench): Promise<Outcome> {
  const [first, peer] = await withhold(bench);
  await peer.ended(stable);
  peer.drop();
  bench.endpoint.answers.connack = false;
  const [second] = await gapsAfter(bench, peer, bench.settings.attempts + 1, withoutConnack);
  return judge(bench, [first, second], true);
}

async function exponential(bench: Bench): Promise<Outcome> {
  const [gaps] = await withhold(bench);
  return judge(bench, [gaps], false);
}

/** Connected once, then nothing but closed connections. */
async function serverDisconnect(bench: Bench): Promise<Outcome> {
  const first = await bench.connection();
  bench.endpoint.answers.connack = false;
  const [gaps] = await gapsAfter(bench, first, bench.settings.attempts, async () => {});
  return judge(bench, [gaps], true);
}

/** CONNACK comes each time, and the connection breaks soon after it. */
export async function unstableConnection(bench: Bench): Promise<Outcome> {
  const [gaps] = await gapsAfter(bench, await bench.connection(), bench.settings.attempts, async (peer) => {
    await peer.ended(unstable);
  });
  return judge(bench, [gaps], true);
}

const mqtt = (id: string, run: Case["run"], qualification = false): Case => ({
  id,
  category: "MQTT",
  qualification,
  run,
});

export const backoffCases: Case[] = [
  mqtt("MQTT_Connect_Jitter_Backoff_Retries", jitter, true),
  mqtt("MQTT_Connect_Exponential_Backoff_Retries", exponential),
  mqtt("MQTT_Reconnect_Backoff_Retries_On_Server_Disconnect", serverDisconnect),
  mqtt("MQTT_Reconnect_Backoff_Retries_On_Unstable_Connection", unstableConnection),
];
