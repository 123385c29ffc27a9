/** The MQTT cases that do not look at pauses. */
import { type Bench, type Case, deliver, filler, triggerTopic } from "../case.ts";
import { isMatch, type Packet, type PacketName } from "../mqtt-wire.ts";
import type { Peer } from "../peer.ts";
import { CaseFailure, check, type Outcome, pass, seconds, warn } from "../verdict.ts";

/** AWS IoT's limits. */
const longestClientId = 128;
const longestKeepAlive = 1200;
const shortestKeepAlive = 30;
/** Sizes that a QoS 1 message is tried with, bytes; the last is AWS IoT's limit. */
const payloadSizes = [0, 1, 1000, 10_000, 128 * 1024];

async function connect(bench: Bench): Promise<Outcome> {
  const peer = await bench.connection();
  const { clientId = "", keepAlive = 0, cleanSession } = peer.packets("CONNECT")[0]!;
  check(Buffer.byteLength(clientId) <= longestClientId, `client id of ${Buffer.byteLength(clientId)} bytes`);
  check(clientId && !clientId.startsWith("$"), `client id "${clientId}"`);
  await peer.ended(1000);
  check(!peer.malformed, `malformed packet: ${peer.malformed}`);
  const kept = keepAlive >= shortestKeepAlive && keepAlive <= longestKeepAlive;
  const advice = kept ? "" : `, which AWS IoT changes to ${keepAlive && keepAlive < 30 ? 30 : 1200} s`;
  return pass(`client id ${clientId}, clean session ${cleanSession ? 1 : 0}, keep-alive ${keepAlive} s${advice}`);
}

async function puback(bench: Bench): Promise<Outcome> {
  const peer = await bench.connection();
  const topic = await triggerTopic(peer);
  for (const size of payloadSizes) await deliver(peer, topic, filler(size));
  return pass(`payloads of ${payloadSizes.join(", ")} bytes`);
}

export async function publish(bench: Bench): Promise<Outcome> {
  const peer = await bench.connection();
  const { topic, payload } = await peer.expect("PUBLISH with QoS 0", "PUBLISH", ({ qos }) => qos === 0);
  return pass(`${payload!.length} bytes on ${topic}`);
}

export async function subscribe(bench: Bench): Promise<Outcome> {
  const peer = await bench.connection();
  const { filters = [] } = await peer.expect("SUBSCRIBE", "SUBSCRIBE");
  check(filters.length <= 8, `${filters.length} filters in one SUBSCRIBE; AWS IoT takes 8`);
  return pass(filters.map(({ topic, qos }) => `${topic} (QoS ${qos})`).join(", "));
}

interface Retry {
  name: PacketName;
  what: string;
  fits(packet: Packet): boolean;
  /** Milliseconds that the client has. */
  timeout: number;
}

/** Of a packet that says something: the same again, whatever its identifier is. */
const content = ({ topic, payload, filters }: Packet) => JSON.stringify([topic, payload, filters]);
/** Sent once more. Something else under an identifier that is in use is no repetition but a mistake. */
export const isRepetition = (packet: Packet, original: Packet): boolean =>
  packet.id === original.id && content(packet) === content(original);

/** The packet, unanswered, and its repetition on the same connection. @throws CaseFailure */
async function repetition(peer: Peer, { name, what, fits, timeout }: Retry): Promise<[Packet, number]> {
  await peer.expect(what, name, fits);
  const index = peer.arrivals.findIndex(({ packet }) => packet.name === name && fits(packet));
  const { packet: original, at } = peer.arrivals[index]!;
  const from = index + 1;
  const isAgain = (packet: Packet) => isRepetition(packet, original);
  const again = await peer.expect(`repetition of ${what}`, name, isAgain, { timeout, from }).catch((error) => {
    const later = peer.packets(name, from);
    const other = later.find((packet) => content(packet) === content(original));
    if (other) throw new CaseFailure(`${error.message} under its packet id ${original.id}, but under ${other.id}`);
    const reused = later.some(({ id, qos }) => id === original.id && qos !== 0);
    throw reused ? new CaseFailure(`${error.message}, but something else under its packet id ${original.id}`) : error;
  });
  const repeated = peer.arrivals.slice(index + 1).find(({ packet }) => packet === again)!;
  return [again, repeated.at - at];
}

