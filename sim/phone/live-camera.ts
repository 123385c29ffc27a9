import { PhoneCloudError } from "./cloud-errors.ts";
import { Emitter } from "./emitter.ts";
import { CameraError } from "./errors.ts";
import { type MqttConnection, randomSuffix } from "./mqtt-connection.ts";
import { PendingAnswers } from "./pending-answers.ts";
import { type JsonObject, noShadow, type ShadowState, withShadowMessage } from "./shadow-mirror.ts";
import { pause } from "./waiting.ts";

export type { JsonObject, ShadowState } from "./shadow-mirror.ts";

/** What the camera says of a stored picture on `device/<thing>/photos`. */
export interface PhotoAnnouncement {
  imageId: string;
  /** Address of the object, without a signature. */
  url: string;
  bytes: number;
  etag: string;
  /** When it was taken, milliseconds since 1970. */
  time: number;
  width: number;
  height: number;
  resolution: string;
  /** Of a scheduled picture: when it was due. */
  due?: number;
  /** false: the camera could not get all of it. */
  complete?: false;
}

export interface LiveState {
  /** undefined: not known yet. */
  online: boolean | undefined;
  /** The last report. */
  telemetry: JsonObject | undefined;
  shadow: ShadowState | undefined;
  /** When the camera was heard last, milliseconds since 1970 of this machine's clock. */
  lastSeen: number | undefined;
}

export interface LiveCameraEvents {
  change: LiveState;
  photo: PhotoAnnouncement;
  /** Any answer, also those to other phones. */
  answer: JsonObject;
}

/** Milliseconds. */
const commandLimit = 20_000;
const shadowLimit = 10_000;
const grantPause = 500;

/** One's own camera over MQTT: what it tells, what it is asked, and its settings. */
export class LiveCamera extends Emitter<LiveCameraEvents> {
  readonly thingName: string;
  #connection: MqttConnection;
  #wasJustClaimed: () => boolean;
  #state: LiveState = { online: undefined, telemetry: undefined, shadow: undefined, lastSeen: undefined };
  #commands = new PendingAnswers<JsonObject>();
  #updates = new PendingAnswers<JsonObject>();
  /** The highest numbers of connections that began and that ended. */
  #presence = { begun: -1, ended: -1 };
  #opening?: Promise<void>;
  #end?: () => Promise<void>;
  #stopFollowing?: () => void;

  /** @param wasJustClaimed then a refusal may pass: rights take a while until they are in force */
  constructor(connection: MqttConnection, thingName: string, wasJustClaimed: () => boolean = () => false) {
    super();
    this.#connection = connection;
    this.#wasJustClaimed = wasJustClaimed;
    this.thingName = thingName;
  }

  get state(): LiveState {
    return this.#state;
  }

