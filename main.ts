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
import config from "mc/config";
import createClock from "system-clock";
import Time from "time";
import { countBoot } from "./modules/app/boot-count";
import { CameraDevice, type CameraDeviceHost } from "./modules/app/camera-device";
import { describeError } from "./modules/app/command-error";
import { type Endpoint, endpoints } from "./modules/app/commands";
import { type ConnectionState, Connectivity, type ConnectivityHost } from "./modules/app/connectivity";
import { Enrolling, type EnrollingHost, provisioningClientId, templateParameters } from "./modules/app/enrolling";
import { type DeviceEvent, EventLog } from "./modules/app/event-log";
import { CameraJobs, type CameraJobsHost } from "./modules/app/jobs";
import { createRequest, isPair } from "./modules/app/keys";
import { type Label, loadLabel, qrPayload } from "./modules/app/label";
import { type MQTTCommandHost, MQTTCommands } from "./modules/app/mqtt-commands";
import type { PhotoAnnouncement, UploadRequest } from "./modules/app/photo-uploads";
import type { Photo } from "./modules/app/photographer";
import { Schedule, type ScheduleHost } from "./modules/app/schedule";
import { type SettingsHost, SettingsStore } from "./modules/app/settings";
import { ShadowSettings, type ShadowSettingsHost } from "./modules/app/shadow-settings";
import { Telemetry, type TelemetryHost } from "./modules/app/telemetry";
import { StillCamera } from "./modules/camera/still-camera";
import type { CloudError } from "./modules/cloud/cloud-error";
import { FleetProvisioning, type FleetProvisioningHost, type Provisioned } from "./modules/cloud/fleet-provisioning";
import { CloudSession, type CloudSessionOptions, type CloudState, type InboundMessage } from "./modules/cloud/session";
import { type Topics, topicsOf } from "./modules/cloud/topics";
import type { Clock } from "./modules/network/clock";
import { amazonRoots } from "./modules/network/roots";
import { TLSSocket } from "./modules/network/tls-socket";
import { WiFiStation } from "./modules/network/wifi-station";
import type { WiFiCredentials } from "./modules/network/wifi-types";
import { Provisioning } from "./modules/provisioning/provisioning";
import { type Identity, IdentityStore } from "./modules/storage/identity-store";
import { RecordStore } from "./modules/storage/record-store";
import type { Connection, ConnectionHandlers } from "./modules/upload/connection";
import { LookedUpConnection, type Opener, type SocketOptions } from "./modules/upload/connector";
import { PresignedURL } from "./modules/upload/presigned-url";
import { Upload, type UploadOptions, type UploadResult } from "./modules/upload/uploader";
import * as crypto from "./native/tls/crypto";

type Host = EnrollingHost &
  FleetProvisioningHost &
  CameraDeviceHost &
  ConnectivityHost<CloudSession> &
  TelemetryHost &
  MQTTCommandHost &
  SettingsHost &
  ScheduleHost &
  ShadowSettingsHost &
  CameraJobsHost;

/** Bytes of the picture in RAM at a time: one TLS record. */
const bufferLength = 2048;

/** A line on the console (xsbug, the serial port). Never a key, a password, or a URL with its query. */
const log = (line: string) => trace(`${line}\n`);

class Camera implements Host {
  readonly productId: string = config.productId;
  readonly firmware: string = config.firmware;
  readonly telemetryDefault: number = config.telemetryInterval / 1000;
  readonly records = new RecordStore("devicelink");
  readonly identities = new IdentityStore(this.records);
  readonly bootCount = countBoot(this.records);
  readonly label: Label = loadLabel(this.records, crypto.randomBytes);
  readonly clock: Clock = createClock();
  readonly events = new EventLog(this);
  readonly camera = new StillCamera({ spi: config.camera });
  readonly settings = new SettingsStore(this);
  readonly enrolling = new Enrolling(this);
  readonly device = new CameraDevice(this);
  readonly wifi = new WiFiStation(new StationOptions(this));
  readonly connectivity = new Connectivity<CloudSession>(this);
  readonly commands = new MQTTCommands(this);
  readonly telemetry = new Telemetry(this);
  readonly schedule = new Schedule(this);
  readonly shadow = new ShadowSettings(this);
  readonly jobs = new CameraJobs(this);
  readonly provisioning = new Provisioning(new ProvisioningOptions(this));
  #photos = 0;

  start(): void {
    if (!this.identities.current) log(`label: ${qrPayload(this.label)}`);
    this.camera.start().catch((error) => this.events.add("Error", { ...describeError(error) }));
    this.device.uploads.recover();
    this.schedule.start();
    this.connectivity.start();
  }

  now(): number {
    return this.clock.isSet ? this.clock.now() : 0;
  }