const publishRetry = { name: "PUBLISH", what: "PUBLISH with QoS 1", fits: ({ qos }: Packet) => qos === 1 } as const;
const subscribeRetry = { name: "SUBSCRIBE", what: "SUBSCRIBE", fits: () => true } as const;

export async function retryPublish(bench: Bench, timeout = 120_000): Promise<Outcome> {
  bench.endpoint.answers.puback = false;
  const [again, delay] = await repetition(await bench.connection(), { ...publishRetry, timeout });
  const text = `again after ${seconds(delay)} with packet id ${again.id}`;
  return again.duplicate ? pass(text) : warn(`${text}, but without DUP`);
}

export async function retrySubscribe(bench: Bench, timeout = 120_000): Promise<Outcome> {
  bench.endpoint.answers.suback = false;
  const [again, delay] = await repetition(await bench.connection(), { ...subscribeRetry, timeout });
  return pass(`again after ${seconds(delay)} with packet id ${again.id}`);
}

/** After CONNACK the server is silent. The client has to find out within 2.5 times the keep-alive time that it asked for. */
export async function noPingResponse(bench: Bench): Promise<Outcome> {
  Object.assign(bench.endpoint.answers, { suback: false, puback: false, pingresp: false });
  const peer = await bench.connection();
  const { keepAlive = 0 } = peer.packets("CONNECT")[0]!;
  check(keepAlive, "keep-alive 0: the client would never find out");
  const limit = keepAlive * 2500;
  check(await peer.ended(limit), `still connected after ${seconds(limit)}, keep-alive ${keepAlive} s`);
  const pings = peer.packets("PINGREQ").length ? "after PINGREQ" : "before PINGREQ";
  return pass(`closed after ${seconds(peer.endedAt! - peer.acceptedAt)}, ${pings}, keep-alive ${keepAlive} s`);
}

/** A connection with a persistent session and a granted QoS 1 subscription, which then breaks. @returns the topic */
async function leaveSession(bench: Bench): Promise<string> {
  const peer = await bench.connection();
  check(!peer.packets("CONNECT")[0]!.cleanSession, "clean session 1 in CONNECT");
  const topic = await triggerTopic(peer);
  await peer.ended(1000);
  peer.drop();
  return topic;
}

/** What the broker kept is sent right after CONNACK; a client that subscribes again has this long to show it. */
const watchFor = 20_000;

export async function persistentSession(bench: Bench): Promise<Outcome> {
  const topic = await leaveSession(bench);
  bench.endpoint.answers.sessionPresent = true;
  const peer = await bench.connection();
  check(!peer.packets("CONNECT")[0]!.cleanSession, "clean session 1 in the second CONNECT");
  await deliver(peer, topic, "stored while the client was away");
  await peer.until(() => peer.packets("SUBSCRIBE")[0], watchFor);
  const [again] = peer.packets("SUBSCRIBE");
  check(!again, `subscribed again although the session was present: ${again?.filters?.map((f) => f.topic)}`);
  check(peer.isOpen, "left the connection on which the session was present");
  return pass("stored message acknowledged, no SUBSCRIBE");
}

async function expiredSession(bench: Bench): Promise<Outcome> {
  const topic = await leaveSession(bench);
  bench.endpoint.answers.sessionPresent = false;
  await bench.reach((peer) =>
    peer.expect(`SUBSCRIBE to ${topic} again`, "SUBSCRIBE", ({ filters = [] }) =>
      filters.some((filter) => filter.qos === 1 && isMatch(filter.topic, topic)),
    ),
  );
  return pass("subscribed again");
}

const mqtt = (id: string, run: Case["run"], qualification = false): Case => ({
  id,
  category: "MQTT",
  qualification,
  run,
});

export const mqttCases: Case[] = [
  mqtt("MQTT_Connect", connect, true),
  mqtt("MQTT_Client_Puback_Qos1", puback),
  mqtt("MQTT_Publish", publish, true),
  mqtt("MQTT_Publish_Retry_No_Puback", (bench) => retryPublish(bench)),
  mqtt("MQTT_Subscribe", subscribe, true),
  mqtt("MQTT_Subscribe_Retry_No_Suback", (bench) => retrySubscribe(bench)),
  mqtt("MQTT_No_Ack_PingResp", noPingResponse),
  mqtt("MQTT_Persistent_Session_Happy_Case", persistentSession),
  mqtt("MQTT_Expired_Persistent_Session", expiredSession),
];
