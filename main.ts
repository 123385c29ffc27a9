/**
 * The composition root: the only file that knows the board and which parts are plugged together. The hosts differ in the modules
 * that stand behind the `embedded:` names (manifest.json), not here.
 *
 * The parts get the camera itself as their host instead of callbacks: methods of a preloaded class lie in flash, while each closure
 * would take some ten slots of the machine for good.
 */

import { GATTServer } from "embedded:io/bluetoothle/peripheral";
import TCP from "embedded:io/socket/tcp";
import Resolver from "embedded:network/dns/resolver/udp";
import WiFi from "embedded:network/interface/wifi";
import MQTTClient from "embedded:network/mqtt/client";
import Base64 from "base64";
import freeMemory from "free-memory";
import config from "mc/config";
import createClock from "system-clock";
import Time from "time";
import { type BluetoothHost, BluetoothOptions } from "./modules/app/bluetooth-options";
import type { Board } from "./modules/app/board";
import { countBoot } from "./modules/app/boot-count";
import { CameraDevice, type CameraDeviceHost } from "./modules/app/camera-device";
import { certificateIdOf } from "./modules/app/certificate-id";
import { ClockKeeper, type ClockKeeperHost } from "./modules/app/clock-keeper";
import { describeError } from "./modules/app/command-error";
import { type ConnectionState, Connectivity, type ConnectivityHost } from "./modules/app/connectivity";
import { type DeliveryHost, DeliveryWatch } from "./modules/app/delivery-watch";
import { Enrolling, type EnrollingHost, provisioningClientId, templateParameters } from "./modules/app/enrolling";
import { type DeviceEvent, EventLog } from "./modules/app/event-log";
import { httpsServers } from "./modules/app/https-servers";
import { certificateFor } from "./modules/app/identity-check";
import { CameraJobs, type CameraJobsHost } from "./modules/app/jobs";
import { createRequest } from "./modules/app/keys";
import { type Label, loadLabel, qrPayload } from "./modules/app/label";
import { type MQTTCommandHost, MQTTCommands } from "./modules/app/mqtt-commands";
import { ownThingName, provisioningProof } from "./modules/app/ownership";
import type { PhotoAnnouncement, UploadRequest } from "./modules/app/photo-uploads";
import type { Photo } from "./modules/app/photographer";
import { PictureConnection, type PictureConnectionHost } from "./modules/app/picture-connection";
import { Schedule, type ScheduleHost } from "./modules/app/schedule";
import { ProvisioningSessionOptions, type SessionHost, SessionOptions } from "./modules/app/session-options";
import { type SettingsHost, SettingsStore } from "./modules/app/settings";
import { ShadowSettings, type ShadowSettingsHost } from "./modules/app/shadow-settings";
import { Telemetry, type TelemetryHost } from "./modules/app/telemetry";
import { StillCamera } from "./modules/camera/still-camera";
import type { CloudError } from "./modules/cloud/cloud-error";
import { FleetProvisioning, type FleetProvisioningHost, type Provisioned } from "./modules/cloud/fleet-provisioning";
import { CloudSession, type CloudState, type PublishOptions } from "./modules/cloud/session";
import { type Topics, topicsOf } from "./modules/cloud/topics";
import { type TextPairs, textOf } from "./modules/json/text-pairs";
import type { Clock } from "./modules/network/clock";
import { tell } from "./modules/network/single-outcome";
import type { TimeHost, TimeSource } from "./modules/network/time-source";
import { WiFiStation } from "./modules/network/wifi-station";
import { Provisioning } from "./modules/provisioning/provisioning";
import { type Identity, IdentityStore } from "./modules/storage/identity-store";
import { RecordStore } from "./modules/storage/record-store";
import { PresignedURL } from "./modules/upload/presigned-url";
import { Upload } from "./modules/upload/uploader";
import * as crypto from "./native/tls/crypto";

