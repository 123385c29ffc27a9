/**
 * The device that the advisor judges: the camera's session with its own TLS, and as little of an application as the cases ask for. What
 * is not acknowledged stays queued in the session, so there is at most one message of QoS 1.
 */

import TCP from "embedded:io/socket/tcp";
import Resolver from "embedded:network/dns/resolver/udp";
import MQTTClient from "embedded:network/mqtt/client";
import { getEnvironment } from "environment";
import Timer from "timer";
import type { MQTTClientClass } from "../../../modules/cloud/client-interface";
import { CloudSession } from "../../../modules/cloud/session";
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
    if (state === "connected") publish();
  },
});

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
session.connect();
Timer.repeat(publish, interval);
