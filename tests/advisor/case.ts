import type { CertificateKind } from "./credentials.ts";
import type { Endpoint } from "./endpoint.ts";
import { isMatch } from "./mqtt-wire.ts";
import type { Observations } from "./observations.ts";
import type { Peer } from "./peer.ts";
import type { ScaledTime } from "./scaled-time.ts";
import { CaseFailure, check, type Outcome } from "./verdict.ts";

export type Category = "TLS" | "MQTT" | "Shadow" | "Job" | "Security" | "Long duration";

/** What the real tool lets its user set, with our defaults. */
export interface CaseSettings {
  /** Attempts that are counted in the back-off cases, 5 to 10 (RECONNECTION_ATTEMPTS). */
  attempts: number;
  /** Of the shadow; undefined is the classic one (SHADOW_NAME). */
  shadowName?: string;
  /** What the shadow case asks for (DESIRED_STATE). */
  desiredState: object;
  /** What the job case asks for (JOB_DOCUMENT). */
  jobDocument: object;
  /** LONG_SERVER_DISCONNECT_TIME, milliseconds of the device. */
  serverAway: number;
  /** Files with the policies that are attached to the certificate. */
  policies: string[];
}

export interface Case {
  id: string;
  category: Category;
  /** One of the eleven that qualify a device for the AWS Partner Device Catalog. */
  qualification?: boolean;
  /** Default "ordinary". */
  certificate?: CertificateKind;
  /** Looks at files only: no client is needed. */
  offline?: boolean;
  /** The client should be a fast one: this many times the usual time scale. */
  hurry?: number;
  run(bench: Bench): Promise<Outcome | Row[]>;
}

/** A line of the table. */
export interface Row extends Outcome {
  id: string;
}

/** Connections that a client may give up for want of time. */
const patience = 4;

/** What a case works with. */
export class Bench {
  readonly endpoint: Endpoint;
  readonly settings: CaseSettings;
  readonly observations: Observations;

  constructor(endpoint: Endpoint, settings: CaseSettings, observations: Observations) {
    this.endpoint = endpoint;
    this.settings = settings;
    this.observations = observations;
  }

  get time(): ScaledTime {
    return this.endpoint.time;
  }

  /** The next connection that got as far as CONNECT. */
  connection(timeout?: number): Promise<Peer> {
    return this.reach(async (peer) => {
      const handshake = await peer.secured();
      check(handshake, "the TLS handshake did not end");
      if (!handshake.completed) throw new CaseFailure(`no TLS session: ${handshake.alert ?? handshake.error}`);
      await peer.expect("CONNECT", "CONNECT");
      return peer;
    }, timeout);
  }

  /**
   * What the first of the next connections gives that gets so far. A client whose time is scaled gives connections up on a busy machine,
   * without having said anything wrong, and makes others.
   */
  async reach<T>(get: (peer: Peer) => Promise<T>, timeout?: number): Promise<T> {
    for (let left = patience; ; left -= 1) {
      const peer = await this.endpoint.next(timeout);
      try {
        return await get(peer);
      } catch (error) {
        if (!(error instanceof CaseFailure && peer.wasGivenUp && left > 1)) throw error;
      }
    }
  }
}

/** A topic that a QoS 1 filter of the client's covers: the TRIGGER_TOPIC of the real tool. */
export async function triggerTopic(peer: Peer): Promise<string> {
  const isTrigger = ({ topic, qos }: { topic: string; qos: number }) => qos === 1 && !topic.startsWith("$");
  const packet = await peer.expect("SUBSCRIBE with QoS 1", "SUBSCRIBE", ({ filters = [] }) =>
    filters.some((filter) => isTrigger(filter)),
  );
  const filter = packet.filters!.find((candidate) => isTrigger(candidate))!.topic;
  const topic = filter.replace(/[+#]/g, "advisor");
  check(isMatch(filter, topic), `no topic fits ${filter}`);
  return topic;
}

/** Sends a QoS 1 message and waits for its PUBACK. */
export async function deliver(peer: Peer, topic: string, payload: Buffer | string, timeout?: number): Promise<void> {
  const from = peer.arrivals.length;
  const id = peer.publish(topic, payload, 1);
  await peer.expect(`PUBACK of ${payload.length} bytes`, "PUBACK", (packet) => packet.id === id, { timeout, from });
}

export const filler = (byteLength: number) => Buffer.alloc(byteLength, "devicelink ");
