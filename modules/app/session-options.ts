import type { CloudError } from "../cloud/cloud-error";
import type { FleetProvisioning } from "../cloud/fleet-provisioning";
import type { MessageStream } from "../cloud/message-reader";
import type { CloudSessionOptions, CloudState, InboundMessage } from "../cloud/session";
import { topicsOf } from "../cloud/topics";
import { TLSSocket } from "../network/tls-socket";
import type { Identity } from "../storage/identity-store";
import { type BoardHost, rootsFor } from "./board";
import type { SettingsStore } from "./settings";

/** Whoever hears of a session besides the camera itself: the shadow, the jobs. */
interface TopicFollower {
  open(topic: string): MessageStream | undefined;
  receive(topic: string, stream: MessageStream): unknown;
  sessionFailed(error: CloudError): void;
}

export interface SessionHost extends BoardHost {
  readonly settings: Pick<SettingsStore, "get">;
  readonly commands: { readonly isBusy: boolean; receive(payload: ArrayBuffer, retain: boolean): unknown };
  readonly deliveries: { readonly isPoisoned: boolean; expect(): void; wasAnswer(): void; dropped(): void };
  readonly device: { readonly uploads: { receiveGrant(payload: ArrayBuffer): void } };
  readonly shadow: TopicFollower;
  readonly jobs: TopicFollower;
  sessionChanged(state: CloudState, error?: CloudError): void;
  sessionDropped(): void;
}

/** The camera's session with its broker, and who gets which message. */
export class SessionOptions implements CloudSessionOptions {
  readonly endpoint: CloudSessionOptions["endpoint"];
  readonly clientId: string;
  #host: SessionHost;
  /** What the broker still has for this name may be a former owner's. */
  #isOthers: boolean;

  constructor(host: SessionHost, identity: Identity) {
    this.#host = host;
    this.#isOthers = host.identities.isNewcomer;
    this.endpoint = identity.endpoint;
    this.clientId = identity.thingName;
  }

  get keepAlive(): number {
    return this.#host.settings.get("keepAlive");
  }

  get preferredEndpoint(): string | undefined {
    return this.#host.identities.goodEndpoint;
  }

  get mqtt(): CloudSessionOptions["mqtt"] {
    return { io: this.#host.board.MQTTClient };
  }

  get dns(): CloudSessionOptions["dns"] {
    return { io: this.#host.board.Resolver };
  }

  /** Asked for each connection: certificate and key are in storage, and need not be in the machine's memory as well. */
  get socket(): CloudSessionOptions["socket"] {
    const { identities, clock, board } = this.#host;
    const identity = identities.inUse;
    const secure = { roots: rootsFor(identity), certificate: identity?.certificate, key: identity?.key, clock };
    return { io: TLSSocket, TCP: { io: board.TCP }, bufferLength: 512, secure };
  }

  get will(): CloudSessionOptions["will"] {
    return { topic: topicsOf(this.clientId).telemetry, message: '{"state":"offline"}', QoS: 1 };
  }

  onStateChanged(state: CloudState, error?: CloudError): void {
    this.#host.sessionChanged(state, error);
  }

  /** While a command is carried out nothing is read: what waits costs the broker memory, and not the camera. */
  admitMessage(): boolean {
    const { commands, deliveries } = this.#host;
    if (commands.isBusy) return false;
    deliveries.expect();
    return true;
  }

  openStream(topic: string): MessageStream | undefined {
    return this.#host.shadow.open(topic) ?? this.#host.jobs.open(topic);
  }

  mustDropSession(): boolean {
    return this.#isOthers || this.#host.deliveries.isPoisoned;
  }

  onSessionDropped(): void {
    this.#isOthers = false;
    if (this.#host.deliveries.isPoisoned) this.#host.sessionDropped();
  }

  onMessage({ topic, payload, stream, retain }: InboundMessage): void {
    const { commands, uploadGrant } = topicsOf(this.clientId);
    if (isAnswer(topic)) this.#host.deliveries.wasAnswer();
    if (topic === commands) this.#host.commands.receive(payload, retain);
    else if (topic === uploadGrant) this.#host.device.uploads.receiveGrant(payload);
    else if (stream) {
      this.#host.shadow.receive(topic, stream);
      this.#host.jobs.receive(topic, stream);
    }
  }

  onError(error: CloudError): void {
    this.#host.log(`cloud: ${error.code} ${error.message}`);
    if (error.code === "MessageTooLarge") this.#host.deliveries.dropped();
    this.#host.shadow.sessionFailed(error);
    this.#host.jobs.sessionFailed(error);
  }
}

/** What AWS IoT says to a request for the shadow or a job. */
function isAnswer(topic: string): boolean {
  return topic.startsWith("$aws/") && (topic.endsWith("/accepted") || topic.endsWith("/rejected"));
}

/** A session that fetches an identity: it has no will, and what happens in it is for the provisioning alone. */
export class ProvisioningSessionOptions extends SessionOptions {
  #provisioning: FleetProvisioning;

  constructor(host: SessionHost, identity: Identity, provisioning: FleetProvisioning) {
    super(host, identity);
    this.#provisioning = provisioning;
  }

  override get will(): undefined {
    return undefined;
  }

  override mustDropSession(): boolean {
    return false;
  }

  override admitMessage(): boolean {
    return true;
  }

  override openStream(): undefined {
    return undefined;
  }

  override onStateChanged(state: CloudState, error?: CloudError): void {
    this.#provisioning.onStateChanged(state, error);
  }

  override onMessage(message: InboundMessage): void {
    this.#provisioning.onMessage(message);
  }
}
