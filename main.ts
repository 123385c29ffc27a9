/**
 * The composition root: the only file that knows the board and which parts are plugged together. Everything else is given
 * what it needs. The hosts differ in the modules that stand behind the `embedded:` names (manifest.json), not here.
 */

import { GATTServer } from "embedded:io/bluetoothle/peripheral";
import TCP from "embedded:io/socket/tcp";
import Resolver from "embedded:network/dns/resolver/udp";
import WiFi from "embedded:network/interface/wifi";
import MQTTClient from "embedded:network/mqtt/client";
import Base64 from "base64";
import config from "mc/config";
import createClock from "system-clock";
import Time from "time";
import { CameraDevice } from "./modules/app/camera-device";
import { describeError } from "./modules/app/command-error";
import { Connectivity } from "./modules/app/connectivity";
import { loadLabel, qrPayload } from "./modules/app/label";
import { MQTTCommands } from "./modules/app/mqtt-commands";
import { PhotoUploads } from "./modules/app/photo-uploads";
import { Photographer } from "./modules/app/photographer";
import { Telemetry } from "./modules/app/telemetry";
import { StillCamera } from "./modules/camera/still-camera";
import { CloudSession } from "./modules/cloud/session";
import { topicsOf } from "./modules/cloud/topics";
import { amazonRoots } from "./modules/network/roots";
import { TLSSocket } from "./modules/network/tls-socket";
import { WiFiStation } from "./modules/network/wifi-station";
import { Provisioning } from "./modules/provisioning/provisioning";
import { type Identity, IdentityStore } from "./modules/storage/identity-store";
import { RecordStore } from "./modules/storage/record-store";
import type { Connection } from "./modules/upload/connection";
import { createConnector } from "./modules/upload/connector";
import { PresignedURL } from "./modules/upload/presigned-url";
import { uploadFrame } from "./modules/upload/uploader";
import * as crypto from "./native/tls/crypto";

const { Digest, KeyPair, randomBytes } = crypto;

/** A line on the console (xsbug, the serial port). Never a key, a password, or a URL with its query. */
const log = (line: string) => trace(`${line}\n`);

const records = new RecordStore("devicelink");
const identities = new IdentityStore(records);
const label = loadLabel(records, randomBytes);
const clock = createClock();
const now = () => (clock.isSet ? clock.now() : 0);

const camera = new StillCamera({ spi: config.camera });
let pictures = 0;
const photographer = new Photographer({
  camera,
  now,
  identify: () => `${label.serial}-${now()}-${++pictures}`,
});

const device = new CameraDevice({
  label,
  productId: config.productId,
  firmware: config.firmware,
  records,
  identities,
  camera,
  photographer,
  encodeBase64: (bytes) => Base64.encode(bytes),
  now,
  onIdentityChanged: () => connectivity.identityChanged(),
  onEvent: () => provisioning.notifyEvent(),
  log,
});

const wifi = new WiFiStation({ io: WiFi, onStateChanged: () => connectivity.wifiChanged() });
const connectivity = new Connectivity({
  wifi,
  clock,
  identities,
  records,
  openSession,
  onStateChanged: (state, detail) => device.stateChanged(state, detail),
});

const roots = () => {
  const rootCA = identities.current?.rootCA;
  return rootCA ? [rootCA] : amazonRoots;
};

const uploads = new PhotoUploads({
  records,
  redact: (url) => PresignedURL.parse(url).redacted,
  upload: (request, photo, onProgress) =>
    uploadFrame({
      ...request,
      frame: photo.frame,
      clock,
      Digest,
      onProgress,
      connect: createConnector({
        resolver: new Resolver({}),
        open: (options) =>
          new TLSSocket({ ...options, TCP: { io: TCP }, secure: { roots: roots(), clock } }) as Connection,
      }),
    }),
  announce: (announcement) => publish("photos", announcement),
  report: (type, fields) => device.events.add(type, fields),
});
device.uploads = uploads;

const provisioning = new Provisioning({
  io: GATTServer,
  crypto,
  name: label.name,
  proofOfPossession: label.proofOfPossession,
  wifi,
  endpoints: {
    "camera-cert": device.endpoint("camera-cert"),
    "camera-command": device.endpoint("camera-command"),
    "camera-upload": device.endpoint("camera-upload"),
    "camera-event": device.endpoint("camera-event"),
  },
  onWiFiConfigured: (credentials) => connectivity.keepCredentials(credentials),
  onWarning: (message) => log(`bluetooth: ${message}`),
});

const telemetry = new Telemetry({
  interval: config.telemetryInterval,
  collect: () => ({
    time: now(),
    uptime: Math.round(Time.ticks / 1000),
    firmware: config.firmware,
    RSSI: wifi.RSSI,
    ...uploads.counters,
  }),
  publish: (payload) => publish("telemetry", payload),
});

function openSession(identity: Identity): CloudSession {
  const { thingName, endpoint, certificate } = identity;
  const topics = topicsOf(thingName);
  const commands = new MQTTCommands({
    commands: device.commands,
    respond: (payload) => session.publish(topics.answers, payload),
  });
  const session = new CloudSession({
    endpoint,
    clientId: thingName,
    keepAlive: config.keepAlive,
    mqtt: { io: MQTTClient },
    dns: { io: Resolver },
    socket: {
      io: TLSSocket,
      TCP: { io: TCP },
      secure: { roots: roots(), certificate, key: new KeyPair(identity.key), clock },
    },
    will: { topic: topics.telemetry, message: JSON.stringify({ state: "offline" }), QoS: 1 },
    onStateChanged: (state, error) => {
      connectivity.sessionChanged(
        state === "connected",
        error && { error: { code: error.code, message: error.message } },
      );
      if (state !== "connected") return telemetry.stop();
      telemetry.start();
      uploads.announcePending();
    },
    onMessage: ({ topic, payload }) => {
      if (topic === topics.commands) commands.receive(payload);
    },
    onError: (error) => log(`cloud: ${error.code} ${error.message}`),
  });
  session.subscribe([{ topic: topics.commands, QoS: 1 }]).catch((error) => log(`cloud: ${error.message}`));
  return session;
}

async function publish(topic: "photos" | "telemetry", message: object): Promise<void> {
  const { session } = connectivity;
  const identity = identities.current;
  if (!session || !identity) throw new Error("the camera has no owner");
  const payload = message instanceof ArrayBuffer ? message : JSON.stringify(message);
  await session.publish(topicsOf(identity.thingName)[topic], payload);
}

if (!identities.current) log(`label: ${qrPayload(label)}`);
camera.start().catch((error) => device.events.add("Error", { ...describeError(error) }));
connectivity.start();