type Host = SessionHost &
  DeliveryHost &
  BluetoothHost &
  PictureConnectionHost &
  EnrollingHost &
  FleetProvisioningHost &
  CameraDeviceHost &
  ConnectivityHost<CloudSession> &
  TelemetryHost &
  MQTTCommandHost &
  SettingsHost &
  ScheduleHost &
  ClockKeeperHost &
  TimeHost &
  ShadowSettingsHost &
  CameraJobsHost;

/** What becomes of a session, for all who follow it. */
interface SessionChange {
  isConnected: boolean;
  endpoint?: string;
  error?: CloudError;
}

/** Each is told, in this order, whatever the one before has thrown: storage that is worn out keeps nobody from going on. */
const sessionFollowers: readonly ((this: Camera, change: SessionChange) => void)[] = Object.freeze([
  function (this: Camera, { isConnected, endpoint }: SessionChange) {
    if (isConnected) this.identities.goodEndpoint = endpoint;
  },
  function (this: Camera, { isConnected, endpoint, error }: SessionChange) {
    this.connectivity.sessionChanged(isConnected, connectionDetail(isConnected, endpoint, error));
  },
  function (this: Camera, { isConnected, error }: SessionChange) {
    this.enrolling.sessionChanged(isConnected, error);
  },
  function (this: Camera, { error }: SessionChange) {
    this.clockKeeper.failed(error?.code);
  },
  function (this: Camera, { isConnected }: SessionChange) {
    this.shadow.sessionChanged(isConnected);
  },
  function (this: Camera, { isConnected }: SessionChange) {
    this.jobs.sessionChanged(isConnected);
  },
  function (this: Camera, { isConnected }: SessionChange) {
    if (isConnected) this.telemetry.start();
    else this.telemetry.stop();
  },
  function (this: Camera, { isConnected }: SessionChange) {
    if (isConnected) this.device.uploads.announcePending();
  },
]);

const board: Board = Object.freeze({
  TCP,
  Resolver,
  MQTTClient,
  GATTServer,
  crypto,
  improv: config.improv ?? 0,
  bluetoothLinks: config.bluetoothLinks,
  // On the chip (DESIGN decision 4).
  linkEncryption: config.linkEncryption === true,
  info: Object.freeze([config.productId, config.firmware, config.chip]),
});

class Camera implements Host {
  readonly records = new RecordStore("devicelink");
  readonly identities = new IdentityStore(this.records);
  readonly bootCount = countBoot(this.records);
  readonly label: Label = loadLabel(this.records, crypto.randomBytes);
  readonly clock: Clock = createClock(this);
  readonly events = new EventLog(this);
  readonly camera = new StillCamera({ spi: config.camera });
  readonly settings = new SettingsStore(this);
  readonly enrolling = new Enrolling(this);
  readonly device = new CameraDevice(this);
  readonly wifi = new WiFiStation(new StationOptions(this));
  readonly connectivity = new Connectivity<CloudSession>(this);
  readonly commands = new MQTTCommands(this);
  readonly deliveries = new DeliveryWatch(this);
  readonly telemetry = new Telemetry(this);
  readonly schedule = new Schedule(this);
  readonly clockKeeper = new ClockKeeper(this);
  readonly shadow = new ShadowSettings(this);
  readonly jobs = new CameraJobs(this);
  readonly provisioning = new Provisioning(new BluetoothOptions(this));
  #photos = 0;

  get board(): Board {
    return board;
  }

  get productId(): string {
    return config.productId;
  }

  get firmware(): string {
    return config.firmware;
  }

  get telemetryDefault(): number {
    return config.telemetryInterval / 1000;
  }

  /** On xsbug, or the serial port. */
  log(line: string): void {
    trace(`${line}\n`);
  }

  start(): void {
    this.identities.settle();
    this.identities.summarize(certificateIdOf);
    if (!this.identities.summary) this.log(`label: ${qrPayload(this.label)}`);
    this.camera.start().catch((error) => this.events.add("Error", { ...describeError(error) }));
    this.device.uploads.recover();
    this.schedule.start();
    this.clockKeeper.start();
    this.connectivity.start();
  }

  now(): number {
    return this.clock.isSet ? this.clock.now() : 0;
  }

