/**
 * The device's side of tests/e2e/iot*.test.ts: a CloudSession over the TLS of the firmware. It does what each line of its control
 * connection says, and says what happens as JSON lines on its trace.
 */

import TCP from "embedded:io/socket/tcp";
import Resolver from "embedded:network/dns/resolver/udp";
import MQTTClient from "embedded:network/mqtt/client";
import { getEnvironment } from "environment";
import { collectGarbage, resetPeaks, statistics } from "statistics";
import type { MQTTClientClass } from "../../../../modules/cloud/client-interface";
import { CloudSession } from "../../../../modules/cloud/session";
import { Clock } from "../../../../modules/network/clock";
import { TLSSocket } from "../../../../modules/network/tls-socket";
import type { SessionCommand, SessionSettings } from "../../host/session-task";

const say = (event: string, fields: object) => trace(`${JSON.stringify({ event, ...fields })}\n`);

function open({ root, certificate, key, mustDrop, ...settings }: SessionSettings): CloudSession {
  let isToDrop = mustDrop === true;
  return new CloudSession({
    ...(settings as Pick<SessionSettings, "endpoint" | "clientId">),
    mqtt: { io: MQTTClient as unknown as MQTTClientClass },
    dns: { io: Resolver as never },
    socket: {
      io: TLSSocket as never,
      TCP: { io: TCP },
      secure: { roots: [root], certificate, key, clock: new Clock() },
    },
    mustDropSession: () => isToDrop,
    onSessionDropped: () => {
      isToDrop = false;
      say("dropped", {});
    },
    onStateChanged: (state, error) => say("state", { state, code: error?.code, message: error?.message }),
    onMessage: ({ topic, payload, QoS, id, duplicate, retain }) => {
      const text = payload.byteLength < 1000 ? String.fromArrayBuffer(payload) : undefined;
      say("message", { topic, byteLength: payload.byteLength, text, QoS, id, duplicate, retain });
    },
    onError: ({ code, message }) => say("error", { code, message }),
  });
}

async function perform(session: CloudSession, command: SessionCommand): Promise<object> {
  const { name, topic = "", topics = [], payload, byteLength = 0, QoS = 1 } = command;
  if (name === "publish") await session.publish(topic, payload ?? new Uint8Array(byteLength), { QoS });
  else if (name === "subscribe") await session.subscribe(topics.map((filter) => ({ topic: filter, QoS })));
  else if (name === "statistics") {
    collectGarbage();
    const result = statistics();
    resetPeaks();
    return result;
  } else session[name]();
  return { state: session.state };
}

function answer(session: CloudSession, command: SessionCommand): void {
  perform(session, command)
    .then((result) => say("done", { n: command.n, ...result }))
    .catch(({ code, message }) => say("failed", { n: command.n, code, message }));
}

let line = "";
const session = open(JSON.parse(getEnvironment("SESSION")!));
const control = new TCP({
  address: "127.0.0.1",
  port: Number(getEnvironment("CONTROL_PORT")),
  onReadable: () => {
    line += String.fromArrayBuffer(control.read() as ArrayBuffer);
    for (let end = line.indexOf("\n"); end >= 0; end = line.indexOf("\n")) {
      const command = JSON.parse(line.slice(0, end)) as SessionCommand;
      line = line.slice(end + 1);
      answer(session, command);
    }
  },
  onError: () => session.close(),
});
