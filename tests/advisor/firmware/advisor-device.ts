/**
 * The device that the advisor judges: the camera's session with its own TLS, shadow and jobs, and as little of an application as the cases ask for. What
 * is not acknowledged stays queued in the session, so there is at most one message of QoS 1.
 */

import TCP from "embedded:io/socket/tcp";
import Resolver from "embedded:network/dns/resolver/udp";
import MQTTClient from "embedded:network/mqtt/client";
import { getEnvironment } from "environment";
import Timer from "timer";
import { CameraJobs } from "../../../modules/app/jobs";
import type { MQTTClientClass } from "../../../modules/cloud/client-interface";
import { CloudSession, type InboundMessage } from "../../../modules/cloud/session";
import {
  Shadow,
  type ShadowHost,
  type ShadowOperation,
  shadowFilters,
  shadowRoot,
} from "../../../modules/cloud/shadow";
import { ShadowReader, type Wishes } from "../../../modules/cloud/shadow-message";
import { Clock } from "../../../modules/network/clock";
import { TLSSocket } from "../../../modules/network/tls-socket";
import type { AdvisorSettings } from "../clients/advisor-settings";

const interval = 30_000;
const { endpoint, clientId, root, certificate, key, keepAlive } = JSON.parse(
  getEnvironment("SESSION")!,
) as AdvisorSettings;

const ignore = () => {};
const session = new CloudSession({
  endpoint,
  clientId,
  keepAlive,
  mqtt: { io: MQTTClient as unknown as MQTTClientClass },
  dns: { io: Resolver as never },
  socket: {
    io: TLSSocket as never,
    TCP: { io: TCP },
    secure: { roots: [root], certificate, key, clock: new Clock() },
  },
  onStateChanged: (state) => {
    const isConnected = state === "connected";
    if (isConnected) publish();
    if (isConnected) shadow.connected();
    else shadow.disconnected();
    jobs.sessionChanged(isConnected);
  },
  openStream: (topic: string) => {
    const shadowTopics = shadowRoot(clientId);
    return topic.startsWith(shadowTopics) ? shadow.open(topic.slice(shadowTopics.length)) : jobs.open(topic);
  },
  onMessage: ({ topic, stream }: InboundMessage) => {
    if (stream instanceof ShadowReader) shadow.receive(topic.slice(shadowRoot(clientId).length), stream);
    else if (stream) jobs.receive(topic, stream);
  },
  onError: (error) => jobs.sessionFailed(error),
});

/** Takes over whatever is desired. */
class Settings implements ShadowHost {
  readonly settingNames = ["telemetryInterval"];
  #state: Record<string, unknown> = { telemetryInterval: interval / 1000 };

  now(): number {
    return Date.now();
  }
  sendShadow(operation: ShadowOperation, payload: string): Promise<void> {
    return session.publish(shadowRoot(clientId) + operation, payload, { QoS: 0 });
  }
  fulfil({ values }: Wishes): boolean {
    Object.assign(this.#state, values);
    return true;
  }
  reportedState(): object {
    return this.#state;
  }
  shadowFailed(): void {}
}

const shadow = new Shadow(new Settings());
const jobs = new CameraJobs({ now: () => Date.now(), events: { add: ignore } });

function publish(): void {
  if (!session.connected) return;
  session.publish(`device/${clientId}/telemetry`, "{}", { QoS: 0 }).catch(ignore);
  if (session.pending < 2) session.publish(`device/${clientId}/photos`, "{}").catch(ignore);
}

session
  .subscribe([
    { topic: `device/${clientId}/commands`, QoS: 1 },
    { topic: `device/${clientId}/news`, QoS: 0 },
  ])
  .catch(ignore);
session
  .subscribe(shadowFilters(clientId))
  .then(() => shadow.grant(true))
  .catch(ignore);
session
  .subscribe(jobs.follow(session))
  .then(() => jobs.granted(""))
  .catch(ignore);
session.connect();
Timer.repeat(publish, interval);