  nextImageId(): string {
    this.#photos += 1;
    return `${this.label.serial}-${this.now()}-${this.#photos}`;
  }

  encodeBase64(bytes: Uint8Array): string {
    return Base64.encode(bytes);
  }

  onEvent(event: DeviceEvent): void {
    log(JSON.stringify(event));
    this.provisioning.notifyEvent();
  }

  identityChanged(): void {
    this.connectivity.identityChanged();
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
    if (error) log(`cloud: ${error.message}`);
    if (error && error.code !== "SubscriptionRefused") return;
    const refused = error?.message ?? "";
    this.shadow.granted(refused);
    this.jobs.granted(refused);
  }

  openProvisioning(): FleetProvisioning {
    const { identities, label, enrolling } = this;
    const { enrolment } = identities;
    if (!enrolment) throw new Error("nothing to fetch");
    const parameters = templateParameters(enrolment, label.serial);
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

  matches(certificate: string, key: string): boolean {
    return isPair(certificate, key);
  }

  onProvisioned(result: Provisioned): void {
    this.enrolling.provisioned(result);
  }

  onProvisioningFailed(error: CloudError): void {
    this.enrolling.roundFailed(error);
  }

  sessionChanged(state: CloudState, error?: CloudError): void {
    const isConnected = state === "connected";
    const { endpoint } = this;
    if (isConnected) this.identities.goodEndpoint = endpoint;
    this.connectivity.sessionChanged(isConnected, connectionDetail(isConnected, endpoint, error));
    this.enrolling.sessionChanged(isConnected, error);
    this.shadow.sessionChanged(isConnected);
    this.jobs.sessionChanged(isConnected);
    if (isConnected) {
      this.telemetry.start();
      this.device.uploads.announcePending();
    } else this.telemetry.stop();
  }

  redact(url: string): string {
    return PresignedURL.parse(url).redacted;
  }

  upload(request: UploadRequest, photo: Photo): void {
    new Upload(new UploadTask(this, request, photo));
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
    if (names.includes("captureInterval")) this.schedule.intervalChanged();
    if (names.includes("telemetryInterval") && this.device.state === "online") this.telemetry.start();
  }

  prepareCamera(): { resolution: string; quality: string } {
    this.camera.configure(this.settings.controls);
    return { resolution: this.settings.get("resolution"), quality: this.settings.get("quality") };
  }

  collectTelemetry(): object {
    const { firmware, wifi, bootCount } = this;
    const uptime = Math.round(this.uptime / 1000);
    return {
      time: this.now(),
      uptime,
      bootCount,
      firmware,
      RSSI: wifi.RSSI,
      ...this.device.uploads.counters,
      schedule: this.schedule.book,
    };
  }

  publishTelemetry(report: string): Promise<void> {
    return this.publish("telemetry", report);
  }

  respond(answer: string): Promise<void> {
    return this.publish("answers", answer);
  }

  private publish(topic: keyof Topics, payload: string): Promise<void> {
    const { session } = this.connectivity;
    if (!session) return Promise.reject(new Error("this camera has no owner"));
    return session.publish(topicsOf(session.clientId)[topic], payload);
  }
}

/** One picture on its way to its URL, by name look-up, TCP and TLS. */
class UploadTask implements UploadOptions, Opener {
  readonly url: string;
  readonly headers: UploadOptions["headers"];
  readonly framing: UploadOptions["framing"];
  readonly frame: Photo["frame"];
  #camera: Camera;

  constructor(camera: Camera, { url, headers, framing }: UploadRequest, photo: Photo) {
    this.url = url;
    this.headers = headers;
    this.framing = framing;
    this.frame = photo.frame;
    this.#camera = camera;
  }

  get clock(): Clock {
    return this.#camera.clock;
  }

  get Digest(): typeof crypto.Digest {
    return crypto.Digest;
  }

  get bufferLength(): number {
    return bufferLength;
  }

  connect(host: string, port: number, handlers: ConnectionHandlers): Connection {
    return new LookedUpConnection(new Resolver({}), this, host, port, handlers);
  }