  confirmedNow(): number {
    return this.clock.isConfirmed ? this.clock.now() : 0;
  }

  /** Whatever the time servers agree on: the broker's certificate is good at that time, too. */
  get isTimeConfirmed(): boolean {
    return this.clock.isConfirmed && this.device.state === "online";
  }

  get released(): number {
    return Date.parse(config.released);
  }

  httpsTime(port?: number): TimeSource[] {
    return httpsServers(this, port);
  }

  get mayAskForTime(): boolean {
    return this.wifi.state === "connected" && this.device.uploads.busy === undefined;
  }

  timeContradicted(code: string): void {
    this.clockKeeper.failed(code);
  }

  clockChanged(): void {
    this.schedule.resume();
  }

  /** Never the same again, also after a restart and before the clock is set: grants do not replace a picture. */
  nextImageId(): string {
    this.#photos += 1;
    return `${this.label.serial}-${this.now() || `b${this.bootCount}`}-${this.#photos}`;
  }

  encodeBase64(bytes: Uint8Array): string {
    return Base64.encode(bytes);
  }

  onEvent(event: DeviceEvent): void {
    this.log(JSON.stringify(event));
    this.provisioning.notifyEvent();
  }

  identityChanged(): void {
    this.connectivity.identityChanged();
  }

  identityFailed(error: unknown): void {
    this.enrolling.openFailed(error);
  }

  connectionChanged(state: ConnectionState, detail?: object): void {
    this.device.state = state;
    this.schedule.resume();
    this.events.add("CloudState", { state, ...detail });
  }

  openSession(identity: Identity): CloudSession {
    const session = new CloudSession(new SessionOptions(this, identity));
    const { commands, uploadGrant } = topicsOf(identity.thingName);
    const filters = [commands, uploadGrant].map((topic) => ({ topic, QoS: 1 as const }));
    // All at once, eight as one SUBSCRIBE takes: a promise for each would wait through the whole handshake.
    session.subscribe([...filters, ...this.shadow.follow(session), ...this.jobs.follow(session)]).then(
      () => this.granted(),
      (error) => this.granted(error),
    );
    return session;
  }

  /** The broker has answered for all topics. What it refused, others must not miss. */
  private granted(error?: CloudError): void {
    if (error) this.log(`cloud: ${error.message}`);
    if (error && error.code !== "SubscriptionRefused") return;
    const refused = error?.message ?? "";
    this.shadow.granted(refused);
    this.jobs.granted(refused);
  }

  openProvisioning(): FleetProvisioning {
    const { identities, enrolling } = this;
    const { enrolment, summary } = identities;
    if (!enrolment) throw new Error("nothing to fetch");
    const parameters = templateParameters(enrolment, summary?.thingName, ownThingName(this));
    return new FleetProvisioning(this, { template: enrolment.template, parameters, delay: enrolling.pause });
  }

  openProvisioningSession(provisioning: FleetProvisioning): CloudSession {
    const identity = this.identities.inUse;
    if (!identity) throw new Error("nothing to ask with");
    const thingName = provisioningClientId(identity, this.label.serial, crypto.randomBytes(4));
    return new CloudSession(new ProvisioningSessionOptions(this, { ...identity, thingName }, provisioning));
  }

  createRequest(): { key: string; csr: string } {
    return createRequest(this.label.serial);
  }

  certificateFor(certificate: string, key: string): string | undefined {
    return certificateFor(certificate, key, this.now());
  }

  proveThing(certificate: string, parameters: TextPairs): TextPairs {
    return provisioningProof(this, textOf(parameters, "SerialNumber"), certificateIdOf(certificate));
  }

  onProvisioned(result: Provisioned): void {
    this.enrolling.provisioned(result);
  }

  onProvisioningFailed(error: CloudError): void {
    this.enrolling.roundFailed(error);
  }

  sessionChanged(state: CloudState, error?: CloudError): void {
    const change = { isConnected: state === "connected", endpoint: this.endpoint, error };
    for (const follower of sessionFollowers) tell(this, follower, change);
  }

