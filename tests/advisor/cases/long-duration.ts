/**
 * MQTT_Long_Duration: six basic operations that are judged together from one run, and seven scenarios. The real tool runs them on one
 * device one after the other for hours; here each has a device of its own, and they run side by side.
 */
import { type Bench, type Case, deliver, filler, type Row, triggerTopic } from "../case.ts";
import type { Packet } from "../mqtt-wire.ts";
import type { Peer } from "../peer.ts";
import { CaseFailure, type Outcome, pass, seconds, warn } from "../verdict.ts";
import { unstableConnection } from "./backoff.ts";
import { isRepetition, noPingResponse, persistentSession } from "./mqtt.ts";

/** Milliseconds in which the basic operations want to see a repetition. */
const retryLimit = 15_000;
const large = 64 * 1024;

async function basic(bench: Bench): Promise<Row[]> {
  const { answers } = bench.endpoint;
  Object.assign(answers, { puback: false, suback: false });
  const peer = await bench.connection();
  await peer.ended(3 * retryLimit);
  const rows = [row("CONNECT", pass("connected"))];
  for (const qos of [0, 1]) rows.push(row(`PUBLISH_QOS_${qos}`, operation(peer, "PUBLISH", qos)));
  peer.drop();
  Object.assign(answers, { puback: true, suback: false });
  const again = await bench.connection();
  rows.push(row("RECONNECT", pass(`after ${seconds(again.acceptedAt - peer.endedAt!)}`)));
  for (const qos of [0, 1]) rows.push(row(`SUBSCRIBE_QOS_${qos}`, await subscription(peer, again, qos)));
  return rows;
}

const row = (operationName: string, outcome: Outcome): Row => ({
  id: `MQTT_Long_Duration ${operationName}`,
  ...outcome,
});

const hasQoS = (packet: Packet, qos: number) => packet.qos === qos || !!packet.filters?.some((f) => f.qos === qos);

/** Whether a packet of this kind came, and with QoS 1 whether it was repeated in time under its identifier. */
function operation(peer: Peer, name: "PUBLISH" | "SUBSCRIBE", qos: number): Outcome {
  const arrivals = peer.arrivals.filter(({ packet }) => packet.name === name && hasQoS(packet, qos));
  const [first] = arrivals;
  if (!first) return { verdict: "SKIPPED", reason: `the client does no ${name} with QoS ${qos}` };
  if (name === "PUBLISH" && !qos) return pass(`${first.packet.topic}`);
  const again = arrivals.find((arrival) => arrival !== first && isRepetition(arrival.packet, first.packet));
  if (!again) return warn(`not repeated on the same connection`);
  const delay = again.at - first.at;
  return delay <= retryLimit ? pass(`again after ${seconds(delay)}`) : warn(`again after ${seconds(delay)} only`);
}

/** A client that waits for SUBACK before it asks for more shows one kind per connection at most; both are looked at. */
async function subscription(first: Peer, second: Peer, qos: number): Promise<Outcome> {
  const outcome = operation(first, "SUBSCRIBE", qos);
  if (outcome.verdict === "PASS") return outcome;
  await second.ended(retryLimit);
  const later = operation(second, "SUBSCRIBE", qos);
  return later.verdict === "PASS" || outcome.verdict === "SKIPPED" ? later : outcome;
}

async function pubackQoS1(bench: Bench): Promise<Outcome> {
  const peer = await bench.connection();
  await deliver(peer, await triggerTopic(peer), "a message");
  return pass("PUBACK");
}

async function largePayload(bench: Bench): Promise<Outcome> {
  const peer = await bench.connection();
  await deliver(peer, await triggerTopic(peer), filler(large));
  return pass(`PUBACK of ${large} bytes`);
}

/** Outages of random length at random times; the client has to be back after each, and to work. */
async function intermittent(bench: Bench): Promise<Outcome> {
  const lengths: number[] = [];
  let peer = await bench.connection();
  for (let i = 0; i < 3; i += 1) {
    await peer.ended(1000 + Math.random() * 20_000);
    const length = 1000 + Math.random() * 60_000;
    lengths.push(length);
    await bench.endpoint.refuse();
    await bench.time.wait(length);
    await bench.endpoint.listen();
    peer = await bench.connection();
  }
  await peer.expect("PUBLISH after the last outage", "PUBLISH");
  return pass(`back after ${lengths.map(seconds).join(", ")}`);
}

async function serverAway(bench: Bench): Promise<Outcome> {
  const peer = await bench.connection();
  await peer.ended(5000);
  await bench.endpoint.refuse();
  await bench.time.wait(bench.settings.serverAway);
  await bench.endpoint.listen();
  const since = bench.time.now();
  const again = await bench.connection(300_000);
  const minutes = Math.round(bench.settings.serverAway / 60_000);
  await again.expect("PUBLISH after the outage", "PUBLISH");
  return pass(`back ${seconds(again.acceptedAt - since)} after ${minutes} minutes`);
}

async function reconnectBackoff(bench: Bench): Promise<Outcome> {
  try {
    return await unstableConnection(bench);
  } catch (error) {
    // This scenario reports what it sees; only not to come back is a failure.
    if (error instanceof CaseFailure && /^(constant|linear)/.test(error.message)) return warn(error.message);
    throw error;
  }
}

const scenario = (name: string, run: Case["run"], hurry?: number): Case => ({
  id: `MQTT_Long_Duration ${name}`,
  category: "Long duration",
  run,
  hurry,
});

export const longDurationCases: Case[] = [
  scenario("BASIC", basic),
  scenario("PUBACK_QOS_1", pubackQoS1),
  scenario("RECEIVE_LARGE_PAYLOAD", largePayload),
  scenario("PERSISTENT_SESSION", persistentSession),
  scenario("KEEP_ALIVE", noPingResponse),
  scenario("INTERMITTENT_CONNECTIVITY", intermittent),
  scenario("RECONNECT_BACK_OFF", reconnectBackoff),
  scenario("LONG_SERVER_DISCONNECT", serverAway, 6),
];