  /**
   * Listens, asks for the shadow, and asks the camera how it is. May be called at any time; the others wait for it.
   * @throws PhoneCloudError AccessDenied (not one's own), NetworkUnavailable
   */
  open(): Promise<void> {
    this.#opening ??= this.#open().catch((error) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  /**
   * Sends a command and waits for its answer.
   * @param options.timeout milliseconds, default 20 s
   * @throws CameraError the camera's own; PhoneCloudError CameraOffline (no answer), NetworkUnavailable; PhoneError Cancelled
   */
  async command(
    message: JsonObject & { type: string },
    { timeout = commandLimit, signal }: { timeout?: number; signal?: AbortSignal } = {},
  ): Promise<JsonObject> {
    await this.open();
    const clientToken = randomSuffix();
    const late = () => new PhoneCloudError("CameraOffline", `${this.thingName} did not answer ${message.type}`);
    const send = () =>
      this.#connection.publish(`device/${this.thingName}/commands`, { ...message, clientToken }, signal);
    const answer = await this.#commands.ask(clientToken, send, { timeout, late, signal }).catch((error) => {
      if (error instanceof PhoneCloudError && error.code === "CameraOffline") this.#change({ online: false });
      throw error;
    });
    const { error } = answer as { error?: { code: unknown; message: unknown } };
    if (error) throw new CameraError(String(error.code), String(error.message));
    return answer;
  }

  /**
   * Wishes for settings; null takes a wish back. Resolves when the cloud has it; the camera follows when it can.
   * @param options.version only if the shadow has still this one
   * @throws PhoneCloudError VersionConflict, NoAnswer, NetworkUnavailable
   */
  async updateSettings(desired: JsonObject, { version }: { version?: number } = {}): Promise<void> {
    await this.open();
    const clientToken = randomSuffix();
    const message = { state: { desired }, clientToken, ...(version === undefined ? {} : { version }) };
    const late = () => new PhoneCloudError("NoAnswer", "the shadow service did not answer");
    const send = () => this.#connection.publish(this.#shadow("update"), message);
    const answer = await this.#updates.ask(clientToken, send, { timeout: shadowLimit, late });
    const { code, message: reason } = answer as { code?: number; message?: string };
    if (code === 409) throw new PhoneCloudError("VersionConflict", `${reason}`);
    if (code !== undefined) throw new PhoneCloudError("CloudRefused", `shadow: ${code} ${reason}`);
  }

  /** Asks for the shadow and for the camera anew; what comes is in `state`. */
  async refresh(): Promise<void> {
    await this.#connection.publish(this.#shadow("get"), {});
    // The answer itself makes it online; without one it is not.
    this.command({ type: "GetTelemetry" }, { timeout: shadowLimit }).catch(() => {});
  }

  /** Ends the subscriptions. */
  async close(): Promise<void> {
    this.#stopFollowing?.();
    this.#commands.failAll(() => new PhoneCloudError("Closed", "the camera is no longer listened to"));
    this.#updates.failAll(() => new PhoneCloudError("Closed", "the camera is no longer listened to"));
    const end = this.#end;
    this.#end = undefined;
    this.#opening = undefined;
    await end?.();
  }

  async #open(): Promise<void> {
    this.#end = await this.#subscribe();
    this.#stopFollowing?.();
    // What was told while there was no connection is asked for.
    this.#stopFollowing = this.#connection.on("state", ({ state }) => {
      this.#presence = { begun: -1, ended: -1 };
      if (state === "online") this.refresh().catch(() => {});
      else if (this.#state.online !== undefined) this.#change({ online: undefined });
    });
    await this.refresh();
  }

  async #subscribe(): Promise<() => Promise<void>> {
    const { thingName } = this;
    const topics = [
      ...["answers", "telemetry", "photos"].map((name) => `device/${thingName}/${name}`),
      ...["get/accepted", "get/rejected", "update/documents", "update/rejected"].map((name) => this.#shadow(name)),
      ...["connected", "disconnected"].map((name) => `$aws/events/presence/${name}/${thingName}`),
    ];
    const listener = (topic: string, message: unknown) => this.#receive(topic, message);
    for (;;) {
      try {
        return await this.#connection.subscribe(topics, listener);
      } catch (error) {
        const isDenied = error instanceof PhoneCloudError && error.code === "AccessDenied";
        if (!isDenied || !this.#wasJustClaimed()) throw error;
        await pause(grantPause);
      }
    }
  }

  #shadow(name: string): string {
    return `$aws/things/${this.thingName}/shadow/${name}`;
  }

  #receive(topic: string, message: unknown): void {
    if (typeof message !== "object" || message === null) return;
    const fields = message as JsonObject;
    if (topic.startsWith("$aws/events/")) this.#hearPresence(topic, fields);
    else if (topic.startsWith("$aws/")) this.#hearShadow(topic, fields);
    else this.#hearCamera(topic, fields);
  }

  /**
   * Presence comes late, twice and in any order; the events of one connection share a number, and the next connection has a higher one
   * (IoT guide, "Lifecycle events"). The end of an old connection says nothing of the one that took its place.
   */
  #hearPresence(topic: string, { versionNumber }: JsonObject): void {
    const kind = topic.includes("/connected/") ? "begun" : "ended";
    this.#presence[kind] = Math.max(this.#presence[kind], Number(versionNumber));
    this.#change({ online: this.#presence.begun > this.#presence.ended });
  }

  #hearCamera(topic: string, message: JsonObject): void {
    // The last will is the broker's word, and may be that of a connection which has long been replaced: presence knows better.
    if (topic.endsWith("/telemetry") && message.state === "offline") return;
    const telemetry = topic.endsWith("/telemetry") ? message : this.#state.telemetry;
    this.#change({ telemetry, online: true, lastSeen: Date.now() });
    if (topic.endsWith("/photos")) this.emit("photo", message as unknown as PhotoAnnouncement);
    if (!topic.endsWith("/answers")) return;
    if (message.type === "GetTelemetry" && !message.error) this.#change({ telemetry: message });
    this.#commands.answer(message.clientToken, message);
    this.emit("answer", message);
  }

  #hearShadow(topic: string, message: JsonObject): void {
    if (topic.endsWith("/get/rejected")) {
      if (message.code === 404 && !this.#state.shadow) this.#change({ shadow: noShadow });
      return;
    }
    const shadow = withShadowMessage(this.#state.shadow, topic, message);
    if (shadow !== this.#state.shadow) this.#change({ shadow });
    if (!topic.endsWith("/get/accepted")) this.#updates.answer(message.clientToken, message);
  }

  #change(part: Partial<LiveState>): void {
    this.#state = { ...this.#state, ...part };
    this.emit("change", this.#state);
  }
}