  /** Two starts in a row ended right after a message: what the broker kept for the camera is gone, and all is asked for anew. */
  sessionDropped(): void {
    const badStarts = this.deliveries.sessionDropped();
    this.events.add("SessionDropped", { badStarts });
  }

  redact(url: string): string {
    return PresignedURL.parse(url).redacted;
  }

  upload(request: UploadRequest, photo: Photo): void {
    new Upload(new PictureConnection(this, request, photo));
  }

  retake(photo: Photo): Promise<void> {
    return this.device.retake(photo);
  }

  announce(announcement: PhotoAnnouncement): Promise<void> {
    return this.publish("photos", JSON.stringify(announcement));
  }

  get endpoint(): string | undefined {
    return this.connectivity.session?.endpoint;
  }

  get hasSession(): boolean {
    return this.connectivity.session !== undefined;
  }

  publishGrantRequest(payload: string): Promise<void> {
    return this.publish("uploadRequest", payload);
  }

  nextRequestId(): string {
    return this.encodeBase64(new Uint8Array(crypto.randomBytes(12)));
  }

  scheduledEnded(due: number, code: string | undefined): void {
    this.schedule.ended(due, code);
  }

  get uptime(): number {
    return Time.ticks;
  }

  get telemetryInterval(): number {
    return this.settings.get("telemetryInterval") * 1000;
  }

  get captureInterval(): number {
    return this.settings.get("captureInterval");
  }

  settingsChanged(names: readonly string[]): void {
    this.events.add("SettingsChanged", { names });
    const { session } = this.connectivity;
    if (session && names.includes("keepAlive")) session.keepAlive = this.settings.get("keepAlive");
    if (names.includes("captureInterval")) this.schedule.intervalChanged();
    if (names.includes("telemetryInterval") && this.device.state === "online") this.telemetry.start();
  }

  prepareCamera(): { resolution: string; quality: string } {
    this.camera.configure(this.settings.controls);
    return { resolution: this.settings.get("resolution"), quality: this.settings.get("quality") };
  }

  collectTelemetry(): object {
    const { firmware, wifi, clock, bootCount, device, connectivity, deliveries, events } = this;
    const uptime = Math.round(this.uptime / 1000);
    return {
      time: this.now(),
      uptime,
      bootCount,
      firmware,
      freeMemory: freeMemory(),
      RSSI: wifi.RSSI,
      clock: clock.state,
      timeSource: clock.source,
      ...connectivity.counters,
      ...deliveries.counters,
      ...device.uploads.counters,
      cameraFailed: device.cameraFailed,
      errors: events.errors,
      schedule: this.schedule.book,
    };
  }

  publishTelemetry(report: string): Promise<void> {
    return this.publish("telemetry", report);
  }

  respond(answer: string): Promise<void> {
    return this.publish("answers", answer, { expendable: true });
  }

  commandRetained(): void {
    const message = "a retained command was not carried out; an empty retained message takes it away";
    this.events.add("Error", { code: "Retained", message });
  }

  commandEnded(): void {
    this.connectivity.session?.resume();
  }

  private publish(topic: keyof Topics, payload: string, options?: PublishOptions): Promise<void> {
    const { session } = this.connectivity;
    if (!session) return Promise.reject(new Error("this camera has no owner"));
    return session.publish(topicsOf(session.clientId)[topic], payload, options);
  }
}

/** What an event tells of the connection, if there is something to tell: which endpoint it is, and what went wrong. */
function connectionDetail(isConnected: boolean, endpoint?: string, error?: CloudError): object | undefined {
  if (!isConnected && !error) return undefined;
  return { ...(error && { error: describeError(error) }), ...(endpoint && { endpoint }) };
}

class StationOptions {
  readonly io = WiFi;
  #camera: Camera;

  constructor(camera: Camera) {
    this.#camera = camera;
  }

  onStateChanged(): void {
    this.#camera.connectivity.wifiChanged();
  }
}

/** Called when the machine has started. The module itself is preloaded, so nothing happens before. */
export default function main(): void {
  new Camera().start();
}