  open(options: SocketOptions): Connection {
    const secure = { roots: rootsFor(this.#camera.identities.inUse), clock: this.clock };
    return new TLSSocket({ ...options, TCP: { io: TCP }, secure } as never) as Connection;
  }

  onProgress(sent: number): void {
    this.#camera.device.uploads.sent(sent);
  }

  onResult(result: UploadResult): void {
    this.#camera.device.uploads.ended(result);
  }
}

/** What an event tells of the connection, if there is something to tell: which endpoint it is, and what went wrong. */
function connectionDetail(isConnected: boolean, endpoint?: string, error?: CloudError): object | undefined {
  if (!isConnected && !error) return undefined;
  return { ...(error && { error: describeError(error) }), ...(endpoint && { endpoint }) };
}

/** The identity's own roots, or Amazon's. */
function rootsFor(identity: Identity | undefined): readonly string[] {
  return identity?.rootCA ? [identity.rootCA] : amazonRoots;
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

class SessionOptions implements CloudSessionOptions {
  readonly endpoint: CloudSessionOptions["endpoint"];
  readonly clientId: string;
  readonly keepAlive: number = config.keepAlive;
  #camera: Camera;

  constructor(camera: Camera, identity: Identity) {
    this.#camera = camera;
    this.endpoint = identity.endpoint;
    this.clientId = identity.thingName;
  }

  get preferredEndpoint(): string | undefined {
    return this.#camera.identities.goodEndpoint;
  }

  get mqtt(): CloudSessionOptions["mqtt"] {
    return { io: MQTTClient };
  }

  get dns(): CloudSessionOptions["dns"] {
    return { io: Resolver };
  }

  /** Asked for each connection: certificate and key are in storage, and need not be in the machine's memory as well. */
  get socket(): CloudSessionOptions["socket"] {
    const { identities, clock } = this.#camera;
    const identity = identities.inUse;
    const secure = { roots: rootsFor(identity), certificate: identity?.certificate, key: identity?.key, clock };
    return { io: TLSSocket, TCP: { io: TCP }, bufferLength: 512, secure };
  }

  get will(): CloudSessionOptions["will"] {
    return { topic: topicsOf(this.clientId).telemetry, message: '{"state":"offline"}', QoS: 1 };
  }

  onStateChanged(state: CloudState, error?: CloudError): void {
    this.#camera.sessionChanged(state, error);
  }

  onMessage({ topic, payload }: InboundMessage): void {
    const { commands, uploadGrant } = topicsOf(this.clientId);
    if (topic === commands) this.#camera.commands.receive(payload);
    else if (topic === uploadGrant) this.#camera.device.uploads.receiveGrant(payload);
    else {
      this.#camera.shadow.receive(topic, payload);
      this.#camera.jobs.receive(topic, payload);
    }
  }

  onError(error: CloudError): void {
    log(`cloud: ${error.code} ${error.message}`);
    this.#camera.shadow.sessionFailed(error);
    this.#camera.jobs.sessionFailed(error);
  }
}

/** A session that fetches an identity: it has no will, and what happens in it is for the provisioning alone. */
class ProvisioningSessionOptions extends SessionOptions {
  #provisioning: FleetProvisioning;

  constructor(camera: Camera, identity: Identity, provisioning: FleetProvisioning) {
    super(camera, identity);
    this.#provisioning = provisioning;
  }

  override get will(): undefined {
    return undefined;
  }

  override onStateChanged(state: CloudState, error?: CloudError): void {
    this.#provisioning.onStateChanged(state, error);
  }

  override onMessage(message: InboundMessage): void {
    this.#provisioning.onMessage(message);
  }
}

class ProvisioningOptions {
  readonly io = GATTServer;
  readonly crypto = crypto;
  readonly name: string;
  readonly proofOfPossession: string;
  readonly wifi: WiFiStation;
  /** Itself, in a camera as it comes from its box; a camera that has a network or an owner has no Improv from the next start on. */
  readonly improv: this | undefined;
  #camera: Camera;

  constructor(camera: Camera) {
    this.#camera = camera;
    this.name = camera.label.name;
    this.proofOfPossession = camera.label.proofOfPossession;
    this.wifi = camera.wifi;
    this.improv = this.window && this.allowed ? this : undefined;
  }

  /** How long Improv takes Wi-Fi settings, in milliseconds; 0: the camera has no Improv. */
  get window(): number {
    return config.improv ?? 0;
  }

  /** For Improv, which asks for no proof: there is nothing yet that somebody could take away. */
  get allowed(): boolean {
    const { identities, records } = this.#camera;
    return !identities.inUse && !records.read("wifi");
  }

  /** For Improv's "device info". */
  get info(): readonly string[] {
    return [config.productId, config.firmware, config.chip, this.name];
  }

  /** On the chip: LE Secure Connections below the session (DESIGN decision 4). */
  get linkEncryption(): boolean {
    return config.linkEncryption === true;
  }

  get endpoints(): this {
    return this;
  }

  has(endpoint: string): boolean {
    return endpoints.includes(endpoint as Endpoint);
  }

  handle(endpoint: string, message: object): Promise<object> {
    return this.#camera.device.execute(message, "bluetooth", endpoint as Endpoint);
  }

  onWiFiConfigured(credentials: WiFiCredentials): void {
    this.#camera.connectivity.keepCredentials(credentials);
  }

  onWarning(message: string): void {
    log(`bluetooth: ${message}`);
  }
}

/** Called when the machine has started. The module itself is preloaded, so nothing happens before. */
export default function main(): void {
  new Camera().start();
}
